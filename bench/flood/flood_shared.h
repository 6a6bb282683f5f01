// SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only
// Copyright (c) 2026 the Fogline authors
// What the flood's program and its loader agree on. Included on both sides of the kernel, so it knows
// kernel types only.
#pragma once

#include <linux/types.h>

enum {
	FLOOD_HEAD = 42, // Ethernet, IPv4 without options, UDP
	FLOOD_FRAME_MAX = 1536,
	FLOOD_TEMPLATES = 16,
	FLOOD_VALID_MAX = 8192,
	FLOOD_RUN = 1024, // frames of one length in a row
	FLOOD_CLOCK = 8, // frames between two looks at the clock
};

struct flood_frame {
	__u32 len;
	__u32 sum; // of a template's IPv4 header without source address and checksum
	__u8 bytes[FLOOD_FRAME_MAX];
};

// Set before the program is loaded.
struct flood_conf {
	__u32 valid_count; // frames in flood_valid, 0 = none is sent
	__u32 template_count; // frames in flood_templates, 0 = no flood
	__u64 valid_gap_ns; // from one to the next
	__u64 flood_gap_ns; // 0 = as fast as possible
	__u32 source; // first source address, host byte order
	__u32 sources; // how many of them, in turn
	__u32 receive; // 1: frames come in at the interface, 0: they go out
	__u32 reserved;
};

// What the program remembers from one frame to the next; one CPU runs it.
struct flood_turn {
	__u64 valid_due, flood_due; // when the next one is due, nanoseconds of CLOCK_MONOTONIC
	__u64 rounds, now; // runs of the program; its clock
	__u32 valid, template, source, reserved; // whose turn it is
};

struct flood_counts {
	__u64 valid, flood; // frames handed to the interface
	__u64 first, last; // when the first and the last of them went out
};
