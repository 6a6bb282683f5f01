// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The command line.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"
#include "route.h"

struct options_end {
	uint8_t mac[6];
	struct fog_ip ip; // family 0: not given
	bool has_mac;
};

struct options {
	// Both commands.
	const char *topology, *first, *last; // NULL: not given
	struct options_end from, to;
	uint64_t count;
	uint32_t rate; // packets a second
	uint16_t vlan, flows;
	bool json;
	// pcap
	const char *out;
};

// Read the options of 'command' ("pcap"). Returns 0 and what to do, 1 when help was
// printed, -EINVAL with the reason on stderr.
int options_read(struct options *, const char *command, int argc, char **argv);
// Addresses of the frames: what was given, completed from the topology. MACs that were not given
// are left zero. Returns 0 or -EINVAL with the reason on stderr.
int options_frames(const struct options *, const struct route *, struct frame_spec *);
