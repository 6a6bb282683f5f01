// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The rings of dpclient: made, emptied, and kept after their data plane is gone until nothing is
// left in them.
//
// Why nothing is lost and nothing comes twice: deliver rings of an earlier connection are emptied
// until our new rings are offered (RINGS); from then on their indices stand still, so that a data
// plane that is still the same carries over exactly the rest, and ATTACHED lets us drop them. Should
// it die before ATTACHED, the newer rings hold all that is left in the older ones and perhaps more:
// both are emptied, oldest first, and the numbers tell what came already. A data plane with another
// boot_id knows nothing of the old rings, and they are emptied to the end.
// Packets in old inject rings: a living worker empties them before it switches; those of a dead
// data plane are handed on to the next one.
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "../log/log.h"
#include "dpclient_internal.h"

static bool ring_size_good(uint32_t slots, uint32_t slot_size, size_t least)
{
	return slots > 0 && (slots & (slots - 1)) == 0 && slots <= DPCLIENT_SLOTS_MAX &&
	        slot_size % 16 == 0 && slot_size <= DPCLIENT_SLOT_SIZE_MAX &&
	        slot_size >= sizeof(struct fog_slot_header) + least;
}

static const char *welcome_check(const struct fog_msg_welcome *m, const int *fds, unsigned nfds)
{
	struct stat st;

	if (m->worker_count == 0 || m->worker_count > FOG_WORKERS_MAX ||
	    nfds != 3 + 2 * m->worker_count || m->stats_size != fog_stats_bytes(m->worker_count))
		return "its WELCOME makes no sense: install both planes from the same build";
	if (!ring_size_good(m->deliver_slots, m->deliver_slot_size, sizeof(struct fog_deliver)) ||
	    !ring_size_good(m->inject_slots, m->inject_slot_size, sizeof(struct fog_inject)) ||
	    !ring_size_good(m->cmd_slots, m->cmd_slot_size, sizeof(struct fog_cmd)) ||
	    !ring_size_good(m->evt_slots, m->evt_slot_size, FOG_EVT_LEN_MAX))
		return "its rings have impossible sizes";
	for (unsigned i = 2; i < nfds; i++) {
		bool bell = i == 2 || i >= 3 + m->worker_count;
		if (bell && (fstat(fds[i], &st) < 0 || !S_ISFIFO(st.st_mode)))
			return "its bells are no pipes";
	}
	return NULL;
}

static struct dpclient_boot *boot_get(struct fog_dpclient *c, const uint8_t id[16])
{
	struct dpclient_boot *b = NULL;

	for (struct dpclient_set *s = c->old; s != NULL; s = s->next)
		if (memcmp(s->boot->id, id, sizeof(b->id)) == 0)
			b = s->boot;
	if (b == NULL && (b = calloc(1, sizeof(*b))) != NULL)
		memcpy(b->id, id, sizeof(b->id));
	if (b != NULL)
		b->refs++;
	return b;
}

void dpclient_mapping_put(struct dpclient_mapping *m)
{
	if (m == NULL || --m->refs > 0)
		return;
	fog_shm_unmap(&m->mem);
	free(m);
}

static int stats_open(struct dpclient_set *s, const struct fog_msg_welcome *m, int fd)
{
	struct fog_stats *head;

	s->stats = calloc(1, sizeof(*s->stats));
	if (s->stats == NULL)
		return -ENOMEM;
	s->stats->refs = 1;
	int ret = fog_shm_map(fd, FOG_SEALS_DATA, fog_stats_bytes(m->worker_count), &s->stats->mem);
	if (ret < 0)
		return ret;
	head = s->stats->mem.addr;
	s->geometry = (struct fog_dpclient_geometry){head->slots, head->payload_len};
	return head->magic == FOG_ABI_MAGIC && head->abi == FOG_ABI &&
	                head->worker_count == m->worker_count &&
	                head->worker_size == sizeof(struct fog_stats_worker)
	        ? 0
	        : -EPROTO;
}

