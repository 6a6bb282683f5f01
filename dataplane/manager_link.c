// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "manager_link.h"

#include <errno.h>
#include <rte_cycles.h>
#include <sodium.h>
#include <string.h>

#include "link/table.h"
#include "log.h"
#include "manager.h"
#include "manager_conf.h"

static uint64_t stats_next(void)
{
	return rte_rdtsc() + rte_get_tsc_hz();
}

int manager_link_open(struct fog_manager *m, const struct fog_blob_launch *launch)
{
	struct manager_link *k = &m->links;

	if (launch->links != FOG_LINKS_NOISE)
		return 0;
	k->table = fog_link_table_create(m->crypto, launch->worker_count, m->stats->tsc_hz);
	k->stats_at = stats_next();
	if (k->table != NULL)
		return 0;
	LOG_ERR("no memory for the table of links: give the host more");
	return -ENOMEM;
}

void manager_link_close(struct fog_manager *m)
{
	fog_link_table_destroy(m->links.table);
	m->links.table = NULL;
}

static struct fog_link *slot_link(const struct fog_manager *m, unsigned slot)
{
	return atomic_load_explicit(&m->links.table->slot[slot], memory_order_relaxed);
}

// rx_ns is the last look that found more frames than the one before.
static void rx_look(struct fog_link *l, uint64_t now_ns)
{
	uint64_t rx = fog_link_rx_sum(l);

	if (rx != l->rx_seen)
		l->rx_ns = now_ns;
	l->rx_seen = rx;
}

static void link_stats_fill(struct fog_link *l, uint64_t now_ns)
{
	struct fog_link_stats *out = &l->row;

	rx_look(l, now_ns);
	out->state = l->state;
	out->class = l->class;
	out->rx_index = l->rx_index;
	out->tx_index = l->tx_index;
	memcpy(out->node_id, l->node_id, sizeof(out->node_id));
	memcpy(out->static_key, l->static_key, sizeof(out->static_key));
	fog_link_place(l, &out->ip, &out->port);
	out->rx_count = l->rx_count;
	out->installed_ns = l->installed_ns;
	out->rx = l->rx_seen;
	out->tx = fog_link_tx_sum(l);
	out->rx_ns = l->rx_ns;
}

// Whether a slot's session came, went or has another state than the statistics say; or is there, with 'all'.
static bool slot_due(const struct fog_link *l, const struct fog_link_stats *shown, bool all)
{
	if (l == NULL)
		return shown->state != FOG_LINK_FREE;
	return all || l->state != shown->state || l->rx_index != shown->rx_index;
}

// What has changed, or all that is in use. Readers see it as a whole: of a node one session is sent with.
static void stats_publish(struct fog_manager *m, bool all)
{
	static const struct fog_link_stats none;
	uint64_t now_ns = manager_host_now_ms() * 1000000u;

	// Adding up what the workers count takes long: readers wait for copies only.
	for (unsigned i = 0; i < FOG_LINK_SLOTS; i++) {
		struct fog_link *l = slot_link(m, i);
		if (l != NULL && slot_due(l, &m->stats->link[i], all))
			link_stats_fill(l, now_ns);
	}
	fog_stats_begin(&m->stats->link_sequence);
	for (unsigned i = 0; i < FOG_LINK_SLOTS; i++) {
		const struct fog_link *l = slot_link(m, i);
		if (slot_due(l, &m->stats->link[i], all))
			m->stats->link[i] = l != NULL ? l->row : none;
	}
	fog_stats_end(&m->stats->link_sequence);
}

int manager_link_install(struct fog_manager *m, const struct fog_link_session *s)
{
	struct fog_link_table *t = m->links.table;
	uint16_t peer = FOG_LINK_NO_PEER;

	if (t == NULL)
		return -EINVAL;
	// The ID of zeros marks a free statistics slot, which would be the next node's.
	if (s->class == FOG_LINK_NODE && sodium_is_zero(s->node_id, sizeof(s->node_id)))
		return -EINVAL;
	if (s->class == FOG_LINK_NODE)
		peer = fog_conf_peer(m->peer, s->node_id);
	int ret = fog_link_install(t, s, peer);
	if (ret < 0)
		return ret;
	stats_publish(m, false);
	return 0;
}

static bool retire_link(void *object)
{
	fog_link_free(object);
	return false;
}

int manager_link_remove(struct fog_manager *m, uint32_t rx_index)
{
	struct fog_link *l = m->links.table != NULL ? fog_link_take(m->links.table, rx_index)
	                                            : NULL;

	if (l == NULL)
		return -ENOENT;
	manager_retire(m, retire_link, l);
	stats_publish(m, false);
	return 0;
}

// Told once, and only when somebody is there to hear it.
static void rekey_tell(struct fog_manager *m)
{
	for (unsigned i = 0; i < FOG_LINK_SLOTS; i++) {
		struct fog_link *l = slot_link(m, i);
		if (l == NULL || l->rekey_told || !fog_link_worn(l))
			continue;
		if (atomic_load_explicit(&m->stats->control_attached, memory_order_relaxed) == 0 ||
		    !fog_session_event_room(m->session))
			return;
		struct fog_evt evt = {.token = l->rx_index};
		fog_session_event(m->session, FOG_EVT_LINK_REKEY, &evt);
		l->rekey_told = true;
	}
}

void manager_link_poll(struct fog_manager *m, uint64_t now)
{
	struct manager_link *k = &m->links;

	if (k->table == NULL)
		return;
	bool changed = fog_link_table_switch(k->table), due = now >= k->stats_at;
	if (!changed && !due)
		return;
	rekey_tell(m);
	stats_publish(m, due);
	if (due)
		k->stats_at = stats_next();
}
