// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Mail of clients on disk, and answers to its senders on their way out. Inside a transaction of the
// store (store.h), unless said otherwise.
#pragma once

#include "store.h"

enum { FOG_STORE_MAIL_OVERHEAD = 64 }; // bytes that a mail counts for besides its own

struct fog_store_box {
	int64_t box; // the store's number of it
	int64_t first, next; // mails 'first' to 'next' - 1 are here
	int64_t bytes; // of these, with FOG_STORE_MAIL_OVERHEAD each
	int64_t heard_us; // when its client was last heard
};

int fog_store_box_get(struct fog_store *, const uint8_t id[32], struct fog_store_box *); // 0, -ENOENT, -EIO
// Make it; numbers begin at 'now_us', so that they are above those of any box before with this ID.
// Returns 0, -EIO, -ENOSPC.
int fog_store_box_make(struct fog_store *, const uint8_t id[32], int64_t now_us, struct fog_store_box *);
int fog_store_box_heard(struct fog_store *, struct fog_store_box *, int64_t now_us);
// Append a mail. Returns 0, -EDQUOT (the box would hold more than 'max' bytes), -EIO, -ENOSPC.
int fog_store_box_put(
        struct fog_store *, struct fog_store_box *, int64_t now_us, const uint8_t *data, size_t len,
        int64_t max
);
// Forget all mails up to number 'last'; later ones get greater numbers, whatever 'last' is.
int fog_store_box_forget(struct fog_store *, struct fog_store_box *, int64_t last);
// Returns the mail's length (copied as far as 'cap' allows), -ENOENT, -EIO.
int fog_store_box_mail(
        struct fog_store *, const struct fog_store_box *, int64_t number, uint8_t *data, size_t cap
);

struct fog_store_boxes {
	uint64_t boxes, mails, bytes;
	uint64_t answers; // on their way out
};

int fog_store_boxes(struct fog_store *, struct fog_store_boxes *);
// Forget mails from before 'before_us' and boxes whose client was last heard before then. Takes the
// store by itself, for a moment at a time.
void fog_store_boxes_prune(struct fog_store *, int64_t before_us);

// Packets that answer SURBs of stored mail.
struct fog_store_answer_packet {
	int64_t id; // the store's
	uint32_t inject_type;
	uint8_t first_hop[32];
	uint64_t epoch;
	size_t len;
	uint8_t packet[FOG_SPHINX_PACKET_MAX];
};

int fog_store_mail_answer_put(struct fog_store *, const struct fog_store_answer_packet *);
// The oldest one with a greater ID than 'after'. Returns 0, -ENOENT, -EIO.
int fog_store_mail_answer_next(struct fog_store *, int64_t after, struct fog_store_answer_packet *);
// All up to this one have left, or never will.
int fog_store_mail_answers_done(struct fog_store *, int64_t id);
// The newest one's ID, 0: there is none. -EIO.
int64_t fog_store_mail_answers_last(struct fog_store *);

// Wait until everything committed before this call is on the disk, without keeping others from the
// store meanwhile. Any thread, outside of transactions. Returns 0, -EIO, -ENOSPC.
int fog_store_sync(struct fog_store *);