// The peer's half: evt and deliver, each with the index of the ring in the other direction.
static int peer_open(struct dpclient_set *s, const struct fog_msg_welcome *m, const int *fds)
{
	size_t index = sizeof(struct fog_ring_consumer);
	int ret = stats_open(s, m, fds[0]);

	if (ret == 0)
		ret = fog_shm_map(
		        fds[1], FOG_SEALS_DATA,
		        index + fog_ring_bytes(m->evt_slots, m->evt_slot_size), &s->evt_mem
		);
	for (unsigned w = 0; ret == 0 && w < m->worker_count; w++)
		ret = fog_shm_map(
		        fds[3 + w], FOG_SEALS_DATA,
		        index + fog_ring_bytes(m->deliver_slots, m->deliver_slot_size),
		        &s->deliver_mem[w]
		);
	return ret;
}

// Our half; ours[0] and ours[1 + w] become descriptors as far as *made says.
static int own_make(
        struct dpclient_set *s, const struct fog_msg_welcome *m, int *ours, unsigned *made
)
{
	size_t cmd = sizeof(struct fog_control_page) +
	        fog_ring_bytes(m->cmd_slots, m->cmd_slot_size);
	size_t inject = fog_ring_bytes(m->inject_slots, m->inject_slot_size);
	struct fog_control_page *page;
	int ret;

	ret = fog_shm_create("fog-cmd", cmd, FOG_SEALS_CONTROL, &s->cmd_mem, &ours[0]);
	if (ret < 0)
		return ret;
	*made = 1;
	page = s->cmd_mem.addr;
	fog_ring_tx_make(
	        &s->cmd, page + 1, s->evt_mem.addr, FOG_RING_CMD, m->cmd_slots, m->cmd_slot_size
	);
	for (unsigned w = 0; w < m->worker_count; w++) {
		struct fog_shm *mem = &s->inject_mem[w];
		ret = fog_shm_create("fog-inject", inject, FOG_SEALS_CONTROL, mem, &ours[1 + w]);
		if (ret < 0)
			return ret;
		++*made;
		fog_ring_tx_make(
		        &s->inject[w], mem->addr, s->deliver_mem[w].addr, FOG_RING_INJECT,
		        m->inject_slots, m->inject_slot_size
		);
	}
	return 0;
}

static int consumers_open(struct dpclient_set *s, const struct fog_msg_welcome *m)
{
	struct fog_control_page *page = s->cmd_mem.addr;
	const struct fog_ring_consumer *half = s->evt_mem.addr;
	int ret;

	ret = fog_ring_rx_open(
	        &s->evt, half + 1, &page->evt, FOG_RING_EVT, m->evt_slots, m->evt_slot_size
	);
	for (unsigned w = 0; ret == 0 && w < m->worker_count; w++) {
		half = s->deliver_mem[w].addr;
		ret = fog_ring_rx_open(
		        &s->deliver[w], half + 1, &page->deliver[w], FOG_RING_DELIVER,
		        m->deliver_slots, m->deliver_slot_size
		);
	}
	return ret;
}

int dpclient_set_create(
        struct fog_dpclient *c, const struct fog_msg_welcome *m, int *fds, unsigned nfds,
        struct dpclient_set **out, int *ours, const char **why
)
{
	unsigned made = 0;
	int ret;

	*why = welcome_check(m, fds, nfds);
	if (*why != NULL)
		return -EPROTO;
	*why = "its shared memory is not of the agreed sizes, seals and headers";
	struct dpclient_set *s = calloc(1, sizeof(*s));
	if (s == NULL)
		return -ENOMEM;
	s->workers = m->worker_count;
	s->doorbell_fd = fds[2];
	memcpy(s->wake_fd, fds + 3 + s->workers, s->workers * sizeof(int));
	fds[2] = -1;
	for (unsigned w = 0; w < s->workers; w++)
		fds[3 + s->workers + w] = -1;
	s->boot = boot_get(c, m->boot_id);
	ret = s->boot == NULL ? -ENOMEM : peer_open(s, m, fds);
	if (ret == 0)
		ret = own_make(s, m, ours, &made);
	if (ret == 0)
		ret = consumers_open(s, m);
	if (ret < 0) {
		fog_sock_close_fds(ours, made);
		dpclient_set_free(c, s);
		return ret;
	}
	*out = s;
	return 0;
}

