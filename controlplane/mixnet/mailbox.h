// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Mail of clients at their gateway. A client has a mailbox as soon as it has asked for mail once over its
// link; what comes for it is on disk before its SURB is answered, and stays until the client has said that
// it has it, or FOG_MAILBOX_DAYS have passed. A mailbox without its client for so long goes too.
// mail.h has the notices and answers.
//
// Control thread, unless said otherwise; a thread of its own waits for the disk, so that nobody else has
// to, and then hands the answers over.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../dataplane/api/link.h"
#include "../store/mailbox.h"
#include "mail.h"

struct fog_mailboxes;

enum {
	FOG_MAILBOX_DAYS = 7,
	FOG_MAILBOX_BYTES_MAX = 64 << 20, // of one client
	FOG_MAILBOXES_MAX = 100000,
	FOG_MAILBOX_RESEND_MS =
	        2000, // mail that was sent so long ago and is not acknowledged got lost
	FOG_MAILBOX_IDLE_RESEND_MS = 250, // the same, where there is nothing else to answer with
	FOG_MAILBOX_WINDOW =
	        128, // mails beyond the oldest one that are sent before it is acknowledged
	FOG_MAILBOX_READERS_MAX = 8192, // clients whose progress is remembered
};

// Of all clients; beyond half of it only mailboxes with less than their share of the other half take mail.
#define FOG_MAILBOXES_BYTES_MAX (INT64_C(16) << 30)

struct fog_mailbox_limits {
	int64_t bytes_each, bytes_all;
	unsigned boxes;
};

struct fog_mailboxes_ops {
	// Hand an answer to the data plane. Returns 0, -ESTALE and -EMSGSIZE (it never will be taken), or
	// another -errno: later. The answers' thread.
	int (*inject)(void *ctx, const struct fog_store_answer_packet *);
};

struct fog_mailboxes_counts {
	uint64_t stored, fetches, sent, resent; // mails; notices; mails sent, of these again
	uint64_t full; // mails that found no room
	uint64_t malformed; // notices
	uint64_t refused; // clients that get no mailbox: there are too many
	uint64_t answered,
	        answers_lost; // SURBs; the epoch was over, or the data plane takes other packets
};

// 'limits' NULL: those above. Returns 0 or -errno.
int fog_mailboxes_create(struct fog_store *, const struct fog_mailbox_limits *, const struct fog_mailboxes_ops *, void *ctx, struct fog_mailboxes **);
void fog_mailboxes_destroy(struct fog_mailboxes *); // accepts NULL
// The thread that answers senders, which create starts; nothing else stops with it. Start: 0, also when it is there, or -errno. One thread
// at a time.
int fog_mailboxes_start(struct fog_mailboxes *);
void fog_mailboxes_stop(struct fog_mailboxes *);
bool fog_mailboxes_answers(struct fog_mailboxes *); // whether it is at work; any thread

// Inside a transaction of the store. Returns 0, -ENOENT (no such mailbox), -EDQUOT (it, or all, are
// full), -EIO, -ENOSPC.
int fog_mailboxes_put(
        struct fog_mailboxes *, const uint8_t id[FOG_ID_LEN], enum fog_mail_kind,
        const uint8_t *head, size_t head_len, const uint8_t *data, size_t len
);
// The same transaction: answer the sender once all of it is on disk.
int fog_mailboxes_answer(struct fog_mailboxes *, const struct fog_store_answer_packet *);
// It has been committed, or undone.
void fog_mailboxes_ended(struct fog_mailboxes *, bool committed);

// A notice of the client with this static key. 'room' is what a notice holds (fog_notice_room). Returns
// the length of what it is to be sent, 0 (it is not answered), -EIO, -ENOSPC.
// It only reads (but for a client's first one), so how long it takes says next to nothing of whether there is mail:
// what the client has is forgotten by fog_mailboxes_answered, once the answer is on its way.
int fog_mailboxes_notice(
        struct fog_mailboxes *, const uint8_t static_key[32], const uint8_t *data, size_t len,
        size_t room, uint64_t now_ms, uint8_t out[FOG_NOTICE_MAX]
);
// After each notice, when what it gave was sent. Returns 0, -EIO, -ENOSPC: it is forgotten another time.
int fog_mailboxes_answered(struct fog_mailboxes *);

// Forget what is old. Once a minute or so.
void fog_mailboxes_prune(struct fog_mailboxes *, uint64_t now_ms);

// Any thread.
void fog_mailboxes_counts(struct fog_mailboxes *, struct fog_mailboxes_counts *);
// Returns 0, -EIO, -ENOSPC. Takes the store by itself.
int fog_mailboxes_totals(struct fog_mailboxes *, struct fog_store_boxes *);
