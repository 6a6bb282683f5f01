// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "manager_host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <time.h>

#include "frame.h"
#include "log.h"
#include "manager.h"
#include "manager_ring.h"
#include "neighbours.h"
#include "question.h"

enum {
	HEARD_SLOTS = 256, // per worker
	ERRAND_SLOTS = 256,
	ANNOUNCEMENTS = 2, // RFC 5227 section 2.3, and not more than RFC 4861 section 7.2.6 allows
	ANNOUNCE_EVERY_MS = 2000,
	// Queriers are not answered, so it is often enough for those that ask every 10 s
	// (RFC 3810 section 9: forgotten after two of their questions and 10 s).
	LISTEN_EVERY_MS = 20000,
	DEFEND_EVERY_MS = 10000, // RFC 5227 section 2.4
};

static const uint8_t everybody[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
static const uint8_t nobody[6];

uint64_t manager_host_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

int manager_host_open(struct fog_manager *m, unsigned workers)
{
	struct manager_host *h = &m->host;
	bool bare = false;

	for (unsigned i = 0; i < m->port_count; i++)
		bare |= m->ports[i]->bare;
	if (!bare)
		return 0;
	if (fog_neighbours_create(&h->neighbours) < 0)
		goto err;
	h->errands = manager_ring_make("errands", 0, sizeof(struct fog_errand), ERRAND_SLOTS);
	if (h->errands == NULL)
		goto err;
	for (unsigned i = 0; i < workers; i++)
		if ((h->heard[i] = manager_ring_make(
		             "heard", i, sizeof(struct fog_heard), HEARD_SLOTS
		     )) == NULL)
			goto err;
	for (unsigned i = 0; i < m->port_count; i++)
		manager_host_announce(m, i);
	return 0;
err:
	LOG_ERR("no memory for the table of neighbours: raise memory.mib");
	return -ENOMEM;
}

void manager_host_close(struct fog_manager *m)
{
	struct manager_host *h = &m->host;

	for (unsigned i = 0; i < FOG_WORKERS_MAX; i++)
		rte_ring_free(h->heard[i]); // accepts NULL
	rte_ring_free(h->errands);
	fog_neighbours_destroy(h->neighbours);
	*h = (struct manager_host){0};
}

static int errand_put(struct fog_manager *m, struct fog_errand *errand)
{
	return rte_ring_sp_enqueue_elem(m->host.errands, errand, sizeof(*errand)) < 0 ? -EAGAIN : 0;
}

static const struct fog_ip *own_address(const struct fog_port *port, uint8_t family)
{
	for (unsigned i = 0; i < port->address_count; i++)
		if (port->address[i].family == family)
			return &port->address[i];
	return NULL;
}

// Ask from the address that shares the link with the one asked for, where prefixes tell.
static const struct fog_ip *arp_source(const struct fog_port *port, const struct fog_ip *to)
{
	const struct fog_ip *found = own_address(port, 4);
	uint32_t us, them;

	memcpy(&them, to->addr, 4);
	for (unsigned i = 0; i < port->address_count; i++) {
		if (port->address[i].family != 4 || port->prefix[i] == 0)
			continue;
		memcpy(&us, port->address[i].addr, 4);
		if ((ntohl(us) ^ ntohl(them)) >> (32 - port->prefix[i]) == 0)
			found = &port->address[i];
	}
	return found;
}

static int host_ask(void *ctx, uint16_t port, const struct fog_ip *ip, const uint8_t *mac)
{
	struct fog_manager *m = ctx;
	struct fog_errand errand = {.port = port};
	const struct fog_port *p = m->ports[port];
	const struct fog_ip *source = ip->family == 4 ? arp_source(p, ip) : &p->link_local;

	if (source == NULL || source->family == 0)
		return 0; // the resolver finds no source address either
	if (ip->family == 4)
		errand.len = (uint16_t)fog_frame_arp(
		        errand.frame, p, FOG_ARP_REQUEST, mac != NULL ? mac : everybody, source,
		        nobody, ip
		);
	else
		errand.len = (uint16_t)fog_frame_solicit(errand.frame, p, ip, mac);
	return errand_put(m, &errand);
}

// ARP: a request for our own address (RFC 5227 section 3); IPv6: an unsolicited advertisement.
static void announce_address(struct fog_manager *m, unsigned port, const struct fog_ip *ip)
{
	struct fog_errand errand = {.port = (uint16_t)port};
	const struct fog_port *p = m->ports[port];

	if (ip->family == 4)
		errand.len = (uint16_t
		)fog_frame_arp(errand.frame, p, FOG_ARP_REQUEST, everybody, ip, nobody, ip);
	else
		errand.len = (uint16_t)fog_frame_advertise(errand.frame, p, ip, NULL, NULL);
	errand_put(m, &errand); // a full ring: the second announcement makes up for it
}

// Without this a switch that snoops lets no question for our addresses through to us.
static void listen_address(struct fog_manager *m, unsigned port, const struct fog_ip *ip)
{
	struct fog_errand errand = {.port = (uint16_t)port};
	const struct fog_port *p = m->ports[port];

	if (ip->family != 6)
		return;
	errand.len = (uint16_t)fog_frame_listen(errand.frame, p, ip);
	errand_put(m, &errand); // a full ring: the next time makes up for it
}

static void listen_port(struct fog_manager *m, unsigned port)
{
	const struct fog_port *p = m->ports[port];

	if (!p->bare)
		return;
	listen_address(m, port, &p->link_local); // family 0 when the port speaks no IPv6
	for (unsigned i = 0; i < p->address_count; i++)
		if (memcmp(&p->address[i], &p->link_local, sizeof(p->link_local)) != 0)
			listen_address(m, port, &p->address[i]);
}

static void listen_due(struct fog_manager *m, uint64_t now_ms)
{
	if (now_ms < m->host.listen_due_ms)
		return;
	for (unsigned i = 0; i < m->port_count; i++)
		listen_port(m, i);
	m->host.listen_due_ms = now_ms + LISTEN_EVERY_MS;
}

static void announce_port(struct fog_manager *m, unsigned port)
{
	const struct fog_port *p = m->ports[port];
	bool named = false; // the link-local address is one of the configured

	for (unsigned i = 0; i < p->address_count; i++) {
		announce_address(m, port, &p->address[i]);
		named |= memcmp(&p->address[i], &p->link_local, sizeof(p->link_local)) == 0;
	}
	if (p->link_local.family != 0 && !named)
		announce_address(m, port, &p->link_local);
}

void manager_host_announce(struct fog_manager *m, unsigned port)
{
	if (!m->ports[port]->bare || m->host.errands == NULL)
		return;
	m->host.announcement[port].left = ANNOUNCEMENTS;
	m->host.announcement[port].due_ms = manager_host_now_ms();
}

static void announce_due(struct fog_manager *m, uint64_t now_ms)
{
	for (unsigned i = 0; i < m->port_count; i++) {
		struct manager_announcement *a = &m->host.announcement[i];
		if (a->left == 0 || now_ms < a->due_ms)
			continue;
		listen_port(m, i); // first, or nobody's answer finds the way here
		announce_port(m, i);
		a->left--;
		a->due_ms = now_ms + ANNOUNCE_EVERY_MS;
	}
}

// Another host says that an address of ours is its own. It is told once in a while that it is not,
// and people are told that one of the two must go.
static void conflict(struct fog_manager *m, const struct fog_heard *h, uint64_t now_ms)
{
	struct manager_announcement *a = &m->host.announcement[h->port];
	char text[INET6_ADDRSTRLEN] = "";

	if (a->defended_ms != 0 && now_ms - a->defended_ms < DEFEND_EVERY_MS)
		return;
	a->defended_ms = now_ms;
	announce_address(m, h->port, &h->ip);
	inet_ntop(h->ip.family == 4 ? AF_INET : AF_INET6, h->ip.addr, text, sizeof(text));
	LOG_WARN(
	        "port %s: %02x:%02x:%02x:%02x:%02x:%02x uses our address %s too: give one of the two "
	        "hosts another",
	        m->ports[h->port]->name, h->mac[0], h->mac[1], h->mac[2], h->mac[3], h->mac[4],
	        h->mac[5], text
	);
}

static bool host_listen(struct fog_manager *m, uint64_t now_ms)
{
	struct fog_heard h;
	bool changed = false;

	for (unsigned i = 0; i < m->worker_count; i++) {
		// Not more than a ring holds: a flood must not keep the manager here.
		for (unsigned n = 0; n < HEARD_SLOTS; n++) {
			if (rte_ring_sc_dequeue_elem(m->host.heard[i], &h, sizeof(h)) < 0)
				break;
			if (h.conflict)
				conflict(m, &h, now_ms);
			else
				changed |= fog_neighbours_heard(m->host.neighbours, &h, now_ms);
		}
	}
	return changed;
}

bool manager_host_run(struct fog_manager *m)
{
	uint64_t now_ms = manager_host_now_ms();

	if (m->host.neighbours == NULL)
		return false;
	bool changed = host_listen(m, now_ms);
	changed |= fog_neighbours_run(m->host.neighbours, now_ms, host_ask, m);
	announce_due(m, now_ms);
	listen_due(m, now_ms);
	if (!rte_ring_empty(m->host.errands))
		fog_session_wake(m->session, 0);
	return changed;
}

void manager_host_device_stats(struct fog_manager *m)
{
	static struct fog_stats_device fresh[FOG_PORTS_MAX]; // manager only; too large for a stack
	struct fog_stats *s = m->stats;
	bool any = false;

	for (unsigned i = 0; i < m->port_count; i++) {
		if (m->ports[i]->ops->device_stats == NULL)
			continue;
		m->ports[i]->ops->device_stats(m->ports[i], &fresh[i]);
		any = true;
	}
	if (any)
		fog_stats_publish(&s->device_sequence, s->device, fresh, sizeof(fresh));
}
