// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// NIKE-Sphinx over X25519, byte for byte as Katzenpost's core/sphinx defines it.
//
// A packet is  header | payload tag (32) | forward payload  and never changes its length:
//   0   2   prefix, zero
//   2   32  group element (X25519 u-coordinate, little endian)
//   34  R   routing information, R = slots * 82
//   34+R 32 HMAC-SHA-256 over everything before it
//   66+R 32 payload tag, then the payload; both enciphered by AEZ v5 at every hop
//
// Everything here is pure C over fog_crypto_ops: no DPDK, no allocation, no global state but the
// constant tables. All functions are safe from any thread on disjoint objects.
// Sources: Katzenpost Sphinx specification; Danezis/Goldberg, Sphinx (2009); RFC 7748, RFC 5869.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "../api/drops.h"
#include "../crypto/lanes.h"
#include "../crypto/ops.h"

enum {
	FOG_SPHINX_PREFIX_LEN = 2,
	FOG_SPHINX_POINT_LEN = 32,
	FOG_SPHINX_MAC_LEN = 32,
	FOG_SPHINX_TAG_LEN = 32,
	FOG_SPHINX_ID_LEN = 32, // BLAKE2b-256 of an identity public key
	FOG_SPHINX_SURB_ID_LEN = 16,
	FOG_SPHINX_SLOT_LEN = 82, // next hop 65 + SURB reply 17: room for both
	FOG_SPHINX_SLOTS_MAX = 20,
	FOG_SPHINX_SURB_KEY_LEN = 64, // AEZ key 48 + IV 16
	FOG_SPHINX_PACKET_MAX = 9000,
	FOG_SPHINX_BATCH_MAX = 64,
};

// Sizes of one network, all in bytes and all derived from the first two. Immutable once made.
struct fog_geometry {
	uint16_t slots; // longest path, in hops
	uint16_t payload_len; // forward payload without the tag
	uint16_t routing_len; // slots * 82
	uint16_t header_len; // 2 + 32 + routing_len + 32
	uint16_t packet_len; // header_len + 32 + payload_len
	uint16_t surb_len; // header_len + 32 + 64
};

// Fill 'g' from its two free parameters.
// Returns 0, or -EINVAL (slots outside 1..FOG_SPHINX_SLOTS_MAX), -EMSGSIZE (packet over
// FOG_SPHINX_PACKET_MAX).
int fog_geometry_init(struct fog_geometry *g, unsigned slots, size_t payload_len);

// Fill 'g' with a shipped geometry: "mtu" (5 slots, 1,408 bytes), "mtu3" (3 slots, 1,408 bytes),
// "jumbo" (5 slots, 3,082 bytes). Returns 0 or -ENOENT.
int fog_geometry_named(struct fog_geometry *g, const char *name);

// What one slot tells its hop. Node delay and SURB ID are valid where their flag is set.
struct fog_sphinx_route {
	uint8_t next_hop[FOG_SPHINX_ID_LEN];
	uint8_t next_mac[FOG_SPHINX_MAC_LEN];
	uint8_t recipient[FOG_SPHINX_ID_LEN];
	uint8_t surb_id[FOG_SPHINX_SURB_ID_LEN];
	uint32_t delay_ms; // the sender's node_delay, 0 when absent
	uint8_t has_next_hop, has_recipient, has_surb, has_delay;
};

// Parse the commands of one slot (always FOG_SPHINX_SLOT_LEN bytes when a hop calls it; shorter
// lengths are for tests and fuzzing). Commands may come in any order, each once.
// Returns FOG_DROP_NONE, UNKNOWN_COMMAND (or a repeated one), TRUNCATED_COMMAND, BAD_PADDING or
// NO_DESTINATION. 'route' is valid for the first and the last, undefined otherwise.
enum fog_drop fog_sphinx_parse(const uint8_t *slot, size_t len, struct fog_sphinx_route *route);

// Secrets of one packet at one hop, alive from the key stage to the end of the batch.
// The owner wipes it (fog_sphinx_hop_wipe) before the memory is used for anything else.
struct fog_sphinx_hop {
	uint8_t secret[32];
	uint8_t okm[192]; // HKDF-Expand: mac 32, ctr key 32, iv 16, aez 48, blind seed 32, tag 32
	uint8_t blind[32]; // scalar of the group element's blinding
};

