// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fog-flood: valid frames on schedule and a flood beside them, from one core, on a veth interface.
#include "flood_shared.h" // before the skeleton, which uses its structs

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/ethtool.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/sockios.h>
#include <linux/udp.h>
#include <math.h>
#include <net/if.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <unistd.h>

#include "flood.skel.h"

enum {
	EXIT_USAGE = 2,
	BATCH = 128, // frames at a time: a veth's ring holds 256
	PCAP_HEAD = 24,
	PCAP_RECORD = 16,
};

struct options {
	const char *interface, *valid;
	double rate, flood_rate, seconds;
	uint8_t to_mac[6], from_mac[6];
	struct in_addr to, source;
	uint32_t sources;
	uint16_t port;
	bool receive;
	unsigned lengths;
	uint32_t length[FLOOD_TEMPLATES]; // of UDP payloads
};

static const char usage_text[] =
        "usage: fog-flood --interface NAME --seconds T [OPTION...]\n"
        "\n"
        "Sends on a veth interface, as fast as one core can, and prints what it sent as JSON. Valid\n"
        "frames keep their schedule, the flood takes the time that is left.\n"
        "\n"
        "  --receive            frames come in at the interface, before its XDP program, instead of\n"
        "                       going out of it; there must be such a program\n"
        "  --valid FILE         pcap whose frames (up to 8192) are sent again and again, ...\n"
        "  --rate PPS           ... so many a second\n"
        "  --lengths N,N..      the flood's UDP payloads, in turn; left out: no flood\n"
        "  --flood-rate PPS     of the flood [as fast as possible]\n"
        "  --to MAC/IP          where it goes; IPv4\n"
        "  --port N             UDP port [9001]\n"
        "  --source IP          first source address [10.99.0.0]\n"
        "  --sources N          how many of them, in turn [10000]\n";

__attribute__((format(printf, 1, 2))) static int tell(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("fog-flood: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	return -EINVAL;
}

static int parse_number(const char *name, const char *text, double min, double max, double *out)
{
	char *end;

	*out = strtod(text, &end);
	if (end != text && *end == '\0' && *out >= min && *out <= max)
		return 0;
	return tell("--%s: '%s' is not a number from %g to %g", name, text, min, max);
}

static int parse_to(const char *text, struct options *o)
{
	char ip[INET_ADDRSTRLEN] = "";
	uint8_t *m = o->to_mac;

	if (sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx/%15s", &m[0], &m[1], &m[2], &m[3],
	           &m[4], &m[5], ip) == 7 &&
	    inet_pton(AF_INET, ip, &o->to) == 1)
		return 0;
	return tell("--to: '%s' is not MAC/IP such as 02:00:00:00:00:01/10.0.0.1", text);
}

static int parse_lengths(char *text, struct options *o)
{
	double value;

	for (char *word = strtok(text, ","); word != NULL; word = strtok(NULL, ",")) {
		if (o->lengths == FLOOD_TEMPLATES)
			return tell("--lengths: %d are the most", FLOOD_TEMPLATES);
		if (parse_number("lengths", word, 0, FLOOD_FRAME_MAX - FLOOD_HEAD, &value) < 0)
			return -EINVAL;
		o->length[o->lengths++] = (uint32_t)value;
	}
	return 0;
}

static int parse_option(int c, char *text, struct options *o)
{
	double value = 0;
	int ret = 0;

	switch (c) {
	case 'i':
		o->interface = text;
		return 0;
	case 'v':
		o->valid = text;
		return 0;
	case 'R':
		o->receive = true;
		return 0;
	case 'r':
		return parse_number("rate", text, 1, 1e7, &o->rate);
	case 'F':
		return parse_number("flood-rate", text, 1, 1e9, &o->flood_rate);
	case 's':
		return parse_number("seconds", text, 0.01, 3600, &o->seconds);
	case 'l':
		return parse_lengths(text, o);
	case 't':
		return parse_to(text, o);
	case 'p':
		ret = parse_number("port", text, 1, 65535, &value);
		o->port = (uint16_t)value;
		return ret;
	case 'S':
		if (inet_pton(AF_INET, text, &o->source) == 1)
			return 0;
		return tell("--source: '%s' is not an IPv4 address", text);
	case 'n':
		ret = parse_number("sources", text, 1, 1e7, &value);
		o->sources = (uint32_t)value;
		return ret;
	default:
		return -EINVAL;
	}
}