void dpclient_set_free(struct fog_dpclient *c, struct dpclient_set *s)
{
	if (s == NULL)
		return;
	pthread_mutex_lock(&c->lock);
	dpclient_mapping_put(s->stats);
	pthread_mutex_unlock(&c->lock);
	if (s->boot != NULL && --s->boot->refs == 0)
		free(s->boot);
	fog_shm_unmap(&s->evt_mem);
	fog_shm_unmap(&s->cmd_mem);
	for (unsigned w = 0; w < s->workers; w++) {
		fog_shm_unmap(&s->deliver_mem[w]);
		fog_shm_unmap(&s->inject_mem[w]);
		close(s->wake_fd[w]);
	}
	close(s->doorbell_fd);
	free(s);
}

// Packets that nobody has taken out of ring 'w'; more than it holds when the peer's index is a lie.
static uint32_t inject_left(const struct dpclient_set *s, unsigned w)
{
	const struct fog_ring_tx *r = &s->inject[w];

	return s->moving ? r->head - s->inject_from[w]
	                 : r->head - atomic_load_explicit(&r->peer->tail, memory_order_acquire);
}

void dpclient_inject_give_up(struct fog_dpclient *c, struct dpclient_set *s)
{
	uint64_t lost = 0;

	for (unsigned w = 0; w < s->workers; w++) {
		uint32_t left = inject_left(s, w), most = s->inject[w].mask + 1;
		lost += left < most ? left : most;
		s->inject_from[w] = s->inject[w].head;
	}
	s->moving = true;
	if (lost == 0)
		return;
	pthread_mutex_lock(&c->lock);
	c->status.inject_lost += lost;
	pthread_mutex_unlock(&c->lock);
	LOG_WARN(
	        "%llu packets that the data plane had accepted were not sent; "
	        "their senders have to repeat them",
	        (unsigned long long)lost
	);
}

void dpclient_set_retire(struct fog_dpclient *c, struct dpclient_set *s)
{
	struct dpclient_set **at = &c->old;
	unsigned n = 0;

	for (; *at != NULL; at = &(*at)->next)
		n++;
	s->next = NULL;
	*at = s;
	if (n < DPCLIENT_OLD_MAX)
		return;
	struct dpclient_set *oldest = c->old;
	c->old = oldest->next;
	dpclient_inject_give_up(c, oldest);
	LOG_WARN(
	        "the rings of %u data planes wait for a store that "
	        "takes nothing; the oldest one is given up",
	        n
	);
	dpclient_set_free(c, oldest);
}

void dpclient_sets_superseded(struct fog_dpclient *c)
{
	for (struct dpclient_set *s = c->old; s != NULL; s = s->next) {
		if (s->boot != c->live->boot)
			continue;
		for (unsigned w = 0; w < s->workers; w++)
			s->deliver_done[w] = true;
		if (s->leave_ms == 0)
			s->leave_ms = fog_now_ms() + DPCLIENT_LEAVE_MS;
	}
}

// Hand one message on. Returns 1 when it is done with, 0 when it has to wait, -EPROTO.
static int message_take(struct fog_dpclient *c, struct dpclient_set *s, unsigned w)
{
	struct fog_slot_header h;
	struct fog_deliver d;
	uint64_t *last = &s->boot->last[w];

	memcpy(&h, c->slot, sizeof(h));
	memcpy(&d, c->slot + sizeof(h), sizeof(d));
	if (h.type != FOG_DELIVER_PACKET || h.len < sizeof(d) || d.data_len != h.len - sizeof(d) ||
	    h.seq == 0)
		return -EPROTO;
	if (h.seq <= *last)
		return 1;
	c->giving = s;
	if (c->ops.delivered != NULL &&
	    c->ops.delivered(c->ctx, w, s->boot->id, h.seq, &d, c->slot + sizeof(h) + sizeof(d)) <
	            0)
		return 0;
	pthread_mutex_lock(&c->lock);
	c->status.delivered++;
	// What came before the first message that this client saw, an earlier client has stored.
	if (*last != 0)
		c->status.deliver_missing += h.seq - *last - 1;
	pthread_mutex_unlock(&c->lock);
	*last = h.seq;
	return 1;
}

