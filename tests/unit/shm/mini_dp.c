// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The data plane's side of mini.h: a manager thread around the session, and workers that count.
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "mini.h"

static int on_config(void *ctx, const void *blob, size_t len, char *text, size_t text_len)
{
	struct mini_dp *dp = ctx;
	const struct fog_blob *b = blob;

	dp->record->configs++;
	if (len < sizeof(*b) || b->run.node_id[0] == 'x') {
		snprintf(text, text_len, "node x is refused: call it something else");
		return -EINVAL;
	}
	memcpy(dp->stats->checksum, b->checksum, 32);
	memcpy(dp->record->checksum, b->checksum, 32);
	dp->stats->generation = b->generation;
	return 0;
}

static void key_add(struct mini_dp *dp, const struct fog_msg_key *m)
{
	for (unsigned i = 0; i < FOG_MIX_KEYS_MAX; i++) {
		struct fog_stats_key *k = &dp->stats->key[i];
		if (k->replay_capacity != 0)
			continue;
		*k = (struct fog_stats_key){.epoch = m->epoch, .replay_capacity = 1};
		memcpy(k->public_key, m->public_key, 32);
		return;
	}
}

static int on_install(void *ctx, const struct fog_msg_key *m, char *text, size_t text_len)
{
	struct mini_dp *dp = ctx;

	if (dp->record->refuse_keys > 0) {
		dp->record->refuse_keys--;
		return -EBUSY;
	}
	if (dp->record->refuse_status != 0)
		return dp->record->refuse_status;
	memcpy(dp->record->key_private, m->private_key, 32);
	memcpy(dp->record->key_id, m->public_key, 32);
	memcpy(dp->record->key_delay, m->delay_key, 32);
	key_add(dp, m);
	dp->record->installs++;
	dp->key_held = dp->record->hold_keys != 0;
	return dp->key_held ? -EINPROGRESS : 0;
}

static bool key_kept(const struct fog_stats_key *k, const struct fog_msg_keys_keep *m)
{
	for (uint32_t i = 0; i < m->count; i++)
		if (k->epoch == m->epoch[i] && memcmp(k->public_key, m->public_key[i], 32) == 0)
			return true;
	return false;
}

static int on_keep(void *ctx, const struct fog_msg_keys_keep *m, char *text, size_t text_len)
{
	struct mini_dp *dp = ctx;

	for (unsigned i = 0; i < FOG_MIX_KEYS_MAX; i++) {
		struct fog_stats_key *k = &dp->stats->key[i];
		if (k->replay_capacity == 0 || (key_kept(k, m) && m->withhold == 0))
			continue;
		dp->record->destroys += !key_kept(k, m);
		*k = (struct fog_stats_key){0};
	}
	dp->record->kept = m->count;
	dp->record->withheld = m->withhold;
	dp->record->keeps++;
	return 0;
}

static void on_command(void *ctx, uint32_t type, const struct fog_cmd *cmd)
{
	struct mini_dp *dp = ctx;
	struct fog_evt evt = {.token = cmd->token};

	if (type == FOG_CMD_PING)
		fog_session_event(dp->session, FOG_EVT_PONG, &evt);
}

// Returns whether every worker uses the rings that it was given last.
static bool handover_poll(struct mini_dp *dp)
{
	for (unsigned w = 0; w < MINI_WORKERS; w++)
		if (dp->worker[w].next != NULL)
			return false;
	fog_session_rings_free(dp->session, dp->rings_old);
	dp->rings_old = NULL;
	return true;
}

static int on_attach(void *ctx, struct fog_worker_rings *rings)
{
	struct mini_dp *dp = ctx;

	while (!handover_poll(dp))
		mini_nap();
	for (unsigned w = 0; w < MINI_WORKERS; w++) {
		struct mini_handover *h = &dp->handover[w];
		*h = (struct mini_handover){.rings = &rings[w]};
		if (dp->rings != NULL) {
			const struct fog_ring_tx *old = &dp->rings[w].deliver;
			h->carried = fog_session_carry_start(old);
			fog_session_carry(
			        old, &h->carried, atomic_load(&old->shared->head), &rings[w].deliver
			);
		}
		dp->rings_faulty[w] = false;
		dp->worker[w].next = h;
	}
	dp->rings_old = dp->rings;
	dp->rings = rings;
	dp->record->attaches++;
	return 0;
}

