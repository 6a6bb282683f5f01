// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the control plane must not forget: messages received and sent, the packets of those that
// have not reached the data plane yet, keys of the SURBs that are out, answers to idempotent
// requests, the config generation. One SQLite file, one connection, one writer.
//
// Any thread. fog_store_begin takes the store for the calling thread and starts a transaction,
// fog_store_end ends both; every other function is called between the two, by that thread, unless
// it says otherwise. A transaction in which a function has returned a database error (-EIO,
// -ENOSPC) must be ended with commit = 0.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "../../dataplane/api/blob.h"
#include "../../dataplane/sphinx/sphinx.h"

struct fog_store;

enum {
	FOG_STORE_SECRET_LEN = 32,
	FOG_STORE_LIST_MAX = 200, // messages in one answer
	FOG_STORE_DAY_S = 86400, // how long an idempotent answer is kept
};

// Open or create 'path' (mode 0600). 'secret' encrypts the SURB keys; it is copied to locked
// memory. Keys encrypted under another secret (a reboot made a new one) are deleted. NULL = it can't
// be had now: keys that are there stay, but only a later open with the secret can read them.
// Returns 0, -errno, -ENOTSUP (written by a newer version); logged with its mend.
int fog_store_open(struct fog_store **, const char *path, const uint8_t secret[32]);
void fog_store_close(struct fog_store *); // accepts NULL

// Returns 0, or -EIO, -ENOSPC (end must not be called then).
int fog_store_begin(struct fog_store *);
// Returns 0, or -EIO, -ENOSPC: nothing of the transaction happened.
int fog_store_end(struct fog_store *, int commit);

// The generation for a configuration whose content hashes to 'content': the last one when the
// content is the same and the last one is not below 'floor', else the next after both.
int fog_store_generation(
        struct fog_store *, const uint8_t content[32], uint64_t floor, uint64_t *generation
);

// Received messages.

// Mark message 'seq' of a worker of one life of the data plane as handled. Sequence numbers of a
// worker only grow. Returns 1 when it had been handled before (drop it), 0 when it is new.
int fog_store_mark(struct fog_store *, const uint8_t boot_id[16], uint32_t worker, uint64_t seq);

struct fog_store_received {
	int64_t id; // given by the store
	int64_t time_us; // since 1970, UTC
	int64_t in_reply_to; // ID of the sent message, 0 when not a reply
	uint8_t recipient[32];
	const uint8_t *data;
	size_t len;
	const uint8_t *surb; // NULL when none came with it
	size_t surb_len;
	int can_reply; // only in lists: the SURB is there and unused
	uint64_t surb_epoch; // whose keys the SURB is made with; not in lists
};

int fog_store_receive(struct fog_store *, const struct fog_store_received *);
// Call 'each' for up to 'limit' messages with an ID above 'after', in order; pointers live during
// the call only. Returns the number of calls or -EIO.
int fog_store_list(
        struct fog_store *, int64_t after, unsigned limit,
        void (*each)(void *ctx, const struct fog_store_received *), void *ctx
);
// Take the SURB out of a received message, once. 'surb' has room for 'surb_len' bytes; 'epoch' says whose
// keys it is made with.
// Returns 0, -ENOENT (no such message), -ENODATA (it came without one, or of another size),
// -EALREADY (used before), -EIO.
int fog_store_take_surb(
        struct fog_store *, int64_t id, uint8_t *surb, size_t surb_len, uint64_t *epoch
);

// Sent messages.

// Where a message went, and over which mixes, is told to who sends it and kept by nobody.
struct fog_store_sent {
	size_t bytes;
	int64_t reply_to; // ID of the received message, 0 when not a reply
	uint32_t inject_type; // how the packet enters the data plane
	uint8_t first_hop[32];
	const uint8_t *packet;
	size_t packet_len;
	uint64_t epoch; // whose keys it is made with
};

// Record a sent message and put its packet into the outbox. 'id' receives its ID.
int fog_store_send(struct fog_store *, const struct fog_store_sent *, int64_t *id);
// Remove the packet of message 'id' from the outbox: it has reached the data plane.
int fog_store_outbox_done(struct fog_store *, int64_t id);
// The same, but it never will: its message is given up.
int fog_store_outbox_give_up(struct fog_store *, int64_t id);
// The oldest packet in the outbox: 'id', type, first hop, epoch and up to 'cap' bytes of the packet.
// Returns its length, or -ENOENT (outbox empty).
int fog_store_outbox_next(
        struct fog_store *, int64_t *id, uint32_t *inject_type, uint8_t first_hop[32],
        uint64_t *epoch, uint8_t *packet, size_t cap
);

struct fog_store_sent_state {
	int64_t time_us, reply_to;
	size_t bytes;
	int waiting; // the packet is still in the outbox
	int given_up; // it has not left and never will
};

// Returns 0, -ENOENT (no such message, or forgotten), -EIO.
int fog_store_sent_get(struct fog_store *, int64_t id, struct fog_store_sent_state *);

// Keys of SURBs that are out.

int fog_store_surb_put(struct fog_store *, const uint8_t surb_id[16], int64_t sent_id, const struct fog_surb_keys *);
// Take the keys out, once; the caller wipes them. Returns 0, -ENOENT, -EBADMSG (cannot be
// decrypted: deleted), -EIO.
int fog_store_surb_take(struct fog_store *, const uint8_t surb_id[16], int64_t *sent_id, struct fog_surb_keys *);