static inline const uint8_t *fog_sphinx_replay_tag(const struct fog_sphinx_hop *hop)
{
	return hop->okm + 160;
}

void fog_sphinx_hop_wipe(struct fog_sphinx_hop *hop, size_t n);

// Unwrapping, one call a stage, over 'n' <= FOG_SPHINX_BATCH_MAX packets of one geometry.
// 'pkt[i]' points at a whole packet, changed in place by open/payload/blind. drop[i] is read and
// written: a packet whose drop[i] is not FOG_DROP_NONE is skipped, a rejected one gets its reason.
// Order: key, mac, (replay claim by the caller), open, payload, blind.
//
// The multiplications of key and blind may share a call with those of other batches: add both to
// the lanes, run them, and go on with what stands behind. Between an add and its run nothing of the
// batch may change.
struct fog_sphinx_batch {
	const struct fog_crypto_ops *ops;
	const struct fog_geometry *geo;
	unsigned n;
	uint8_t *pkt[FOG_SPHINX_BATCH_MAX];
	struct fog_sphinx_hop *hop; // [n]
	struct fog_sphinx_route *route; // [n]
	enum fog_drop drop[FOG_SPHINX_BATCH_MAX];
};

// Check the prefix, multiply the group element by the node's private key, derive okm.
// Rejects BAD_PREFIX, ZERO_SECRET. 'private_key' is read only.
void fog_sphinx_key(struct fog_sphinx_batch *b, const uint8_t private_key[32]);
// The same in two halves: up to the multiplications, and from their results on. The second half
// takes the lanes from number 'first' on, which is what lanes->n was before the first half. Each packet
// has a key of its own here: private_key[i] (32 bytes) is read only where drop[i] is FOG_DROP_NONE.
void fog_sphinx_key_add(
        struct fog_sphinx_batch *b, const uint8_t *const private_key[], struct fog_lanes *lanes
);
void fog_sphinx_key_derive(
        struct fog_sphinx_batch *b, const struct fog_lanes *lanes, unsigned first
);
// Compare the header MAC in constant time. Rejects BAD_MAC.
void fog_sphinx_mac(struct fog_sphinx_batch *b);
// Decrypt the routing information in place (it shifts by one slot, the next MAC is put in its
// place) and parse the own slot into route[i]. Rejects what fog_sphinx_parse rejects.
void fog_sphinx_open(struct fog_sphinx_batch *b);
// Decipher the payload in place by this hop's layer. At the last hop, unless route[i] says SURB
// reply, the payload tag must be zero: rejects BAD_PAYLOAD_TAG.
void fog_sphinx_payload(struct fog_sphinx_batch *b);
// Blind the group element in place for packets with a next hop; others are left as they are.
void fog_sphinx_blind(struct fog_sphinx_batch *b);
// The same in two halves: derive the scalars, then add the multiplications, of which nothing is
// left to do when the lanes have run.
void fog_sphinx_blind_derive(struct fog_sphinx_batch *b);
void fog_sphinx_blind_add(struct fog_sphinx_batch *b, struct fog_lanes *lanes);

// All stages at once for one packet, without replay protection: for tools and tests.
// Returns FOG_DROP_NONE or the reason. 'hop' may be NULL.
enum fog_drop fog_sphinx_unwrap(
        const struct fog_crypto_ops *ops, const struct fog_geometry *geo,
        const uint8_t private_key[32], uint8_t *pkt, size_t len, struct fog_sphinx_route *route,
        struct fog_sphinx_hop *hop
);

// One hop of a path as its sender describes it.
struct fog_sphinx_path_hop {
	uint8_t id[FOG_SPHINX_ID_LEN];
	uint8_t public_key[32];
	uint32_t delay_ms; // node_delay; the command is left out when has_delay is 0
	uint8_t has_delay;
	uint8_t has_recipient; // last hop only
	uint8_t has_surb; // last hop only
	uint8_t recipient[FOG_SPHINX_ID_LEN];
	uint8_t surb_id[FOG_SPHINX_SURB_ID_LEN];
};

// Source of randomness for senders. NULL means libsodium's; tests inject their own.
typedef void fog_random_fn(void *ctx, uint8_t *out, size_t len);