static int on_link_install(void *ctx, const struct fog_link_session *s)
{
	struct mini_dp *dp = ctx;

	dp->record->link = *s;
	dp->record->link_installs++;
	return s->rx_index == MINI_LINK_REFUSED ? -EEXIST : 0;
}

static int on_link_remove(void *ctx, uint32_t rx_index)
{
	struct mini_dp *dp = ctx;

	dp->record->link_removes++;
	return rx_index == dp->record->link.rx_index ? 0 : -ENOENT;
}

// What is sent comes back as if a peer had sent it.
static void on_link_send(void *ctx, const struct fog_link_send *s)
{
	struct mini_dp *dp = ctx;
	struct fog_link_punt punt = {
	        .type = s->type,
	        .rx_index = s->rx_index,
	        .len = s->len,
	        .ip = s->ip,
	        .port = s->port};

	memcpy(punt.data, s->data, s->len);
	dp->record->link_sends++;
	if (fog_session_punt(dp->session, &punt) < 0)
		dp->record->faults++;
}

static void on_detach(void *ctx)
{
	struct mini_dp *dp = ctx;

	dp->record->detaches++;
}

static const struct fog_session_ops ops = {
        .config = on_config,
        .key_install = on_install,
        .keys_keep = on_keep,
        .command = on_command,
        .attach = on_attach,
        .detach = on_detach,
        .link_install = on_link_install,
        .link_remove = on_link_remove,
        .link_send = on_link_send,
};

static void worker_fault(struct mini_worker *w)
{
	if (!atomic_exchange(&w->dp->rings_faulty[w->index], true))
		w->dp->record->faults++;
}

static bool worker_inject(struct mini_worker *w)
{
	struct fog_slot_header h;
	struct fog_inject in;
	uint32_t number;
	int ret = fog_ring_peek(&w->rings->inject, w->slot);

	if (ret == 0)
		return false;
	memcpy(&h, w->slot, sizeof(h));
	memcpy(&in, w->slot + sizeof(h), sizeof(in));
	memcpy(&number, w->slot + sizeof(h) + sizeof(in), sizeof(number));
	if (ret < 0 || h.len != sizeof(in) + MINI_PACKET || in.data_len != MINI_PACKET ||
	    (h.type != FOG_INJECT_UNWRAP && h.type != FOG_INJECT_FORWARD)) {
		w->rings->inject_faulty = 1;
		worker_fault(w);
		return false;
	}
	if (h.type == FOG_INJECT_FORWARD)
		memcpy(w->dp->record->next_hop, in.next_hop, sizeof(in.next_hop));
	w->dp->record->packet[number % MINI_PACKETS]++;
	fog_ring_advance(&w->rings->inject);
	return true;
}

