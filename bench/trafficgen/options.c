// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "tell.h"

enum {
	FLOWS_DEFAULT = 1024,
	RATE_DEFAULT = 10000,
	POOL_DEFAULT = 65536,
	SINK_SEED_DEFAULT = 2, // of the test network
	PORT_FIRST = 49152, // dynamic ports, RFC 6335
	PORT_COUNT = 65536 - PORT_FIRST,
};

static const char options_help[] =
        "usage: fog-trafficgen pcap --count N --out FILE [OPTION...]\n"
        "       fog-trafficgen run --port DRIVER:DEVICE --count N | --seconds T [OPTION...]\n"
        "\n"
        "Makes distinct valid Sphinx packets. Each goes over one appliance (and, in a network with\n"
        "more layers, one mix of each further layer) to a sink. Links must be 'none'.\n"
        "\n"
        "pcap  writes them as a classic pcap file with Ethernet, IP and UDP headers, for any sender\n"
        "      (Pktgen-DPDK, TRex, tcpreplay).\n"
        "run   sends them, and is the sink: opens what comes back, counts what is lost, doubled,\n"
        "      changed, and measures how long each was under way. Ends by itself.\n"
        "\n"
        "Both:\n"
        "  --topology FILE   the network [the test network: config/testnet/topology.yaml]\n"
        "  --first NODE      appliance under test [the one mix of layer 1]\n"
        "  --last NODE       where paths end [the one service]\n"
        "  --to MAC[/IP]     of the appliance's port; or an IP alone [pcap: 02:00:00:00:00:01;\n"
        "                    run: asked from the kernel; IP: address of --first]\n"
        "  --from MAC[/IP]   of the sender [pcap: 02:00:00:00:00:02; run: of the port; IP: address\n"
        "                    of --last]\n"
        "  --vlan ID         802.1Q tag [none]\n"
        "  --flows N         UDP source ports from 49152 on, in turn, so that the appliance's NIC\n"
        "                    spreads packets over its queues [1024; 1 to 16384]\n"
        "  --rate PPS        packets a second; pcap: distance of its time stamps [10000]\n"
        "  --count N         how many packets\n"
        "  --json            one JSON object on standard output\n"
        "  --help            this text\n"
        "\n"
        "pcap:\n"
        "  --out FILE        replaced when it is there\n"
        "\n"
        "run (as root):\n"
        "  --port DRIVER:DEVICE     afxdp:eth1, dpdk:0000:00:04.0, dpdk:net_af_packet0,iface=eth1\n"
        "  --rx-port DRIVER:DEVICE  packets come back here [the same port]\n"
        "  --queues N        of each port; an afxdp port needs as many as its interface has [1]\n"
        "  --seconds T       instead of --count: rate x T packets\n"
        "  --window N        at most N packets under way: what comes back lets the next ones go,\n"
        "                    and --rate is the most. Given up when none has come for as long as\n"
        "                    --linger says [no limit]\n"
        "  --poisson         random distances, the same mean rate [constant distance]\n"
        "  --reuse           send a pool of packets again and again. Only for a data plane that was\n"
        "                    started with --accept-replays: any other drops all copies\n"
        "  --pool N          with --reuse: distinct packets [65536]\n"
        "  --sink-seed N     test.key_seed that gives the sink its mix key [2]\n"
        "  --delay-seed N    test.delay_seed of all appliances on the path: what each packet is owed\n"
        "                    is computed and compared [unknown]\n"
        "  --linger MS       wait so long for the last packets [longest delay of the path + 1000]\n"
        "  --cpus SINK,PORT  CPUs of the two threads [the last two of this process]\n"
        "  --hugepages       packet memory in hugepages; PCI devices need it\n"
        "\n"
        "A packet is accepted once: an appliance drops a second copy as 'replay', also after its\n"
        "restart. Every run makes new ones.\n"
        "Exit code: 0 done; 1 failed; 2 usage; 3 a packet was lost, doubled, changed, early, or never\n"
        "sent.\n";

