// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Single-producer single-consumer rings of fixed slots between the two processes.
//
// A ring has two halves in two memfds: the producer's half (header, head, slots) in memory that
// only the producer can write, the consumer's half (tail) in memory that only the consumer can
// write. Indices are free-running u32. Each side keeps its own index, size and mask in private
// memory and believes nothing it reads from the peer: the consumer copies a slot, then validates
// the copy; an impossible index, length or type makes the peer faulty (-EPROTO), after which the
// ring is not touched again until a reconnect has built a new one.
#pragma once

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include "abi.h"

enum fog_ring_type {
	FOG_RING_DELIVER = 1, // data plane -> control plane, one a worker
	FOG_RING_INJECT = 2, // control plane -> data plane, one a worker
	FOG_RING_CMD = 3, // control plane -> manager
	FOG_RING_EVT = 4, // manager -> control plane
};

struct fog_slot_header {
	uint64_t seq; // grows by one a slot, kept across reconnects
	uint32_t type; // message type of this ring
	uint32_t len; // bytes used behind the header
};

_Static_assert(sizeof(struct fog_slot_header) == 16, "layout is part of the ABI");

// Producer's half, at the start of its memfd; slots follow at offset sizeof.
struct fog_ring_producer {
	uint64_t magic; // FOG_ABI_MAGIC; producer: wo at creation
	uint32_t abi;
	uint32_t kind; // enum fog_ring_type
	uint32_t slot_count; // power of two
	uint32_t slot_size; // header included, multiple of 16
	uint8_t reserved0[FOG_CACHE_LINE - 24];
	_Atomic uint32_t head; // producer: wo, consumer: ro
	uint32_t reserved1;
	_Atomic uint64_t seq; // of the next slot; producer: wo, for whoever carries the ring over
	uint8_t reserved2[FOG_CACHE_LINE - 16];
};

_Static_assert(sizeof(struct fog_ring_producer) == 2 * FOG_CACHE_LINE, "layout is part of the ABI");

// Consumer's half.
struct fog_ring_consumer {
	_Atomic uint32_t tail; // consumer: wo, producer: ro
	uint8_t reserved[FOG_CACHE_LINE - 4];
};

_Static_assert(sizeof(struct fog_ring_consumer) == FOG_CACHE_LINE, "layout is part of the ABI");

// Private handle of the producing side. Owner: one thread at a time.
struct fog_ring_tx {
	struct fog_ring_producer *shared;
	const struct fog_ring_consumer *peer;
	uint8_t *slots;
	uint32_t mask, slot_size, head;
	uint64_t seq; // of the next slot
};

// Private handle of the consuming side. Owner: one thread at a time.
struct fog_ring_rx {
	const struct fog_ring_producer *peer;
	struct fog_ring_consumer *shared;
	const uint8_t *slots;
	uint32_t mask, slot_size, tail;
};

static inline size_t fog_ring_bytes(uint32_t slot_count, uint32_t slot_size)
{
	return sizeof(struct fog_ring_producer) + (size_t)slot_count * slot_size;
}

// Slot size for messages of up to 'len' bytes.
static inline uint32_t fog_ring_slot_size(uint32_t len)
{
	return ((uint32_t)sizeof(struct fog_slot_header) + len + 15u) & ~15u;
}

// Free slots; negative (-EPROTO) when the peer's tail is impossible.
static inline int64_t fog_ring_free(const struct fog_ring_tx *r)
{
	uint32_t used = r->head - atomic_load_explicit(&r->peer->tail, memory_order_acquire);
	return used > r->mask + 1 ? -EPROTO : (int64_t)(r->mask + 1 - used);
}

// Start a slot: returns where to write up to slot_size - 16 bytes, or NULL with *err = -ENOBUFS
// (full) or -EPROTO (faulty peer). Nothing is visible to the peer before fog_ring_commit.
static inline void *fog_ring_reserve(struct fog_ring_tx *r, int *err)
{
	int64_t room = fog_ring_free(r);
	if (room <= 0) {
		*err = room < 0 ? -EPROTO : -ENOBUFS;
		return NULL;
	}
	return r->slots + (size_t)(r->head & r->mask) * r->slot_size +
	        sizeof(struct fog_slot_header);
}

static inline void fog_ring_commit(struct fog_ring_tx *r, uint32_t type, uint32_t len)
{
	struct fog_slot_header h = {.seq = r->seq++, .type = type, .len = len};
	memcpy(r->slots + (size_t)(r->head & r->mask) * r->slot_size, &h, sizeof(h));
	atomic_store_explicit(&r->shared->seq, r->seq, memory_order_relaxed);
	atomic_store_explicit(&r->shared->head, ++r->head, memory_order_release);
}

// Whether the consumer has anything to read: a hint that may be a lie, for sleeping decisions only.
static inline int fog_ring_pending(const struct fog_ring_rx *r)
{
	return atomic_load_explicit(&r->peer->head, memory_order_acquire) != r->tail;
}

// Copy the oldest slot into 'out' (slot_size bytes, header first) without consuming it.
// Returns 1, 0 (empty) or -EPROTO (impossible head or length: the peer is faulty).
static inline int fog_ring_peek(const struct fog_ring_rx *r, void *out)
{
	uint32_t used = atomic_load_explicit(&r->peer->head, memory_order_acquire) - r->tail;
	if (used == 0)
		return 0;
	if (used > r->mask + 1)
		return -EPROTO;
	memcpy(out, r->slots + (size_t)(r->tail & r->mask) * r->slot_size, r->slot_size);
	struct fog_slot_header h;
	memcpy(&h, out, sizeof(h));
	return h.len > r->slot_size - sizeof(h) ? -EPROTO : 1;
}

// Give the oldest slot back to the producer, after its content is safe.
static inline void fog_ring_advance(struct fog_ring_rx *r)
{
	atomic_store_explicit(&r->shared->tail, ++r->tail, memory_order_release);
}