// Answers to requests with an Idempotency-Key.

struct fog_store_answer {
	int status; // HTTP
	char *body; // the caller frees it
};

// Returns 0 (found and the same request), -ENOENT, -EEXIST (key used for another request), -ENOMEM,
// -EIO.
int fog_store_answer_get(struct fog_store *, const char *caller, const char *key, const uint8_t request[32], struct fog_store_answer *);
int fog_store_answer_put(struct fog_store *, const char *caller, const char *key, const uint8_t request[32], const struct fog_store_answer *);

// What operators have set of the filter at run time.

// Returns 0, -ENOENT (not set), -EIO.
int fog_store_filter_get(struct fog_store *, const char *key, int64_t *value);
int fog_store_filter_put(struct fog_store *, const char *key, int64_t value);
int fog_store_filter_delete(struct fog_store *, const char *key); // 0 also when it wasn't set

// Returns 1 when it is new, 0 when it stood there already, -EIO, -ENOSPC.
int fog_store_deny_put(struct fog_store *, const struct fog_prefix *);
// Returns 0, -ENOENT, -EIO, -ENOSPC.
int fog_store_deny_delete(struct fog_store *, const struct fog_prefix *);
// All prefixes in the order of the blob. Returns their number, -E2BIG (more than 'max'), -EIO.
int fog_store_deny_list(struct fog_store *, struct fog_prefix *list, unsigned max);

// Epochs. Our own mix keys as they were announced: never another one for the same epoch where nodes tell
// each other; where a consensus says which one counts, until it does.

// Returns 0, -ENOENT (nothing was announced for it), -EIO.
int fog_store_announced(
        struct fog_store *, uint64_t epoch, uint8_t public_key[32], uint8_t network[32]
);
// Stands already: stays as it is.
int fog_store_announce(
        struct fog_store *, uint64_t epoch, const uint8_t public_key[32], const uint8_t network[32]
);
// Takes the place of what stands.
int fog_store_announce_again(
        struct fog_store *, uint64_t epoch, const uint8_t public_key[32], const uint8_t network[32]
);
// The oldest epoch below 'before' or above 'beyond' (at most INT64_MAX both) that was announced and has not
// been ended. Returns 0, -ENOENT, -EIO.
int fog_store_announced_open(struct fog_store *, uint64_t before, uint64_t beyond, uint64_t *epoch);
int fog_store_announced_end(struct fog_store *, uint64_t epoch);
int fog_store_announced_clear(struct fog_store *); // all of them, ended or not
// Remember whose store this is. Returns 0, 1 (it was another node's up to now), -EIO.
int fog_store_identity(struct fog_store *, const uint8_t node_id[32]);
// Make everything committed so far survive a power cut. Takes the store by itself.
// Returns 0, -EIO, -ENOSPC.
int fog_store_durable(struct fog_store *);

// The sequence number of our next descriptor: greater than 'floor' and than all before.
int fog_store_sequence(struct fog_store *, uint64_t floor, uint64_t *sequence);
// From which epoch on our own VRF key counts: the first answer for a key stays, it is 'fresh', unless a
// later call says an earlier one (the network's epochs have got longer, and their numbers smaller).
int fog_store_vrf_from(
        struct fog_store *, const uint8_t vrf_key[32], uint64_t fresh, uint64_t *from
);

// What other nodes have announced. A key that was seen for an epoch stays the one.
// 'public_key' is what is known afterwards. Returns 0 (it is the given one) or -EEXIST (another), -EIO.
int fog_store_seen_key(
        struct fog_store *, const uint8_t node[32], uint64_t epoch, uint8_t public_key[32]
);
// Returns 0, -ENOENT, -EIO.
int fog_store_seen_key_get(
        struct fog_store *, const uint8_t node[32], uint64_t epoch, uint8_t public_key[32]
);
// The node has lost its key of this epoch: what it shows for it from now on is another one (-EEXIST, zeros).
int fog_store_seen_lost(struct fog_store *, const uint8_t node[32], uint64_t epoch);
// The epoch in which this VRF key of a node was first seen; now, if it is new, or numbers are smaller now.
int fog_store_seen_vrf(
        struct fog_store *, const uint8_t node[32], const uint8_t vrf_key[32], uint64_t *epoch
);

// Proofs of delays, our own too.
int fog_store_proof_put(
        struct fog_store *, const uint8_t node[32], uint64_t epoch, const uint8_t proof[80]
);
int fog_store_proof_get(
        struct fog_store *, const uint8_t node[32], uint64_t epoch, uint8_t proof[80]
); // 0, -ENOENT, -EIO

struct fog_store_proof {
	uint64_t epoch;
	uint8_t proof[80];
};

// The newest 'max' proofs of this node for epochs that it announced a key for in this network, newest
// first. Returns their number or -EIO.
int fog_store_proofs(
        struct fog_store *, const uint8_t node[32], const uint8_t network[32],
        struct fog_store_proof *, unsigned max
);
// Forget proofs after a week and 10,000 epochs, keys of epochs long past, or so far ahead that they were
// counted when epochs were shorter. Takes the store by itself.
void fog_store_prune_epochs(struct fog_store *, uint64_t now_epoch);

// Forget what is old: answers after a day, SURB keys and marks after a week, all but the newest
// 200,000 messages. Takes the store by itself.
void fog_store_prune(struct fog_store *);
