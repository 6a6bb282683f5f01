// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the link's files share.
#pragma once

#include "../../dataplane/crypto/ops.h"
#include "../../dataplane/sphinx/sphinx.h"
#include "../link/noise.h"
#include "link.h"

enum { LINK_FRAME_MAX = FOG_SPHINX_PACKET_MAX + FOG_LINK_OVERHEAD };

// One worker of the gateway that sends to us. Counters in (highest - FOG_LINK_WINDOW, highest] are taken
// once each.
struct link_sub {
	struct fog_gcm_key key;
	bool heard;
	uint64_t highest;
	uint64_t window[FOG_LINK_WINDOW / 64]; // bit counter % FOG_LINK_WINDOW
};

// Locked memory.
struct link_session {
	struct fog_gcm_key tx;
	uint32_t rx_index, tx_index;
	uint64_t counter; // next one to send
	uint64_t made_ms, heard_ms, sent_ms; // heard_ms 0: nothing has come through it
	unsigned subs;
	struct link_sub sub[];
};

// A handshake under way; locked memory.
struct link_try {
	struct fog_noise noise, copy;
	uint8_t keys[64];
};

struct client_link {
	struct client_link_params p;
	struct client_link_ops ops;
	void *ctx;
	const struct fog_crypto_ops *crypto;
	uint8_t prologue[FOG_PROLOGUE_LEN];
	uint8_t mac1_key[32]; // of what comes to us
	struct link_session *now, *before;
	struct link_try *try;
	bool trying, cookie_open, has_cookie;
	uint32_t index; // of the handshake under way
	uint8_t mac1[FOG_LINK_MAC], cookie[16];
	uint64_t time_ns; // of our last initiation
	uint64_t due_ms; // give the handshake up, or begin the next one not before this
	uint64_t replaced_ms; // when 'before' was
	uint64_t rekey_ms; // age at which 'now' is replaced
	uint32_t wait_ms;
	struct client_link_status status;
};

// link_session.c
// From a finished handshake: keys[0..31] to send with, [32..63] to receive. NULL: no memory.
struct link_session *link_session_make(
        const struct client_link *, const uint8_t keys[64], uint32_t rx_index, uint32_t tx_index,
        unsigned subs, uint64_t now_ms
);
int link_session_seal(
        struct client_link *, enum fog_kind, uint8_t second, const uint8_t *data, size_t len,
        size_t at, uint64_t now_ms
);
void link_session_read(struct client_link *, const uint8_t *frame, size_t len, uint64_t now_ms);
