// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What inbox.c (messages for the node) and inbox_ways.c (packets for others) share.
#pragma once

#include <pthread.h>

#include "inbox.h"

struct fog_inbox {
	struct fog_store *store;
	const struct fog_crypto_ops *ops;
	fog_inbox_epoch *epoch; // NULL: the one of a network without rotation
	void *epoch_ctx;
	bool has_ways;
	struct fog_inbox_ways ways;
	uint8_t drop[FOG_ID_LEN], echo[FOG_ID_LEN]; // recipients
	uint64_t budget_ms; // control thread: when answers were last allowed, and how many are
	unsigned budget;
	pthread_mutex_t lock; // everything below
	pthread_cond_t stored;
	struct fog_inbox_counts counts;
	bool stopping;
};

// The kinds of end that a delivered packet may come to.
enum inbox_end {
	INBOX_STORED,
	INBOX_DUPLICATE,
	INBOX_MALFORMED,
	INBOX_NO_SURB,
	INBOX_BAD_REPLY,
	INBOX_DROPPED,
	INBOX_ECHOED,
	INBOX_ECHO_REFUSED,
	INBOX_LIMITED,
	INBOX_NO_MAILBOX,
	INBOX_MAIL,
};

enum inbox_way { INBOX_TO_NODE, INBOX_TO_NOBODY, INBOX_TO_ECHO, INBOX_TO_MAIL };

// inbox_ways.c. All on the control thread.
enum inbox_way inbox_way(const struct fog_inbox *, const struct fog_deliver *);
// Both inside a transaction, with a copy of tag and payload; what is to be sent once it is committed is in
// 'back' then. Return an enum inbox_end or -errno.
int inbox_echo(
        struct fog_inbox *, const struct fog_geometry *, const struct fog_deliver *,
        const uint8_t *data, struct fog_parcel *back
);
int inbox_mail(
        struct fog_inbox *, const struct fog_geometry *, const struct fog_deliver *,
        const uint8_t *data, struct fog_parcel *back
);
// Returns false when there were too many of late, or the data plane takes none.
bool inbox_answer_now(struct fog_inbox *, const struct fog_parcel *);
