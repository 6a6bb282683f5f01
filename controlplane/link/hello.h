// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What both handshake messages carry (struct fog_link_hello), on the wire and as numbers, and what two
// versions of the protocol agree on: the same major version, the lower minor one, the features that
// both have and that this minor version knows. The rule is the same from both ends. Pure, any thread.
#pragma once

#include <stddef.h>

#include "../../dataplane/api/link.h"

enum { FOG_PROTOCOL_MAJOR = 1, FOG_PROTOCOL_PATCH = 0, FOG_PROTOCOL_MINORS = 3 };

// The minor version that this program speaks at most: protocol.c, which a test builds with an older one.
extern const uint16_t fog_protocol_minor;

enum fog_feature {
	FOG_FEATURE_BATCH_PROCESSING = 1 << 0, // packets are processed in bursts; since 1.1
	FOG_FEATURE_VRF_DELAYS = 1 << 1, // owed delays can be verified; since 1.2
};

// Why a response refuses: senders is 0 and index says it.
enum fog_link_refusal {
	FOG_HELLO_ACCEPTED = 0,
	FOG_HELLO_REFUSED_CLOCK = 1, // our clocks are further apart than the network tolerates
	FOG_HELLO_REFUSED_FULL = 2, // the gateway has as many clients as it takes
	FOG_HELLO_REFUSED_SENDERS = 3, // a client with more senders than FOG_LINK_CLIENT_SUBS
};

struct fog_hello {
	uint16_t major, minor, patch;
	uint16_t senders; // 0: refused
	uint8_t network[16];
	uint64_t time_ns; // UNIX time
	uint32_t features;
	uint32_t index; // of a refusal: enum fog_link_refusal
};

// Features of our 1.'minor' (0 to FOG_PROTOCOL_MINORS - 1; what is newer has those of the last).
uint32_t fog_protocol_features(uint16_t minor);
// "batch_processing", "vrf_delays"; NULL when there is no such bit. For lists of names.
const char *fog_feature_name(unsigned bit);

// Parse "/betanet/mix/MAJOR.MINOR.PATCH" with zeros up to 24 bytes, nothing else: decimal numbers below
// 1000 without leading zeros. Returns 0 or -EBADMSG.
int fog_protocol_parse(const char text[24], uint16_t *major, uint16_t *minor, uint16_t *patch);

void fog_hello_put(const struct fog_hello *, uint8_t wire[sizeof(struct fog_link_hello)]);
// Returns 0 or -EBADMSG: protocol id, reserved bytes, senders (0 to FOG_WORKERS_MAX) or index are not
// what link.h says.
int fog_hello_parse(const uint8_t wire[sizeof(struct fog_link_hello)], struct fog_hello *);
// What two hellos agree on. Returns 0 with minor version and features, or -EPROTONOSUPPORT.
int fog_hello_agree(
        const struct fog_hello *a, const struct fog_hello *b, uint16_t *minor, uint32_t *features
);

// The prologue of handshakes: protocol id up to the major version, a zero byte, the network's hash.
enum { FOG_PROLOGUE_LEN = sizeof("/betanet/mix/1") + 32 };

void fog_link_prologue(const uint8_t network[32], uint8_t out[FOG_PROLOGUE_LEN]);
