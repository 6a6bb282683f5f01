// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Sets of rings: made, taken over from the peer, carried over to the next one.
#include <stdlib.h>

#include "session_internal.h"

// An index of ours in front of a producer's half of ours: layout of evt and deliver.
static size_t half_bytes(uint32_t slots, uint32_t slot_size)
{
	return sizeof(struct fog_ring_consumer) + fog_ring_bytes(slots, slot_size);
}

static void *half_producer(const struct fog_shm *m)
{
	return (uint8_t *)m->addr + sizeof(struct fog_ring_consumer);
}

int session_set_create(
        struct fog_session *s, struct session_set **out, int *evt_fd,
        int deliver_fd[FOG_WORKERS_MAX]
)
{
	const struct fog_session_params *p = &s->params;
	uint32_t evt_slot = fog_ring_slot_size(FOG_EVT_LEN_MAX);
	uint32_t deliver_slot = fog_ring_slot_size(p->deliver_len);
	struct session_set *set = calloc(1, sizeof(*set));
	unsigned made = 0;
	int ret;

	if (set == NULL)
		return -ENOMEM;
	ret = fog_shm_create(
	        "fog-evt", half_bytes(SESSION_EVT_SLOTS, evt_slot), FOG_SEALS_DATA, &set->evt_mem,
	        evt_fd
	);
	if (ret < 0)
		goto err;
	for (; made < p->worker_count; made++) {
		ret = fog_shm_create(
		        "fog-deliver", half_bytes(p->deliver_slots, deliver_slot), FOG_SEALS_DATA,
		        &set->deliver_mem[made], &deliver_fd[made]
		);
		if (ret < 0)
			goto err_deliver;
		// The peer's indices are not there yet; session_set_open fills them in.
		fog_ring_tx_make(
		        &set->rings[made].deliver, half_producer(&set->deliver_mem[made]), NULL,
		        FOG_RING_DELIVER, p->deliver_slots, deliver_slot
		);
	}
	fog_ring_tx_make(
	        &set->evt, half_producer(&set->evt_mem), NULL, FOG_RING_EVT, SESSION_EVT_SLOTS,
	        evt_slot
	);
	*out = set;
	return 0;
err_deliver:
	fog_sock_close_fds(deliver_fd, made);
	close(*evt_fd);
err:
	session_set_free(s, set);
	return ret;
}

static int set_open_worker(struct fog_session *s, struct session_set *set, unsigned w, int fd)
{
	const struct fog_session_params *p = &s->params;
	const struct fog_control_page *page = set->cmd_mem.addr;
	struct fog_worker_rings *r = &set->rings[w];
	uint32_t slot = fog_ring_slot_size(p->inject_len);
	struct fog_shm *m = &set->inject_mem[w];
	int ret;

	ret = fog_shm_map(fd, FOG_SEALS_CONTROL, fog_ring_bytes(p->inject_slots, slot), m);
	if (ret < 0)
		return ret;
	r->deliver.peer = &page->deliver[w];
	r->doorbell_fd = s->doorbell[1];
	r->wake_fd = s->wake_rd[w];
	return fog_ring_rx_open(
	        &r->inject, m->addr, set->deliver_mem[w].addr, FOG_RING_INJECT, p->inject_slots,
	        slot
	);
}

int session_set_open(struct fog_session *s, struct session_set *set, const int *fds)
{
	uint32_t cmd_slot = fog_ring_slot_size(sizeof(struct fog_cmd));
	size_t cmd_bytes = sizeof(struct fog_control_page) +
	        fog_ring_bytes(SESSION_CMD_SLOTS, cmd_slot);
	const struct fog_control_page *page;
	int ret;

	ret = fog_shm_map(fds[0], FOG_SEALS_CONTROL, cmd_bytes, &set->cmd_mem);
	if (ret < 0)
		return ret;
	page = set->cmd_mem.addr;
	set->evt.peer = &page->evt;
	ret = fog_ring_rx_open(
	        &set->cmd, page + 1, set->evt_mem.addr, FOG_RING_CMD, SESSION_CMD_SLOTS, cmd_slot
	);
	for (unsigned w = 0; ret == 0 && w < s->params.worker_count; w++)
		ret = set_open_worker(s, set, w, fds[1 + w]);
	return ret;
}

void session_set_free(struct fog_session *s, struct session_set *set)
{
	if (set == NULL)
		return;
	fog_shm_unmap(&set->evt_mem);
	fog_shm_unmap(&set->cmd_mem);
	for (unsigned w = 0; w < s->params.worker_count; w++) {
		fog_shm_unmap(&set->deliver_mem[w]);
		fog_shm_unmap(&set->inject_mem[w]);
	}
	free(set);
}

void fog_session_rings_free(struct fog_session *s, struct fog_worker_rings *rings)
{
	for (struct session_set **at = &s->sets; rings != NULL && *at != NULL; at = &(*at)->next) {
		struct session_set *set = *at;
		if (set->rings != rings)
			continue;
		if (s->live_set == set)
			session_close(s, s->live, "its rings were taken down", false);
		*at = set->next;
		session_set_free(s, set);
		return;
	}
}

uint32_t fog_session_carry_start(const struct fog_ring_tx *old)
{
	uint32_t head = atomic_load_explicit(&old->shared->head, memory_order_acquire);
	uint32_t tail = atomic_load_explicit(&old->peer->tail, memory_order_acquire);

	return head - tail > old->mask + 1 ? head - (old->mask + 1) : tail;
}

// Copy slot 'from' into the space at 'to'. Returns the index of the next slot to look at, which is
// from + 1 with *h valid when the copy counts.
static uint32_t carry_slot(
        const struct fog_ring_tx *old, uint32_t from, uint32_t upto, uint8_t *to, size_t room,
        struct fog_slot_header *h
)
{
	const uint8_t *slot = old->slots + (size_t)(from & old->mask) * old->slot_size;

	memcpy(h, slot, sizeof(*h));
	if (h->len <= old->slot_size - sizeof(*h) && h->len <= room)
		memcpy(to, slot + sizeof(*h), h->len);
	else
		h->type = 0;
	// A peer that still reads may have given the slot back, and the worker may have reused it
	// under our hands; then the copy is worthless and not needed either.
	atomic_thread_fence(memory_order_acquire);
	uint32_t tail = atomic_load_explicit(&old->peer->tail, memory_order_relaxed);
	uint32_t given = tail - from;
	if (given == 0 || given > upto - from)
		return from + 1;
	h->type = 0;
	return tail;
}

int fog_session_carry(
        const struct fog_ring_tx *old, uint32_t *from, uint32_t upto, struct fog_ring_tx *fresh
)
{
	int err = 0;

	while (*from != upto) {
		struct fog_slot_header h;
		uint8_t *to = fog_ring_reserve(fresh, &err);
		if (to == NULL) {
			err = -ENOBUFS; // also when the new peer's index is impossible: nothing fits
			break;
		}
		*from = carry_slot(old, *from, upto, to, fresh->slot_size - sizeof(h), &h);
		if (h.type == 0) // given back, or never written (the old peer's index was a lie)
			continue;
		fresh->seq = h.seq;
		fog_ring_commit(fresh, h.type, h.len);
	}
	fresh->seq = atomic_load_explicit(&old->shared->seq, memory_order_relaxed);
	atomic_store_explicit(&fresh->shared->seq, fresh->seq, memory_order_relaxed);
	return err;
}
