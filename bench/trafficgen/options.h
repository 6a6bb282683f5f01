// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The command line.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "../../dataplane/api/blob.h"
#include "frame.h"
#include "route.h"

struct options_end {
	uint8_t mac[6];
	struct fog_ip ip; // family 0: not given
	bool has_mac;
};

struct options_port {
	uint32_t driver; // enum fog_driver
	char device[192]; // empty: not given
};

struct options {
	bool run; // else pcap
	// Both commands.
	const char *topology, *first, *last; // NULL: not given
	struct options_end from, to;
	uint64_t count;
	uint32_t rate; // packets a second
	uint16_t vlan, flows;
	bool json;
	// pcap
	const char *out;
	// run
	struct options_port port, rx_port;
	uint16_t queues; // of each port
	uint16_t cpu[2]; // of the sink, and of the thread that owns the ports
	uint32_t pool; // distinct packets, with 'reuse'
	uint64_t seconds; // 0: not given
	uint64_t window; // packets under way; 0: any number
	uint64_t linger_ms; // 0: from the topology
	uint64_t sink_seed, delay_seed; // delay_seed 0: what is owed is not known
	bool poisson, reuse, hugepages;
};

// Read the options of 'command' ("pcap" or "run"). Returns 0 and what to do, 1 when help was
// printed, -EINVAL with the reason on stderr.
int options_read(struct options *, const char *command, int argc, char **argv);
// Addresses of the frames: what was given, completed from the topology. MACs that were not given
// are left zero. Returns 0 or -EINVAL with the reason on stderr.
int options_frames(const struct options *, const struct route *, struct frame_spec *);