static int options_number(
        const char *name, const char *text, uint64_t min, uint64_t max, uint64_t *out
)
{
	char *end;

	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || text[0] == '-' || value < min ||
	    value > max) {
		tell_error(
		        "--%s: '%s' is not a whole number from %llu to %llu", name, text,
		        (unsigned long long)min, (unsigned long long)max
		);
		return -EINVAL;
	}
	*out = value;
	return 0;
}

static bool options_mac(const char *text, uint8_t mac[6])
{
	char rest;

	return sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%c", &mac[0], &mac[1], &mac[2],
	              &mac[3], &mac[4], &mac[5], &rest) == 6;
}

static bool options_ip(const char *text, struct fog_ip *ip)
{
	memset(ip, 0, sizeof(*ip));
	ip->family = strchr(text, ':') != NULL ? 6 : 4;
	return inet_pton(ip->family == 6 ? AF_INET6 : AF_INET, text, ip->addr) == 1;
}

// MAC, IP, or MAC/IP.
static int options_end(const char *name, char *text, struct options_end *end)
{
	char *slash = strchr(text, '/');

	if (slash != NULL)
		*slash = '\0';
	end->has_mac = options_mac(text, end->mac);
	if (slash == NULL && end->has_mac)
		return 0;
	if ((slash == NULL || end->has_mac) &&
	    options_ip(slash != NULL ? slash + 1 : text, &end->ip))
		return 0;
	tell_error("--%s: must be MAC, IP or MAC/IP, as 02:00:00:00:00:01/198.18.0.1", name);
	return -EINVAL;
}

// DRIVER:DEVICE.
static int options_port(const char *name, const char *text, struct options_port *port)
{
	static const struct {
		const char *prefix;
		uint32_t driver;
	} known[] = {{"afxdp:", FOG_DRIVER_AFXDP}, {"dpdk:", FOG_DRIVER_DPDK}};

	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		size_t len = strlen(known[i].prefix);
		if (strncmp(text, known[i].prefix, len) != 0 || text[len] == '\0' ||
		    strlen(text + len) >= sizeof(port->device))
			continue;
		port->driver = known[i].driver;
		strcpy(port->device, text + len);
		return 0;
	}
	tell_error("--%s: must be afxdp:INTERFACE or dpdk:DEVICE, not '%s'", name, text);
	return -EINVAL;
}

static int options_cpus(const char *text, uint16_t cpu[2])
{
	char rest;

	if (sscanf(text, "%hu,%hu%c", &cpu[0], &cpu[1], &rest) == 2)
		return 0;
	tell_error("--cpus: must be two CPU numbers, as 2,3");
	return -EINVAL;
}

// The last two CPUs that this process may use; appliances on the same host often have the first.
static void options_cpus_default(uint16_t cpu[2])
{
	cpu_set_t set;

	CPU_ZERO(&set);
	sched_getaffinity(0, sizeof(set), &set);
	cpu[0] = cpu[1] = 0;
	for (unsigned i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &set)) {
			cpu[0] = CPU_COUNT(&set) > 1 && cpu[1] != i ? cpu[1] : (uint16_t)i;
			cpu[1] = (uint16_t)i;
		}
}

// Options of both commands; those behind 'help' are pcap's or run's alone.
enum {
	OPT_TOPOLOGY = 1000,
	OPT_FIRST,
	OPT_LAST,
	OPT_TO,
	OPT_FROM,
	OPT_VLAN,
	OPT_FLOWS,
	OPT_RATE,
	OPT_COUNT,
	OPT_JSON,
	OPT_HELP,
	OPT_OUT,
	OPT_PORT,
	OPT_RX_PORT,
	OPT_QUEUES,
	OPT_SECONDS,
	OPT_WINDOW,
	OPT_POISSON,
	OPT_REUSE,
	OPT_POOL,
	OPT_SINK_SEED,
	OPT_DELAY_SEED,
	OPT_LINGER,
	OPT_CPUS,
	OPT_HUGEPAGES,
};

