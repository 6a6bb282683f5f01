// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "tell.h"

enum {
	FLOWS_DEFAULT = 1024,
	RATE_DEFAULT = 10000,
	PORT_FIRST = 49152, // dynamic ports, RFC 6335
	PORT_COUNT = 65536 - PORT_FIRST,
};

static const char options_help[] =
        "usage: fog-trafficgen pcap --count N --out FILE [OPTION...]\n"
        "\n"
        "Makes distinct valid Sphinx packets. Each goes over one appliance (and, in a network with\n"
        "more layers, one mix of each further layer) to a sink.\n"
        "\n"
        "pcap writes them as a classic pcap file with Ethernet, IP and UDP headers, for any sender\n"
        "(Pktgen-DPDK, TRex, tcpreplay). Links must be 'none': packets are bare.\n"
        "\n"
        "  --topology FILE   the network [the test network: config/testnet/topology.yaml]\n"
        "  --first NODE      appliance under test [the one mix of layer 1]\n"
        "  --last NODE       where paths end [the one service]\n"
        "  --to MAC[/IP]     of the appliance's port; or an IP alone\n"
        "                    [02:00:00:00:00:01 / address of --first]\n"
        "  --from MAC[/IP]   of the sender [02:00:00:00:00:02 / address of --last]\n"
        "  --vlan ID         802.1Q tag [none]\n"
        "  --flows N         UDP source ports from 49152 on, in turn, so that the appliance's NIC\n"
        "                    spreads packets over its queues [1024; 1 to 16384]\n"
        "  --rate PPS        packets a second; pcap: distance of its time stamps [10000]\n"
        "  --count N         how many packets\n"
        "  --out FILE        pcap file, replaced when it is there\n"
        "  --json            one JSON object on standard output\n"
        "  --help            this text\n"
        "\n"
        "A packet is accepted once: an appliance drops a second copy as 'replay', also after its\n"
        "restart. Make a new file for each run.\n"
        "Exit code: 0 done, 1 failed, 2 usage.\n";

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
	OPT_OUT,
	OPT_JSON,
	OPT_HELP,
};

static const struct option options_pcap[] = {
        {"topology", required_argument, NULL, OPT_TOPOLOGY},
        {"first", required_argument, NULL, OPT_FIRST},
        {"last", required_argument, NULL, OPT_LAST},
        {"to", required_argument, NULL, OPT_TO},
        {"from", required_argument, NULL, OPT_FROM},
        {"vlan", required_argument, NULL, OPT_VLAN},
        {"flows", required_argument, NULL, OPT_FLOWS},
        {"rate", required_argument, NULL, OPT_RATE},
        {"count", required_argument, NULL, OPT_COUNT},
        {"out", required_argument, NULL, OPT_OUT},
        {"json", no_argument, NULL, OPT_JSON},
        {"help", no_argument, NULL, OPT_HELP},
        {0},
};

static int options_one(struct options *o, int option)
{
	uint64_t value = 0;
	int ret = 0;

	switch (option) {
	case OPT_TOPOLOGY:
		o->topology = optarg;
		break;
	case OPT_FIRST:
		o->first = optarg;
		break;
	case OPT_LAST:
		o->last = optarg;
		break;
	case OPT_TO:
		return options_end("to", optarg, &o->to);
	case OPT_FROM:
		return options_end("from", optarg, &o->from);
	case OPT_VLAN:
		ret = options_number("vlan", optarg, 1, 4094, &value);
		o->vlan = (uint16_t)value;
		break;
	case OPT_FLOWS:
		ret = options_number("flows", optarg, 1, PORT_COUNT, &value);
		o->flows = (uint16_t)value;
		break;
	case OPT_RATE:
		ret = options_number("rate", optarg, 1, 100000000, &value);
		o->rate = (uint32_t)value;
		break;
	case OPT_COUNT:
		return options_number("count", optarg, 1, UINT32_MAX, &o->count);
	case OPT_OUT:
		o->out = optarg;
		break;
	case OPT_JSON:
		o->json = true;
		break;
	case OPT_HELP:
		fputs(options_help, stdout);
		return 1;
	default:
		return -EINVAL; // getopt has said why
	}
	return ret;
}

int options_read(struct options *o, const char *command, int argc, char **argv)
{
	int option, ret = 0;

	memset(o, 0, sizeof(*o));
	o->flows = FLOWS_DEFAULT;
	o->rate = RATE_DEFAULT;
	if (strcmp(command, "pcap") != 0) {
		bool asked = strcmp(command, "--help") == 0 || strcmp(command, "help") == 0;
		fputs(options_help, asked ? stdout : stderr);
		return asked ? 1 : -EINVAL;
	}
	while (ret == 0 && (option = getopt_long(argc, argv, "", options_pcap, NULL)) != -1)
		ret = options_one(o, option);
	if (ret != 0)
		return ret;
	if (optind < argc) {
		tell_error("'%s' is no option; see fog-trafficgen --help", argv[optind]);
		return -EINVAL;
	}
	if (o->count == 0 || o->out == NULL) {
		tell_error("pcap needs --count N and --out FILE; see fog-trafficgen --help");
		return -EINVAL;
	}
	return 0;
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
