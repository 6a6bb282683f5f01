// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What a client must not forget: DIR/client.db, SQLite with a write-ahead log, so that several processes
// may have it open. What was accepted or received is synced to disk before the call returns; the
// rest outlives a kill of the process, and what a power cut takes of it is sent once more.
//
// Messages out are sealed when they are accepted: only their receiver can read what is on disk. Keys of
// SURBs are sealed with the client's own key. What is not needed any more is overwritten.
// One object belongs to one thread. Times are microseconds since 1970. Errors are -EIO and -ENOSPC,
// with SQLite's own words in client_store_error, unless said otherwise.
#pragma once

#include "../../dataplane/sphinx/sphinx.h"
#include "address.h"
#include "client.h"
#include "fragments.h"

struct client_store;

enum {
	CLIENT_STORE_DAY_S = 86400,
	CLIENT_STORE_KEEP_DAYS = 8, // what is over, or never became whole; mail waits 7 days
	CLIENT_STORE_PARTIAL_MAX = 64 << 20, // bytes of messages that are not whole yet
};

// 'key' must outlive the object. *out is set on -EIO, too, for client_store_error.
int client_store_open(const char *dir, const uint8_t key[32], struct client_store **out);
void client_store_close(struct client_store *); // accepts NULL
const char *client_store_error(const struct client_store *);

// A value of fixed length. get returns 0 or -ENOENT.
int client_store_get(struct client_store *, const char *name, void *value, size_t len);
int client_store_put(struct client_store *, const char *name, const void *value, size_t len);

// Accept a message of 'count' fragments of 'len' bytes each, one behind the other, sealed.
int client_store_accept(
        struct client_store *, const struct client_address *to, const uint8_t *sealed,
        unsigned count, size_t len, int64_t now_us, int64_t *id
);
int client_store_status(struct client_store *, int64_t id, struct fog_client_status *); // or -ENOENT

// A fragment that is to leave.
struct client_due {
	int64_t message;
	unsigned index, tries;
	bool waited; // for mail that was at our gateway, since it left last
	int64_t accepted_us; // of the message
	struct client_address to;
	size_t len;
	uint8_t data[FOG_SPHINX_PACKET_MAX];
};

// The one that has been due for longest. Returns 1, 0: none is due yet. A message whose row is damaged has
// failed.
int client_store_due(struct client_store *, int64_t now_us, struct client_due *);
// It leaves now; the keys of its SURB, and when to send it again. Committed before the packet leaves: one
// that a kill kept back is lost to us as on any link.
int client_store_left(
        struct client_store *, const struct client_due *, const uint8_t surb_id[16],
        const struct fog_surb_keys *, int64_t now_us, int64_t again_us
);
int client_store_postpone(struct client_store *, int64_t message, unsigned index, int64_t due_us);
// The same, for mail in which the answer may be; 'waited' is true from then until it leaves.
int client_store_wait(struct client_store *, int64_t message, unsigned index, int64_t due_us);
// Whose SURB this is. Returns 0 or -ENOENT, also for one whose keys are damaged: its fragment is sent again.
// The caller wipes the keys.
int client_store_surb(
        struct client_store *, const uint8_t surb_id[16], struct fog_surb_keys *, int64_t *message,
        unsigned *index
);
// Acknowledged once and for all; the last one ends its message. One that is over already stays as it is.
int client_store_acknowledged(
        struct client_store *, int64_t message, unsigned index, int64_t now_us
);
// Answered, and to be sent again then: this SURB has been used, nothing more comes by it and its keys go.
int client_store_answered(
        struct client_store *, const uint8_t surb_id[16], int64_t message, unsigned index,
        int64_t due_us
);
int client_store_failed(struct client_store *, int64_t message, const char *why, int64_t now_us);

// Keep a fragment that came. Returns 1 when its message is whole by it, 0, or -EBADMSG: it doesn't fit
// to what came before. One that is known is taken for good and changes nothing. Beyond
// CLIENT_STORE_PARTIAL_MAX the messages that nothing was added to for longest are thrown away.
int client_store_fragment(
        struct client_store *, const struct client_fragment *, size_t room, int64_t now_us
);
// The oldest whole message after 'after'. Its bytes are the store's, until the next call. Returns 1,
// 0, -ENOMEM.
int client_store_receive(struct client_store *, int64_t after, struct fog_client_message *);
int client_store_forget(struct client_store *, int64_t id); // or -ENOENT

// Once a minute or so: messages that nobody has acknowledged for a day have failed; what is older than
// CLIENT_STORE_KEEP_DAYS goes.
int client_store_sweep(struct client_store *, int64_t now_us);
