// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The gateway's end of a client's link, for tests: answers the initiation that was sent last, and makes frames
// under the keys that come of it.
#pragma once

#include "../../../controlplane/client/link.h"
#include "../../../dataplane/crypto/ops.h"
#include "../../../dataplane/sphinx/sphinx.h"

enum { GATEWAY_SUBS = 2, GATEWAY_FRAME_MAX = FOG_SPHINX_PACKET_MAX + FOG_LINK_OVERHEAD };

struct gateway {
	uint8_t network[32], s[32], s_public[32], client[32], client_public[32];
	uint16_t packet_len;
	uint8_t tx[32], rx[32]; // direction keys of the session
	uint32_t tx_index, rx_index; // the client's, ours
	uint64_t counter[GATEWAY_SUBS];
	uint64_t now_ns; // the client's clock
	struct fog_hello theirs; // of the last initiation that was answered
	// What the client has sent.
	uint8_t frame[GATEWAY_FRAME_MAX]; // last
	unsigned initiations, data, odd; // odd: of another length than all others
	uint8_t initiation[GATEWAY_FRAME_MAX];
	// Notices that it has taken.
	uint8_t notice[FOG_SPHINX_PACKET_MAX];
	size_t notice_len;
	unsigned notices;
};

extern const struct client_link_ops gateway_ops; // context: struct gateway

void gateway_make(struct gateway *, struct client_link_params *);
// The response to the last initiation. Returns false when that wasn't for us.
bool gateway_answer(struct gateway *, struct fog_hello *ours, uint8_t *frame);
struct fog_hello gateway_hello(const struct gateway *); // that accepts
void gateway_cookie(const struct gateway *, const uint8_t cookie[16], uint8_t *frame);
// Seal one of 'sub': kind, second byte, bytes from 'at' on.
void gateway_seal(
        struct gateway *, unsigned sub, uint64_t counter, const uint8_t *text, uint8_t *frame
);
// Open what the client has sent last. Returns its counter, or -1.
int64_t gateway_open(const struct gateway *, uint8_t *text);
size_t gateway_frame_len(const struct gateway *);
