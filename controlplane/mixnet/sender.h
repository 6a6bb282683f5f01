// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Messages on their way out: choose a path, wrap, make a SURB, and hand the packet to the data
// plane exactly once. The packet is in the store's outbox before it goes into the ring and until
// it has gone. A packet that a crash left in the outbox is handed over again after the restart; if
// it had already gone, the replay check of its first hop drops the copy.
// Any thread.
#pragma once

#include <stdbool.h>

#include "../dpclient.h"
#include "../store/store.h"
#include "message.h"
#include "path.h"
#include "topology.h"

struct fog_sender;

enum { FOG_SENDER_TEXT_LEN = 200, FOG_SENDER_BACKLOG_MAX = 1024 };

enum { FOG_LETTER_EPOCH = 1 }; // of the keys in the topology, for good

// The mix keys that packets are made with; NULL stands for those of the topology, epoch 1.
struct fog_letter_keys {
	uint64_t epoch; // of all hops
	// Returns 0 or -ENOENT: none is known.
	int (*mix_key
	)(void *ctx, const struct fog_topology_node *, uint64_t epoch, uint8_t public_key[32]);
	void *ctx;
};

// A message as its sender wants it. Pointers belong to the caller.
struct fog_letter {
	const char *to; // node name or 64 hexadecimal digits; NULL for a reply
	const uint8_t *recipient; // 32 bytes, or NULL: the destination's node ID
	const char *const *path; // names of all hops, or NULL: choose one
	unsigned path_len;
	struct fog_path_memory *paths; // of chosen paths, or NULL
	const uint8_t *data;
	size_t len;
	bool want_surb;
	int64_t reply_to; // ID of the received message whose SURB to use, 0 = none
	const struct fog_letter_keys *keys;
	bool (*surb_dead)(void *ctx, uint64_t epoch); // for replies; NULL: SURBs live for good
	void *surb_ctx;
};

// A packet ready to leave. Holds secrets: wipe it.
struct fog_parcel {
	enum fog_inject_type inject_type;
	uint8_t first_hop[FOG_ID_LEN];
	char hop[FOG_SPHINX_SLOTS_MAX][32]; // names; none for a reply: only its receiver knows
	unsigned hops;
	size_t bytes;
	int64_t reply_to;
	bool has_surb;
	uint8_t surb_id[FOG_SPHINX_SURB_ID_LEN];
	struct fog_surb_keys keys;
	uint16_t packet_len;
	uint8_t packet[FOG_SPHINX_PACKET_MAX];
	uint64_t epoch; // whose keys it is made with
};

// Wrap a letter from the node 'self' (its entry in the topology). Not for replies.
// Returns 0, or with a sentence in 'text' (FOG_SENDER_TEXT_LEN bytes): -ENOENT (unknown node, or a
// layer without a mix), -EINVAL (path does not end at the destination), -E2BIG (path has more hops
// than packets have slots), -EXDEV, -EHOSTDOWN (as fog_path_choose), -ENOKEY (no mix key of a node is known, or of all that would make a path), -EMSGSIZE (longer than fog_message_room), -EDOM (a node announces an
// unusable key).
int fog_letter_wrap(
        const struct fog_crypto_ops *, const struct fog_topology *,
        const struct fog_topology_node *self, const struct fog_letter *, struct fog_parcel *,
        char *text
);
// Wrap a reply, inside a transaction of 'store': takes the SURB out of message letter->reply_to.
// 'self_id' is our node ID. Returns as above, or -ENOENT (no such message), -ENODATA (it came
// without a SURB), -EALREADY (answered before), -ESTALE (its epoch is over), -EIO, -ENOSPC.
int fog_letter_reply(
        const struct fog_crypto_ops *, const struct fog_topology *,
        const uint8_t self_id[FOG_ID_LEN], struct fog_store *, const struct fog_letter *,
        struct fog_parcel *, char *text
);
// Answer with a SURB, made with keys of 'epoch', that came with a message which nobody keeps.
// Returns 0, -EMSGSIZE, -EINVAL (no SURB of this network).
int fog_letter_answer(const struct fog_crypto_ops *, const struct fog_geometry *, const uint8_t self_id[FOG_ID_LEN], const uint8_t *surb, uint64_t epoch, const uint8_t *data, size_t len, struct fog_parcel *);
void fog_parcel_wipe(struct fog_parcel *);

// Whether a packet may leave now: 0; -EAGAIN: not yet, it stays in the outbox; -ESTALE: never more, it is
// given up. Called with the sender's lock held, any thread.
typedef int fog_sender_gate(void *ctx, uint64_t epoch, enum fog_inject_type);
// Set before the first packet.
void fog_sender_gate_set(struct fog_sender *, fog_sender_gate *, void *ctx);

// Returns 0 or -ENOMEM. 'store' and 'dp' must outlive the sender.
int fog_sender_create(struct fog_store *, struct fog_dpclient *, struct fog_sender **);
void fog_sender_destroy(struct fog_sender *); // accepts NULL

// As fog_letter_wrap, on a path that fits those of the letters before: two senders in one process have each
// a memory of their own.
int fog_sender_wrap(
        struct fog_sender *, const struct fog_crypto_ops *, const struct fog_topology *,
        const struct fog_topology_node *self, const struct fog_letter *, struct fog_parcel *,
        char *text
);

// Begin sending: takes the sender and starts a store transaction, in which the caller may do more.
// Returns 0, -ENOTCONN (no data plane), -ENOBUFS (it takes no more now), -EIO, -ENOSPC; end must
// then not be called.
int fog_sender_begin(struct fog_sender *);
// Put the parcel into the transaction. Returns 0 with its ID, -EIO, -ENOSPC.
int fog_sender_put(struct fog_sender *, const struct fog_parcel *, int64_t *id);
// End the transaction; when 'commit' is set and it holds, hand message 'id' to the data plane (now,
// or when it takes packets again). Returns 0, -EIO, -ENOSPC: nothing was sent.
int fog_sender_end(struct fog_sender *, bool commit, const struct fog_parcel *, int64_t id);

// Hand a packet to the data plane that is not in the outbox. Returns 0, -EAGAIN, -ENOTCONN, -ENOBUFS (not
// now), -ESTALE, -EMSGSIZE (never).
int fog_sender_pass(
        struct fog_sender *, uint32_t inject_type, const uint8_t first_hop[FOG_ID_LEN],
        uint64_t epoch, const uint8_t *packet, uint32_t len
);

// Hand over what is still in the outbox, up to 256 packets a call. Called at attach and by a timer.
void fog_sender_flush(struct fog_sender *);
