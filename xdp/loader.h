// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Loads the steering program of one port, attaches it by a bpf_link that this process owns and, where
// there is a bpffs, pins; gives its sockets, filter and counters. Manager thread only.
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
	uint16_t payload_len; // UDP payload of every packet of the network, bytes
	uint16_t address_count;
	const struct fog_ip *address; // ours
};

// Load the program without attaching it; it filters nothing yet. Needs CAP_BPF, CAP_NET_ADMIN and
// CAP_PERFMON. Returns 0 and an object for fog_steer_close, or -errno with one sentence in 'error'.
int fog_steer_load(
        const struct fog_steer_conf *conf, struct fog_steer **steer, char *error, size_t error_len
);

// Where a program goes.
struct fog_steer_place {
	const char *interface;
	int ifindex;
	uint32_t mode; // enum fog_xdp_mode
	const char *instance; // names the pin; NULL: no pin
	const char *port;
	uint32_t uid, gid; // owner of the pin's folders: who ends the program may be less than root
};

// Attach to an interface. A link that a killed data plane of the same instance and port left pinned
// is taken over, so that no frame finds the interface without a program. Returns 0; -EBUSY when
// another program sits there, or another process runs this port (both are left alone and named in
// 'error'); -errno otherwise.
int fog_steer_attach(
        struct fog_steer *steer, const struct fog_steer_place *place, char *error, size_t error_len
);

// Remove what killed data planes of 'instance' left pinned, but for the 'n' ports in 'keep'. What
// belongs to a living process stays. Returns how many links were removed.
unsigned fog_steer_sweep(const char *instance, const char *const *keep, unsigned n);

// Put the AF_XDP socket 'fd' at 'queue'; -1 takes it away, from then on frames to us are dropped
// there and counted. Needs no privilege. Returns 0 or -errno.
int fog_steer_set_socket(struct fog_steer *steer, uint16_t queue, int fd);

// What to drop before a socket; the fields are those of struct fog_port_filter.
struct fog_steer_rules {
	uint32_t early_drop;
	uint32_t source_rate, source_burst; // packets per second and at once; rate 0 = no limit
	uint32_t deny_count, exempt_count;
	const struct fog_prefix *deny;
	const struct fog_ip *exempt;
};

// Put rules in force: every frame meets the old ones or the new ones. Needs no privilege. Returns 0,
// -E2BIG (longer than FOG_DENY_MAX or FOG_NODES_MAX) or -errno; then the old ones stay.
int fog_steer_set_rules(struct fog_steer *steer, const struct fog_steer_rules *rules);

// Verdicts since the load, summed over CPUs. Returns 0 or -errno.
int fog_steer_verdicts(const struct fog_steer *steer, uint64_t out[FOG_STEER_VERDICTS]);

// "native" or "generic".
const char *fog_steer_mode(const struct fog_steer *steer);
// Why native mode is not used, "" when it is.
const char *fog_steer_refusal(const struct fog_steer *steer);
// Path of the pin; NULL when the program ends with the process. Then 'why' says why.
const char *fog_steer_pin(const struct fog_steer *steer, const char **why);

// The program's descriptor, for test runs; it stays the object's.
int fog_steer_program(const struct fog_steer *steer);

// Detach, unpin and unload. Accepts NULL.
void fog_steer_close(struct fog_steer *steer);