// Returns whether there is more to take right away.
static bool deliver_take(struct fog_dpclient *c, struct dpclient_set *s, unsigned w)
{
	for (int i = 0; i < DPCLIENT_BURST && !s->deliver_done[w]; i++) {
		int ret = fog_ring_peek(&s->deliver[w], c->slot);
		if (ret > 0)
			ret = message_take(c, s, w);
		if (ret == 0)
			return false;
		if (ret > 0) {
			fog_ring_advance(&s->deliver[w]);
			continue;
		}
		s->deliver_done[w] = true;
		if (s == c->live)
			dpclient_disconnect(c, "its deliver ring is faulty", true);
		return false;
	}
	return !s->deliver_done[w];
}

static bool trace_good(uint32_t type, const union fog_trace_entry *e)
{
	if (type == FOG_EVT_TRACE)
		return e->packet.worker < FOG_WORKERS_MAX && e->packet.drop < FOG_DROP_COUNT &&
		        e->packet.outcome >= FOG_TRACE_SENT &&
		        e->packet.outcome <= FOG_TRACE_PUNTED;
	return e->frame.worker < FOG_WORKERS_MAX && e->frame.port < FOG_PORTS_MAX &&
	        e->frame.drop < FOG_DROP_COUNT && e->frame.data_len <= FOG_CAPTURE_DATA &&
	        e->frame.data_len <= e->frame.frame_len &&
	        (e->frame.direction == FOG_CAPTURE_IN || e->frame.direction == FOG_CAPTURE_OUT);
}

// Take one event out of c->slot. Returns 0 or -EPROTO.
static int event_take(struct fog_dpclient *c)
{
	union fog_trace_entry trace;
	struct fog_link_punt punt;
	struct fog_slot_header h;
	struct fog_evt evt;

	memcpy(&h, c->slot, sizeof(h));
	if (h.type == FOG_EVT_PUNT) {
		if (h.len != sizeof(punt))
			return -EPROTO;
		memcpy(&punt, c->slot + sizeof(h), sizeof(punt));
		return dpclient_punt(c, &punt);
	}
	if (h.type == FOG_EVT_TRACE || h.type == FOG_EVT_CAPTURE) {
		if (h.len != sizeof(trace))
			return -EPROTO;
		memcpy(&trace, c->slot + sizeof(h), sizeof(trace));
		if (!trace_good(h.type, &trace))
			return -EPROTO;
		if (c->ops.trace != NULL)
			c->ops.trace(c->ctx, h.type, &trace);
		return 0;
	}
	if (h.len != sizeof(evt) || h.type < FOG_EVT_PONG || h.type > FOG_EVT_LAST)
		return -EPROTO;
	memcpy(&evt, c->slot + sizeof(h), sizeof(evt));
	if (c->ops.event != NULL)
		c->ops.event(c->ctx, h.type, &evt);
	return 0;
}

void dpclient_events_take(struct fog_dpclient *c, struct dpclient_set *s)
{
	for (int i = 0; i < DPCLIENT_BURST; i++) {
		int ret = fog_ring_peek(&s->evt, c->slot);
		if (ret == 0)
			return;
		if (ret > 0)
			fog_ring_advance(&s->evt); // what counts is the copy
		if (ret < 0 || event_take(c) < 0) {
			if (s == c->live)
				dpclient_disconnect(c, "its event ring is faulty", true);
			return;
		}
	}
}

