// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Loads the steering program of one port, attaches it by a bpf_link that this process owns (so it
// goes when the process goes), and gives its sockets and counters. Manager thread only.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "../dataplane/api/blob.h"
#include "steer_shared.h"

struct fog_steer;

struct fog_steer_conf {
	uint16_t queues; // size of the socket map
	uint16_t mix_port; // UDP, host byte order
	uint16_t vlan; // 0 = untagged
	uint16_t address_count;
	const struct fog_ip *address; // ours
};

// Load the program without attaching it. Needs CAP_BPF and CAP_NET_ADMIN. Returns 0 and an object
// for fog_steer_close, or -errno with one sentence in 'error'.
int fog_steer_load(
        const struct fog_steer_conf *conf, struct fog_steer **steer, char *error, size_t error_len
);

// Attach to an interface in the mode asked for (enum fog_xdp_mode). Returns 0; -EBUSY when another
// program sits there (it is left alone and named in 'error'); -errno otherwise.
int fog_steer_attach(
        struct fog_steer *steer, const char *interface, int ifindex, uint32_t mode, char *error,
        size_t error_len
);

// Put the AF_XDP socket 'fd' at 'queue'; -1 takes it away, from then on frames to us are dropped
// there and counted. Needs no privilege. Returns 0 or -errno.
int fog_steer_set_socket(struct fog_steer *steer, uint16_t queue, int fd);

// Verdicts since the load, summed over CPUs. Returns 0 or -errno.
int fog_steer_verdicts(const struct fog_steer *steer, uint64_t out[FOG_STEER_VERDICTS]);

// "native" or "generic".
const char *fog_steer_mode(const struct fog_steer *steer);
// Why native mode was refused, when FOG_XDP_AUTO stepped down to generic, else "".
const char *fog_steer_refusal(const struct fog_steer *steer);

// The program's descriptor, for test runs; it stays the object's.
int fog_steer_program(const struct fog_steer *steer);

// Detach and unload. Accepts NULL.
void fog_steer_close(struct fog_steer *steer);
