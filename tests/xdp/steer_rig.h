// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Runs the steering program on single frames by BPF_PROG_TEST_RUN: every row says the one counter
// that must move; the action follows from it.
#pragma once

#include "../../xdp/loader.h"
#include "../unit/drivers/frame.h"

#define OUR4 "10.7.0.1"
#define OUR6 "fd00:7::1"

enum {
	TAG = 42,
	PACKET = 100, // UDP payload of the network that these tests pretend
};

struct row {
	const char *name;
	struct frame frame;
	unsigned cut; // keep only so many bytes, 0 = all
	enum fog_steer_verdict verdict;
};

#define ROWS(rows) rows, sizeof(rows) / sizeof((rows)[0])

// End with code 77 where BPF programs can't be loaded.
void steer_need_root(void);

// A program for OUR4, 10.7.0.2 and OUR6 with the filter 'rules' (NULL: none).
struct fog_steer *steer_load(uint16_t vlan, const struct fog_steer_rules *rules);

// Run one frame on a program: returns the action, and checks that nothing but 'expected' was counted
// and that the frame came through unchanged.
int steer_run(struct fog_steer *steer, const struct row *row, enum fog_steer_verdict expected);

// XDP_REDIRECT, XDP_DROP or XDP_PASS.
int steer_action(enum fog_steer_verdict verdict);

// Run all rows, with a socket at the queue.
void steer_run_rows(
        uint16_t vlan, const struct fog_steer_rules *rules, const struct row *rows, unsigned n
);
// The same on a program that is loaded already and has a socket.
void steer_check_rows(struct fog_steer *steer, const struct row *rows, unsigned n);