static bool worker_deliver(struct mini_worker *w)
{
	struct fog_deliver d = {.flags = FOG_DELIVER_RECIPIENT, .data_len = MINI_DATA};
	_Atomic uint64_t *made = &w->dp->record->made[w->index];
	uint64_t number = *made + 1, one = 1;
	int err = 0;

	if (*made >= w->goal)
		return false;
	uint8_t *slot = fog_ring_reserve(&w->rings->deliver, &err);
	if (slot == NULL) {
		if (err == -EPROTO) {
			w->rings->deliver_faulty = 1;
			worker_fault(w);
		}
		return false;
	}
	memcpy(slot, &d, sizeof(d));
	for (unsigned i = 0; i < MINI_DATA; i += sizeof(number))
		memcpy(slot + sizeof(d) + i, &number, sizeof(number));
	fog_ring_commit(&w->rings->deliver, FOG_DELIVER_PACKET, sizeof(d) + MINI_DATA);
	*made = number;
	if (write(w->rings->doorbell_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		worker_fault(w);
	return true;
}

static void worker_switch(struct mini_worker *w)
{
	struct mini_handover *h = w->next;

	if (h == NULL)
		return;
	if (w->rings != NULL) {
		while (!w->rings->inject_faulty && !w->dp->inject_off && worker_inject(w))
			;
		const struct fog_ring_tx *old = &w->rings->deliver;
		fog_session_carry(old, &h->carried, old->head, &h->rings->deliver);
	}
	w->rings = h->rings;
	w->next = NULL;
}

static void *worker_run(void *arg)
{
	struct mini_worker *w = arg;

	while (!w->dp->stop) {
		bool worked = false;
		worker_switch(w);
		if (w->rings != NULL && !w->rings->inject_faulty && !w->dp->inject_off)
			worked |= worker_inject(w);
		if (w->rings != NULL && !w->rings->deliver_faulty)
			worked |= worker_deliver(w);
		if (!worked)
			mini_nap();
	}
	return NULL;
}

static void *manager_run(void *arg)
{
	struct mini_dp *dp = arg;
	struct pollfd p = {.fd = fog_session_fd(dp->session), .events = POLLIN};

	while (!dp->stop) {
		poll(&p, 1, 1);
		atomic_fetch_add(&dp->stats->heartbeat, 1);
		fog_session_process(dp->session);
		if (dp->key_held && dp->record->hold_keys == 0) {
			dp->key_held = false;
			fog_session_key_done(dp->session, 0, "");
		}
		handover_poll(dp);
		unsigned fault = atomic_exchange(&dp->fault, 0);
		if (fault > 0)
			fog_session_fault(dp->session, fault - 1);
		for (unsigned w = 0; w < MINI_WORKERS; w++)
			if (atomic_exchange(&dp->rings_faulty[w], false))
				fog_session_fault(dp->session, w);
		dp->record->events_dropped = dp->stats->events_dropped;
		dp->record->control_faults = dp->stats->control_faults;
		dp->record->age_ms = fog_session_control_age_ms(dp->session);
	}
	return NULL;
}

struct fog_session_params mini_params(const char *path, uint32_t uid)
{
	return (struct fog_session_params){
	        .socket_path = path,
	        .allowed_uid = uid,
	        .group_gid = uid,
	        .worker_count = MINI_WORKERS,
	        .deliver_slots = MINI_SLOTS,
	        .deliver_len = sizeof(struct fog_deliver) + MINI_DATA,
	        .inject_slots = MINI_SLOTS,
	        .inject_len = sizeof(struct fog_inject) + MINI_PACKET,
	        .build = "mini",
	};
}

int mini_dp_start(
        struct mini_dp *dp, const char *path, uint32_t uid, struct mini_record *record,
        uint64_t goal
)
{
	struct fog_session_params params = mini_params(path, uid);

	memset(dp, 0, sizeof(*dp));
	dp->record = record;
	int ret = fog_session_create(&params, &ops, dp, &dp->session, &dp->stats);
	if (ret < 0)
		return ret;
	for (unsigned w = 0; w < MINI_WORKERS; w++) {
		dp->worker[w].dp = dp;
		dp->worker[w].index = w;
		dp->worker[w].goal = goal;
		record->made[w] = 0;
		pthread_create(&dp->worker[w].thread, NULL, worker_run, &dp->worker[w]);
	}
	pthread_create(&dp->manager, NULL, manager_run, dp);
	return 0;
}

void mini_dp_stop(struct mini_dp *dp)
{
	dp->stop = true;
	pthread_join(dp->manager, NULL);
	for (unsigned w = 0; w < MINI_WORKERS; w++)
		pthread_join(dp->worker[w].thread, NULL);
	fog_session_destroy(dp->session);
}