static int parse(int argc, char **argv, struct options *o)
{
	static const struct option options[] = {
	        {"interface", required_argument, NULL, 'i'},
	        {"valid", required_argument, NULL, 'v'},
	        {"receive", no_argument, NULL, 'R'},
	        {"rate", required_argument, NULL, 'r'},
	        {"flood-rate", required_argument, NULL, 'F'},
	        {"seconds", required_argument, NULL, 's'},
	        {"lengths", required_argument, NULL, 'l'},
	        {"to", required_argument, NULL, 't'},
	        {"port", required_argument, NULL, 'p'},
	        {"source", required_argument, NULL, 'S'},
	        {"sources", required_argument, NULL, 'n'},
	        {0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (parse_option(c, optarg, o) < 0)
			return -EINVAL;
	if (optind != argc || o->interface == NULL || o->seconds == 0)
		return tell("--interface and --seconds are needed");
	if ((o->valid != NULL) != (o->rate > 0))
		return tell("--valid and --rate go together");
	if (o->lengths > 0 && o->to.s_addr == 0)
		return tell("a flood needs --to");
	return 0;
}

// A flood belongs on wires that are none.
static int interface_check(struct options *o)
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	struct ifreq request = {.ifr_data = (void *)&info};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), ret;

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%.15s", o->interface);
	ret = fd < 0 || ioctl(fd, SIOCETHTOOL, &request) < 0 ? -errno : 0;
	if (ret == 0 && ioctl(fd, SIOCGIFHWADDR, &request) == 0)
		memcpy(o->from_mac, request.ifr_hwaddr.sa_data, 6);
	if (fd >= 0)
		close(fd);
	if (ret == 0 && strcmp(info.driver, "veth") == 0)
		return 0;
	return tell(
	        "interface %s: %s", o->interface,
	        ret < 0 ? strerror(-ret) : "is no veth, and this is no tool for other networks"
	);
}

static void template_make(const struct options *o, uint32_t payload, struct flood_frame *f)
{
	struct ethhdr eth = {.h_proto = htons(ETH_P_IP)};
	struct iphdr ip = {
	        .version = 4,
	        .ihl = 5,
	        .tot_len = htons((uint16_t)(sizeof(ip) + sizeof(struct udphdr) + payload)),
	        .ttl = 64,
	        .protocol = IPPROTO_UDP,
	        .daddr = o->to.s_addr,
	};
	struct udphdr udp = {
	        .source = htons(40000),
	        .dest = htons(o->port),
	        .len = htons((uint16_t)(sizeof(udp) + payload)),
	};
	uint16_t word[sizeof(ip) / 2];

	memcpy(eth.h_dest, o->to_mac, 6);
	memcpy(eth.h_source, o->from_mac, 6);
	memcpy(word, &ip, sizeof(ip));
	f->len = FLOOD_HEAD + payload;
	for (unsigned i = 0; i < sizeof(ip) / 2; i++)
		f->sum += ntohs(word[i]);
	memcpy(f->bytes, &eth, sizeof(eth));
	memcpy(f->bytes + sizeof(eth), &ip, sizeof(ip));
	memcpy(f->bytes + sizeof(eth) + sizeof(ip), &udp, sizeof(udp));
}

static int templates_put(struct flood_bpf *skel, const struct options *o)
{
	int map = bpf_map__fd(skel->maps.flood_templates), ret = 0;

	for (uint32_t i = 0; i < o->lengths && ret == 0; i++) {
		struct flood_frame f = {0};
		template_make(o, o->length[i], &f);
		ret = bpf_map_update_elem(map, &i, &f, BPF_ANY);
	}
	return ret;
}

// Classic pcap of this host's byte order, as fog-trafficgen writes it. Returns the number of frames.
static int valid_read(const char *path, struct flood_frame *frames)
{
	uint8_t head[PCAP_HEAD];
	uint32_t record[PCAP_RECORD / 4];
	FILE *file = fopen(path, "re");
	int count = 0;

	if (file == NULL || fread(head, sizeof(head), 1, file) != 1) {
		tell("%s: cannot be read", path);
		goto err;
	}
	while (count < FLOOD_VALID_MAX && fread(record, sizeof(record), 1, file) == 1) {
		struct flood_frame *f = &frames[count++];
		f->len = record[2];
		if (f->len < FLOOD_HEAD || f->len > FLOOD_FRAME_MAX ||
		    fread(f->bytes, f->len, 1, file) != 1) {
			tell("%s: frame %d is cut, or not of %d to %d bytes", path, count,
			     FLOOD_HEAD, FLOOD_FRAME_MAX);
			goto err;
		}
	}
	fclose(file);
	return count > 0 ? count : tell("%s holds no frame", path);
err:
	if (file != NULL)
		fclose(file);
	return -EINVAL;
}

static int valid_put(struct flood_bpf *skel, const struct flood_frame *frames, uint32_t count)
{
	int map = bpf_map__fd(skel->maps.flood_valid), ret = 0;

	for (uint32_t i = 0; i < count && ret == 0; i++)
		ret = bpf_map_update_elem(map, &i, &frames[i], BPF_ANY);
	return ret;
}