static bool old_deliver_take(struct fog_dpclient *c, struct dpclient_set *s)
{
	bool more = false;

	// The data plane may be carrying these over right now: let their indices stand still.
	if (c->making != NULL && c->making->boot == s->boot)
		return false;
	for (unsigned w = 0; w < s->workers; w++)
		more |= deliver_take(c, s, w);
	return more;
}

static bool deliver_empty(const struct dpclient_set *s)
{
	for (unsigned w = 0; w < s->workers; w++)
		if (!s->deliver_done[w] && fog_ring_pending(&s->deliver[w]))
			return false;
	return true;
}

// From now on inject_from says what is left. What a lying index stood for can't be told from what
// was sent already, and a mix must not send a packet twice.
static void inject_move_start(struct fog_dpclient *c, struct dpclient_set *s)
{
	for (unsigned w = 0; w < s->workers && !s->moving; w++) {
		uint32_t left = inject_left(s, w);
		if (left > s->inject[w].mask + 1) {
			dpclient_inject_give_up(c, s);
			return;
		}
		s->inject_from[w] = s->inject[w].head - left;
	}
	s->moving = true;
}

// Copy one slot. Returns whether there was room for it. Cover is for the stock of the worker that it was
// given to, which is gone, and for nobody who waits: it ends here.
static bool inject_move_slot(const struct fog_ring_tx *from, uint32_t at, struct fog_ring_tx *to)
{
	const uint8_t *slot = from->slots + (size_t)(at & from->mask) * from->slot_size;
	struct fog_slot_header h;
	int err = 0;

	memcpy(&h, slot, sizeof(h)); // ours: nobody else can have written it
	if (h.type == FOG_INJECT_COVER)
		return true;
	uint8_t *out = fog_ring_reserve(to, &err);
	if (out == NULL)
		return false;
	memcpy(out, slot + sizeof(h), h.len);
	fog_ring_commit(to, h.type, h.len);
	return true;
}

// Hand the packets of a dead data plane on. Returns whether none is left.
static bool inject_move(struct fog_dpclient *c, struct dpclient_set *s)
{
	struct dpclient_set *live = c->live;
	uint32_t left = 0;

	inject_move_start(c, s);
	// Of another format: it would take the connection for faulty.
	if (live->inject[0].slot_size < s->inject[0].slot_size ||
	    memcmp(&live->geometry, &s->geometry, sizeof(s->geometry)) != 0) {
		dpclient_inject_give_up(c, s);
		return true;
	}
	pthread_mutex_lock(&c->lock);
	for (unsigned w = 0; w < s->workers; w++) {
		unsigned to = w % live->workers;
		while (s->inject_from[w] != s->inject[w].head &&
		       inject_move_slot(&s->inject[w], s->inject_from[w], &live->inject[to]))
			s->inject_from[w]++;
		left += inject_left(s, w);
		dpclient_wake(live, to);
	}
	pthread_mutex_unlock(&c->lock);
	return left == 0;
}

static bool inject_empty(struct fog_dpclient *c, struct dpclient_set *s)
{
	uint32_t left = 0;

	if (s->boot != c->live->boot)
		return (c->ops.hold == NULL || !c->ops.hold(c->ctx)) && inject_move(c, s);
	for (unsigned w = 0; w < s->workers; w++)
		left += inject_left(s, w);
	if (left > 0 && fog_now_ms() < s->leave_ms)
		return false;
	dpclient_inject_give_up(c, s);
	return true;
}

void dpclient_rings_process(struct fog_dpclient *c)
{
	bool more = false;

	for (struct dpclient_set **at = &c->old; *at != NULL;) {
		struct dpclient_set *s = *at;
		more |= old_deliver_take(c, s);
		if (c->live != NULL && deliver_empty(s) && inject_empty(c, s)) {
			*at = s->next;
			dpclient_set_free(c, s);
			continue;
		}
		at = &s->next;
	}
	struct dpclient_set *live = c->live;
	if (live != NULL)
		dpclient_events_take(c, live);
	for (unsigned w = 0; live != NULL && c->live == live && w < live->workers; w++)
		more |= deliver_take(c, live, w);
	if (more)
		dpclient_kick(c);
}