// Write a packet of geo->packet_len bytes for 'n' hops (1..slots) carrying 'payload' (exactly
// geo->payload_len bytes; it must not overlap 'pkt'). Returns 0, -EINVAL (path empty or too long,
// last-hop commands on a middle hop) or -EDOM (a public key of low order). All commands that a hop
// can name fit a slot.
int fog_sphinx_wrap(
        const struct fog_crypto_ops *ops, const struct fog_geometry *geo,
        const struct fog_sphinx_path_hop *path, unsigned n, const uint8_t *payload, uint8_t *pkt,
        fog_random_fn *random, void *random_ctx
);

// One packet of a batch.
struct fog_sphinx_wrap_job {
	const struct fog_sphinx_path_hop *path;
	const uint8_t *payload; // geo->payload_len bytes, not overlapping 'pkt'
	uint8_t *pkt; // geo->packet_len bytes
	uint8_t (*tag)[32]; // out: replay tag at each hop of the path; NULL = not wanted
};

// What one packet needs while it is wrapped. Content is private to wrap.c.
struct fog_sphinx_wrap_state {
	uint8_t element[FOG_SPHINX_SLOTS_MAX][FOG_SPHINX_POINT_LEN];
	// Key stream of a hop. Its last 82 * (hop + 1) bytes become the filler that the packet has
	// grown behind its routing information when it leaves that hop.
	uint8_t stream[FOG_SPHINX_SLOTS_MAX][(FOG_SPHINX_SLOTS_MAX + 1) * FOG_SPHINX_SLOT_LEN];
	struct fog_sphinx_hop hop[FOG_SPHINX_SLOTS_MAX];
	uint8_t scalar[32];
	uint8_t mac[FOG_SPHINX_MAC_LEN];
	uint8_t
	        block[FOG_SPHINX_PREFIX_LEN + FOG_SPHINX_POINT_LEN +
	              FOG_SPHINX_SLOTS_MAX * FOG_SPHINX_SLOT_LEN];
};

// Wrap 'count' (1..FOG_SPHINX_BATCH_MAX) packets at once, each over its own path of 'n' hops: every
// primitive runs over the whole batch, so that SIMD lanes are full. Byte for byte what 'count' calls
// of fog_sphinx_wrap write that draw from the same randomness one after the other. 'state' is
// memory of the caller for 'count' packets, wiped on return. Errors as fog_sphinx_wrap; no packet
// of the batch is valid then.
int fog_sphinx_wrap_batch(
        const struct fog_crypto_ops *ops, const struct fog_geometry *geo, unsigned n,
        const struct fog_sphinx_wrap_job job[], unsigned count,
        struct fog_sphinx_wrap_state state[], fog_random_fn *random, void *random_ctx
);

// Keys that open the reply to one SURB; the creator keeps them secret and wipes them after use.
struct fog_surb_keys {
	uint16_t n; // keys in use: hops of the path + 1
	uint8_t key[FOG_SPHINX_SLOTS_MAX + 1][FOG_SPHINX_SURB_KEY_LEN]; // as Katzenpost orders them
};

// Create a single-use reply block: geo->surb_len bytes = header, first hop's ID, AEZ key, IV.
// The last hop of 'path' must carry recipient and SURB ID. Errors as fog_sphinx_wrap.
int fog_surb_create(
        const struct fog_crypto_ops *ops, const struct fog_geometry *geo,
        const struct fog_sphinx_path_hop *path, unsigned n, uint8_t *surb,
        struct fog_surb_keys *keys, fog_random_fn *random, void *random_ctx
);
// Make the packet that answers a SURB; 'first_hop' receives the node ID to send it to.
// Returns 0 or -EINVAL (prefix of the enclosed header is not zero).
int fog_surb_reply(
        const struct fog_crypto_ops *ops, const struct fog_geometry *geo, const uint8_t *surb,
        const uint8_t *payload, uint8_t *pkt, uint8_t first_hop[FOG_SPHINX_ID_LEN]
);
// Open a reply as the last hop delivered it: tag and payload, 32 + geo->payload_len bytes, in
// place; the payload starts at offset 32 afterwards.
// Returns 0, -EBADMSG (payload tag not zero: changed on its way), -EINVAL (keys).
int fog_surb_open(
        const struct fog_crypto_ops *ops, const struct fog_geometry *geo,
        const struct fog_surb_keys *keys, uint8_t *tag_and_payload
);