// clang-format off
#define OPTIONS_BOTH \
	{"topology", required_argument, NULL, OPT_TOPOLOGY}, \
	{"first", required_argument, NULL, OPT_FIRST}, \
	{"last", required_argument, NULL, OPT_LAST}, \
	{"to", required_argument, NULL, OPT_TO}, \
	{"from", required_argument, NULL, OPT_FROM}, \
	{"vlan", required_argument, NULL, OPT_VLAN}, \
	{"flows", required_argument, NULL, OPT_FLOWS}, \
	{"rate", required_argument, NULL, OPT_RATE}, \
	{"count", required_argument, NULL, OPT_COUNT}, \
	{"json", no_argument, NULL, OPT_JSON}, \
	{"help", no_argument, NULL, OPT_HELP}
// clang-format on

static const struct option options_pcap[] = {
        OPTIONS_BOTH,
        {"out", required_argument, NULL, OPT_OUT},
        {0},
};

static const struct option options_run[] = {
        OPTIONS_BOTH,
        {"port", required_argument, NULL, OPT_PORT},
        {"rx-port", required_argument, NULL, OPT_RX_PORT},
        {"queues", required_argument, NULL, OPT_QUEUES},
        {"seconds", required_argument, NULL, OPT_SECONDS},
        {"window", required_argument, NULL, OPT_WINDOW},
        {"poisson", no_argument, NULL, OPT_POISSON},
        {"reuse", no_argument, NULL, OPT_REUSE},
        {"pool", required_argument, NULL, OPT_POOL},
        {"sink-seed", required_argument, NULL, OPT_SINK_SEED},
        {"delay-seed", required_argument, NULL, OPT_DELAY_SEED},
        {"linger", required_argument, NULL, OPT_LINGER},
        {"cpus", required_argument, NULL, OPT_CPUS},
        {"hugepages", no_argument, NULL, OPT_HUGEPAGES},
        {0},
};

// Numbers into fields of any width.
#define OPTIONS_NUMBER(name, field, min, max) \
	({ \
		uint64_t value_ = 0; \
		int ret_ = options_number(name, optarg, min, max, &value_); \
		(field) = (__typeof__(field))value_; \
		ret_; \
	})

static int options_run_one(struct options *o, int option)
{
	switch (option) {
	case OPT_PORT:
		return options_port("port", optarg, &o->port);
	case OPT_RX_PORT:
		return options_port("rx-port", optarg, &o->rx_port);
	case OPT_QUEUES:
		return OPTIONS_NUMBER("queues", o->queues, 1, FOG_QUEUES_MAX);
	case OPT_SECONDS:
		return OPTIONS_NUMBER("seconds", o->seconds, 1, 86400);
	case OPT_WINDOW:
		return OPTIONS_NUMBER("window", o->window, 1, UINT32_MAX);
	case OPT_POISSON:
		o->poisson = true;
		return 0;
	case OPT_REUSE:
		o->reuse = true;
		return 0;
	case OPT_POOL:
		return OPTIONS_NUMBER("pool", o->pool, 1, UINT32_MAX);
	case OPT_SINK_SEED:
		return OPTIONS_NUMBER("sink-seed", o->sink_seed, 1, UINT64_MAX);
	case OPT_DELAY_SEED:
		return OPTIONS_NUMBER("delay-seed", o->delay_seed, 1, UINT64_MAX);
	case OPT_LINGER:
		return OPTIONS_NUMBER("linger", o->linger_ms, 1, 86400000);
	case OPT_CPUS:
		return options_cpus(optarg, o->cpu);
	case OPT_HUGEPAGES:
		o->hugepages = true;
		return 0;
	default:
		return -EINVAL; // getopt has said why
	}
}