// The program that the interface has is the one that its frames meet.
static int next_put(struct flood_bpf *skel, int interface)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	uint32_t first = 0;
	int ret = bpf_xdp_query(interface, 0, &query), fd;

	if (ret < 0 || query.prog_id == 0)
		return tell("the interface has no XDP program to receive frames");
	if ((fd = bpf_prog_get_fd_by_id(query.prog_id)) < 0)
		return fd;
	ret = bpf_map_update_elem(bpf_map__fd(skel->maps.flood_next), &first, &fd, BPF_ANY);
	close(fd);
	return ret;
}

static void on_alarm(int number)
{
	// Its arrival ends the call below.
}

// One call for all of it: each begins with waiting for a grace period of the kernel, some 20 ms.
static int send_all(struct flood_bpf *skel, const struct options *o)
{
	static uint8_t first[FLOOD_FRAME_MAX]; // the size that the pool's pages must have room for
	struct xdp_md from = {
	        .data_end = sizeof(first),
	        .ingress_ifindex = o->receive ? if_nametoindex(o->interface) : 0,
	};
	LIBBPF_OPTS(
	        bpf_test_run_opts, run, .ctx_in = &from, .ctx_size_in = sizeof(from),
	        .data_in = first, .data_size_in = sizeof(first), .repeat = INT32_MAX,
	        .batch_size = BATCH, .flags = BPF_F_TEST_XDP_LIVE_FRAMES
	);
	struct sigaction action = {.sa_handler = on_alarm};
	struct itimerval timer = {
	        .it_interval.tv_usec = 10000, // should the first come before the call
	        .it_value.tv_sec = (time_t)o->seconds,
	        .it_value.tv_usec = (suseconds_t)((o->seconds - floor(o->seconds)) * 1e6),
	};

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	int ret = bpf_prog_test_run_opts(bpf_program__fd(skel->progs.fog_flood), &run);
	if (ret == 0 || ret == -EINTR)
		return 0;
	return tell("the kernel runs no live frames: %s: it must be 5.18 or newer", strerror(-ret));
}

static int flood(const struct options *o, struct flood_frame *frames, uint32_t count)
{
	struct flood_bpf *skel = flood_bpf__open();
	uint32_t first = 0, interface = if_nametoindex(o->interface);
	int ret = skel == NULL ? -errno : 0;

	if (ret == 0) {
		struct flood_conf *c = &skel->rodata->flood_conf;
		c->valid_count = count;
		c->valid_gap_ns = o->rate > 0 ? (uint64_t)(1e9 / o->rate) : 0;
		c->template_count = o->lengths;
		c->flood_gap_ns = o->flood_rate > 0 ? (uint64_t)(1e9 / o->flood_rate) : 0;
		c->source = ntohl(o->source.s_addr);
		c->sources = o->sources;
		c->receive = o->receive;
		ret = flood_bpf__load(skel);
	}
	if (ret == 0)
		ret = valid_put(skel, frames, count);
	if (ret == 0)
		ret = templates_put(skel, o);
	if (ret == 0)
		ret = o->receive
		        ? next_put(skel, interface)
		        : bpf_map_update_elem(
		                  bpf_map__fd(skel->maps.flood_out), &first, &interface, BPF_ANY
		          );
	if (ret < 0)
		tell("cannot load the program: %s: start as root", strerror(-ret));
	if (ret == 0)
		ret = send_all(skel, o);
	if (ret == 0) {
		const struct flood_counts *n = &skel->bss->flood_counts;
		printf("{\"valid\": %llu, \"flood\": %llu, \"seconds\": %.6f}\n", n->valid,
		       n->flood, (double)(n->last - n->first) / 1e9);
	}
	flood_bpf__destroy(skel);
	return ret;
}

int main(int argc, char **argv)
{
	struct options o = {.port = 9001, .sources = 10000};
	struct flood_frame *frames = calloc(FLOOD_VALID_MAX, sizeof(*frames));
	int count = 0, ret = 1;

	inet_pton(AF_INET, "10.99.0.0", &o.source);
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		fputs(usage_text, stdout);
		ret = 0;
	} else if (frames == NULL) {
		tell("no memory");
	} else if (parse(argc, argv, &o) < 0) {
		fputs(usage_text, stderr);
		ret = EXIT_USAGE;
	} else if (interface_check(&o) == 0 && (o.valid == NULL || (count = valid_read(o.valid, frames)) > 0)) {
		ret = flood(&o, frames, (uint32_t)count) < 0;
	}
	free(frames);
	return ret;
}
