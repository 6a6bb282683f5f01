// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "manager_punt.h"

#include <errno.h>

#include "log.h"
#include "manager.h"
#include "manager_conf.h"
#include "manager_ring.h"
#include "punt.h"

int manager_punt_open(struct fog_manager *m, unsigned workers)
{
	struct manager_punt *p = &m->punt;
	bool made;

	if (m->links.table == NULL)
		return 0;
	p->letters = manager_ring_make("letters", 0, sizeof(struct fog_letter), FOG_LETTER_SLOTS);
	made = p->letters != NULL;
	for (unsigned i = 0; made && i < workers; i++) {
		p->punts[i] =
		        manager_ring_make("punts", i, sizeof(struct fog_link_punt), FOG_PUNT_SLOTS);
		made = p->punts[i] != NULL;
	}
	if (made)
		return 0;
	LOG_ERR("no memory for the queues of link messages: raise memory.mib");
	return -ENOMEM;
}

void manager_punt_close(struct fog_manager *m)
{
	for (unsigned i = 0; i < FOG_WORKERS_MAX; i++)
		rte_ring_free(m->punt.punts[i]); // accepts NULL
	rte_ring_free(m->punt.letters);
	m->punt = (struct manager_punt){0};
}

// Returns whether there was anything.
static bool punt_one(struct fog_manager *m, struct rte_ring *from)
{
	struct fog_link_punt punt;

	if (rte_ring_sc_dequeue_elem(from, &punt, sizeof(punt)) < 0)
		return false;
	(void)fog_session_punt(m->session, &punt); // without a control plane it is counted and gone
	return true;
}

// From all workers in turn, so that none of them has the room to itself.
void manager_punt_poll(struct fog_manager *m)
{
	struct manager_punt *p = &m->punt;
	unsigned empty = 0;

	if (p->letters == NULL)
		return;
	for (unsigned n = 0; n < m->worker_count * FOG_PUNT_SLOTS && empty < m->worker_count; n++) {
		if (!fog_session_punt_room(m->session))
			return;
		empty = punt_one(m, p->punts[p->next]) ? 0 : empty + 1;
		p->next = p->next + 1 < m->worker_count ? p->next + 1 : 0;
	}
}

// The way to an address of nobody whom the configuration knows. Returns whether there is one.
static bool letter_way(
        struct fog_manager *m, struct fog_next_hop *to, const struct fog_ip *ip, uint16_t port
)
{
	const struct fog_resolver resolver = manager_resolver(m);

	*to = (struct fog_next_hop){
	        .ip = *ip,
	        .udp_port = port,
	        .peer = FOG_PEER_NONE,
	        .source_port =
	                m->blob->launch.mix_port, // the one that a firewall on the way has seen
	};
	struct fog_way way = fog_resolve(&resolver, &m->blob->run, ip, manager_host_now_ms());
	if (!way.resolved)
		return false;
	to->port = way.port;
	to->routed = 1;
	fog_conf_header(
	        to, m->ports[way.port], way.mac, &way.source, to->source_port, m->payload_len
	);
	return true;
}

// Where a handshake message goes. Returns whether it can.
static bool letter_address(struct fog_manager *m, struct fog_letter *letter)
{
	const struct fog_link_send *s = &letter->send;
	struct fog_next_hop *to = &letter->to;
	int node = fog_conf_find_ip(m->conf, &s->ip);

	if (node >= 0) {
		*to = m->conf->node[node];
		to->source_port = m->blob->launch.mix_port; // a cookie is good for one port
		return to->resolved;
	}
	return letter_way(m, to, &s->ip, s->port);
}

// A client is where it was last heard; the way to a node is the worker's to find.
static void letter_client(struct fog_manager *m, struct fog_letter *letter)
{
	const struct fog_link *link = fog_link_find(m->links.table, letter->send.rx_index);
	struct fog_ip ip;
	uint16_t port;

	if (link == NULL || link->class != FOG_LINK_CLIENT || m->conf == NULL)
		return;
	letter->client = 1;
	fog_link_place(link, &ip, &port);
	// Without one the worker counts it.
	(void)letter_way(m, &letter->to, &ip, port);
}

bool manager_link_room(void *ctx)
{
	const struct fog_manager *m = ctx;

	return m->punt.letters == NULL || rte_ring_free_count(m->punt.letters) > 0;
}

void manager_on_link_send(void *ctx, const struct fog_link_send *send)
{
	struct fog_manager *m = ctx;
	struct fog_letter letter = {.send = *send};
	bool data = send->type == FOG_FRAME_DATA;

	if (m->punt.letters == NULL || (data && send->len > fog_notice_room(m->geo.packet_len)))
		return;
	if (data)
		letter_client(m, &letter);
	if (!data && (m->conf == NULL || !letter_address(m, &letter))) {
		LOG_LIMITED(LOG_DEBUG, "no port or neighbour leads to the receiver of a handshake");
		return;
	}
	if (rte_ring_sp_enqueue_elem(m->punt.letters, &letter, sizeof(letter)) < 0)
		LOG_LIMITED(
		        LOG_WARN, "worker 0 takes link messages too slowly: they are sent again"
		);
	fog_session_wake(m->session, 0);
}