static int options_one(struct options *o, int option)
{
	switch (option) {
	case OPT_TOPOLOGY:
		o->topology = optarg;
		return 0;
	case OPT_FIRST:
		o->first = optarg;
		return 0;
	case OPT_LAST:
		o->last = optarg;
		return 0;
	case OPT_TO:
		return options_end("to", optarg, &o->to);
	case OPT_FROM:
		return options_end("from", optarg, &o->from);
	case OPT_VLAN:
		return OPTIONS_NUMBER("vlan", o->vlan, 1, 4094);
	case OPT_FLOWS:
		return OPTIONS_NUMBER("flows", o->flows, 1, PORT_COUNT);
	case OPT_RATE:
		return OPTIONS_NUMBER("rate", o->rate, 1, 100000000);
	case OPT_COUNT:
		return OPTIONS_NUMBER("count", o->count, 1, UINT32_MAX);
	case OPT_OUT:
		o->out = optarg;
		return 0;
	case OPT_JSON:
		o->json = true;
		return 0;
	case OPT_HELP:
		fputs(options_help, stdout);
		return 1;
	default:
		return options_run_one(o, option);
	}
}

static int options_check(struct options *o)
{
	if (o->run && o->seconds != 0 && o->count != 0) {
		tell_error("--count and --seconds both say when the run ends: leave one out");
		return -EINVAL;
	}
	if (o->run && o->seconds != 0)
		o->count = o->seconds * o->rate;
	if (!o->run && (o->count == 0 || o->out == NULL))
		tell_error("pcap needs --count N and --out FILE; see fog-trafficgen --help");
	else if (o->run && (o->count == 0 || o->port.device[0] == '\0'))
		tell_error("run needs --port and --count or --seconds; see fog-trafficgen --help");
	else if (o->run && !o->reuse && o->pool != 0)
		tell_error("--pool means nothing without --reuse: add it, or leave --pool out");
	else if (o->count > UINT32_MAX)
		tell_error(
		        "%llu packets are too many: lower --count or --seconds",
		        (unsigned long long)o->count
		);
	else
		return 0;
	return -EINVAL;
}

int options_read(struct options *o, const char *command, int argc, char **argv)
{
	int option, ret = 0;

	memset(o, 0, sizeof(*o));
	o->flows = FLOWS_DEFAULT;
	o->rate = RATE_DEFAULT;
	o->queues = 1;
	o->sink_seed = SINK_SEED_DEFAULT;
	options_cpus_default(o->cpu);
	o->run = strcmp(command, "run") == 0;
	if (!o->run && strcmp(command, "pcap") != 0) {
		bool asked = strcmp(command, "--help") == 0 || strcmp(command, "help") == 0;
		fputs(options_help, asked ? stdout : stderr);
		return asked ? 1 : -EINVAL;
	}
	const struct option *known = o->run ? options_run : options_pcap;
	while (ret == 0 && (option = getopt_long(argc, argv, "", known, NULL)) != -1)
		ret = options_one(o, option);
	if (ret != 0)
		return ret;
	if (optind < argc) {
		tell_error("'%s' is no option; see fog-trafficgen --help", argv[optind]);
		return -EINVAL;
	}
	if ((ret = options_check(o)) == 0 && o->pool == 0)
		o->pool = POOL_DEFAULT;
	return ret;
}

int options_frames(const struct options *o, const struct route *r, struct frame_spec *s)
{
	memset(s, 0, sizeof(*s));
	memcpy(s->from.mac, o->from.mac, 6);
	memcpy(s->to.mac, o->to.mac, 6);
	s->to.ip = o->to.ip.family != 0 ? o->to.ip : r->first->address;
	s->from.ip = o->from.ip.family != 0 ? o->from.ip : r->last->address;
	s->to.port = r->first->port;
	s->from.port = PORT_FIRST;
	s->vlan = o->vlan;
	s->flows = o->flows;
	if (s->to.ip.family == s->from.ip.family)
		return 0;
	tell_error(
	        "sender and appliance have addresses of different families: give --from IP or --to IP"
	);
	return -EINVAL;
}
