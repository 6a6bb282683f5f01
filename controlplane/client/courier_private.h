// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the courier's files share.
#pragma once

#include <sodium.h>

#include "courier.h"

enum {
	COURIER_MAILS_MAX =
	        129, // that are being put together or came before an older one: as many as a gateway sends
};

// A mail whose parts are coming.
struct courier_mail {
	uint64_t number; // 0: free
	unsigned parts;
	uint32_t have; // bits by part
	bool done; // kept already, older ones are missing
	size_t len;
	uint8_t data[FOG_MAIL_MAX];
};

struct courier_ping {
	bool used;
	uint8_t surb_id[FOG_SPHINX_SURB_ID_LEN];
	struct fog_surb_keys keys;
	int64_t sent_us;
};

// Secrets of single packets; locked memory.
struct courier_secrets {
	struct fog_surb_keys keys;
	struct courier_ping ping[COURIER_PINGS_MAX];
};

struct courier {
	struct courier_params p;
	struct courier_ops ops;
	void *ctx;
	const struct fog_crypto_ops *crypto;
	size_t room; // of fragments
	uint8_t mailbox[FOG_ID_LEN];
	uint8_t loop_key[crypto_shorthash_KEYBYTES]; // ID of our loops of this run
	bool has_mailbox; // and the store knows
	uint64_t have; // mail up to this number is kept
	uint32_t seen;
	unsigned waiting;
	struct courier_counts counts;
	struct courier_pong pong;
	struct client_due due;
	struct courier_secrets *secret;
	struct courier_mail mail[COURIER_MAILS_MAX];
};

// Wrap and send. 'recipient' is whom the last hop gives it to. With 'keys' it carries a SURB to our
// mailbox, whose ID is written to 'surb_id'. 'before' (may be NULL) is called when the packet is ready, and
// may still stop it (-errno).
struct courier_letter {
	const uint8_t *to, *recipient;
	const uint8_t *data;
	size_t len;
	struct fog_surb_keys *keys;
	uint8_t surb_id[FOG_SPHINX_SURB_ID_LEN];
	bool loop; // the SURB's ID says so to us, and to nobody else
	int (*before)(struct courier *, struct courier_letter *, int64_t now_us);
};

enum { COURIER_LOOP_MARK_AT = 8 };

// The second half of a loop's SURB ID follows from the first.
void courier_loop_mark(
        const struct courier *, const uint8_t id[COURIER_LOOP_MARK_AT],
        uint8_t mark[COURIER_LOOP_MARK_AT]
);
int courier_post(struct courier *, struct courier_letter *, int64_t now_us);
// A whole mail. Returns 0 (also for what we can't read), or the store's error: it isn't kept.
int courier_read(struct courier *, const uint8_t *data, size_t len, int64_t now_us);
// A reply to a ping of ours: true.
bool courier_ping_back(
        struct courier *, const uint8_t *surb_id, const uint8_t *reply, int64_t now_us
);
