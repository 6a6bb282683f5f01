// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Peers, configuration, the data plane's coming and going; where inputs are given to the other files.
#include "links.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "../../dataplane/crypto/link.h"
#include "../../log/log.h"
#include "links_internal.h"

int fog_links_create(
        const struct fog_links_self *self, const struct fog_links_ops *ops, void *ctx,
        struct fog_links **out
)
{
	struct fog_links *l = calloc(1, sizeof(*l));
	int r = -ENOMEM;

	if (l == NULL)
		return r;
	pthread_mutex_init(&l->lock, NULL);
	l->self = *self;
	l->ops = *ops;
	l->ctx = ctx;
	fog_link_mac1_key(self->link_public, l->mac1_key);
	l->client = calloc(FOG_LINK_SLOTS, sizeof(struct links_peer *));
	l->scratch = sodium_malloc(sizeof(*l->scratch));
	l->keys = sodium_malloc(64);
	if (l->client == NULL || l->scratch == NULL || l->keys == NULL)
		goto err;
	r = links_status_room(l, 0);
	if (r == 0 && crypto_aead_aes256gcm_is_available() == 0)
		r = -EINVAL;
	if (r == 0) {
		*out = l;
		return 0;
	}
err:
	fog_links_destroy(l);
	return r;
}

struct links_peer *links_peer_make(enum fog_link_class class, const uint8_t static_key[32])
{
	struct links_peer *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->class = class;
	memcpy(p->static_key, static_key, 32);
	p->wait_ms = LINKS_RETRY_FIRST_MS;
	return p;
}

void links_peer_free(struct links_peer *p)
{
	if (p == NULL)
		return;
	links_initiate_stop(p);
	sodium_memzero(p->cookie, sizeof(p->cookie));
	free(p);
}

void fog_links_destroy(struct fog_links *l)
{
	if (l == NULL)
		return;
	for (unsigned i = 0; i < l->nodes; i++)
		links_peer_free(l->node[i]);
	for (unsigned i = 0; i < l->clients; i++)
		links_peer_free(l->client[i]);
	free(l->node);
	free(l->client);
	free(l->status);
	sodium_free(l->scratch);
	sodium_free(l->keys);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

struct links_peer *links_peer_by_key(struct fog_links *l, const uint8_t static_key[32])
{
	for (unsigned i = 0; i < l->nodes; i++)
		if (memcmp(l->node[i]->static_key, static_key, 32) == 0)
			return l->node[i];
	for (unsigned i = 0; i < l->clients; i++)
		if (memcmp(l->client[i]->static_key, static_key, 32) == 0)
			return l->client[i];
	return NULL;
}

bool links_client_full(const struct fog_links *l)
{
	unsigned linked = 0;

	for (unsigned i = 0; i < l->clients; i++)
		linked += l->client[i]->session != NULL;
	return linked >= l->clients_max;
}

// Those without a session are only remembered, so that an old initiation of theirs does not count anew.
static bool client_forget_eldest(struct fog_links *l)
{
	unsigned eldest = l->clients;

	for (unsigned i = 0; i < l->clients; i++)
		if (l->client[i]->session == NULL &&
		    (eldest == l->clients || l->client[i]->time_ms < l->client[eldest]->time_ms))
			eldest = i;
	if (eldest == l->clients)
		return false;
	links_peer_free(l->client[eldest]);
	l->client[eldest] = l->client[--l->clients];
	return true;
}

struct links_peer *links_client_add(struct fog_links *l, const uint8_t static_key[32])
{
	struct links_peer *p;

	if (l->clients == FOG_LINK_SLOTS && !client_forget_eldest(l))
		return NULL;
	p = links_peer_make(FOG_LINK_CLIENT, static_key);
	if (p != NULL)
		l->client[l->clients++] = p;
	return p;
}

uint64_t links_time(struct fog_links *l)
{
	uint64_t now = l->ops.now_unix_ns(l->ctx);

	l->time_ns = now > l->time_ns ? now : l->time_ns + 1;
	return l->time_ns;
}

void links_say_offset(struct fog_links *l, struct links_peer *p)
{
	LOG_WARN(
	        "node %s: its clock is %llu ms %s ours, more than the network's tolerance of %u ms: "
	        "no link; check the time service of both (chronyc tracking, timedatectl)",
	        p->name, (unsigned long long)(links_abs(p->offset_ns) / 1000000),
	        p->offset_ns > 0 ? "ahead of" : "behind", l->tolerance_ms
	);
}

static void links_peer_sessions_remove(struct fog_links *l, struct links_peer *p, uint64_t now_ms)
{
	while (p->session != NULL)
		links_session_remove(l, p->session, now_ms);
}

void links_client_evict(struct fog_links *l, uint64_t now_ms)
{
	struct links_peer *eldest = NULL;

	for (unsigned i = 0; i < l->clients; i++) {
		struct links_peer *p = l->client[i];
		if (p->session == NULL || links_confirmed(p) ||
		    p->session->made_ms + LINKS_CONFIRM_MS > l->looked_ms)
			continue;
		if (eldest == NULL || p->session->made_ms < eldest->session->made_ms)
			eldest = p;
	}
	if (eldest != NULL)
		links_peer_sessions_remove(l, eldest, now_ms);
}

static struct links_peer *links_node_find(struct fog_links *l, const uint8_t id[FOG_ID_LEN])
{
	for (unsigned i = 0; i < l->nodes; i++)
		if (l->node[i] != NULL && memcmp(l->node[i]->node_id, id, FOG_ID_LEN) == 0)
			return l->node[i];
	return NULL;
}

static bool links_ip_equal(const struct fog_ip *a, const struct fog_ip *b)
{
	return a->family == b->family && memcmp(a->addr, b->addr, sizeof(a->addr)) == 0;
}

// The peer that stands for this node from now on: the one that there is, unless its key has changed.
static struct links_peer *links_node_follow(
        struct fog_links *l, const struct fog_topology_node *t, bool anew
)
{
	struct links_peer *p = links_node_find(l, t->id);

	if (p == NULL || memcmp(p->static_key, t->link_key, 32) != 0) {
		p = links_peer_make(FOG_LINK_NODE, t->link_key);
		if (p == NULL)
			return NULL;
		memcpy(p->node_id, t->id, FOG_ID_LEN);
	} else if (anew || !links_ip_equal(&p->ip, &t->address) || p->port != t->port) {
		links_replace(p);
		p->due_ms = 0;
	}
	memcpy(p->name, t->name, sizeof(p->name));
	p->ip = t->address;
	p->port = t->port;
	return p;
}

static bool links_kept(struct links_peer *const *list, unsigned count, const struct links_peer *p)
{
	for (unsigned i = 0; i < count; i++)
		if (list[i] == p)
			return true;
	return false;
}

static int links_follow_nodes(
        struct fog_links *l, const struct fog_topology *t, bool anew, uint64_t now_ms
)
{
	unsigned most = t != NULL ? t->node_count : 0, count = 0;
	struct links_peer **fresh = calloc(most + 1, sizeof(struct links_peer *));
	int r = fresh != NULL ? links_status_room(l, most) : -ENOMEM;

	for (unsigned i = 0; i < most && r == 0; i++) {
		if (memcmp(t->node[i].id, l->self.node_id, FOG_ID_LEN) == 0)
			continue;
		fresh[count] = links_node_follow(l, &t->node[i], anew);
		r = fresh[count] != NULL ? 0 : -ENOMEM;
		count += r == 0;
	}
	if (r < 0) {
		for (unsigned i = 0; i < count; i++)
			if (!links_kept(l->node, l->nodes, fresh[i]))
				links_peer_free(fresh[i]);
		free(fresh);
		return r;
	}
	for (unsigned i = 0; i < l->nodes; i++) {
		if (links_kept(fresh, count, l->node[i]))
			continue;
		while (l->node[i]->session != NULL)
			links_session_leave(l->node[i]->session, now_ms);
		links_peer_free(l->node[i]);
	}
	free(l->node);
	l->node = fresh;
	l->nodes = count;
	return 0;
}

// When it last showed that it is there.
static uint64_t client_alive(const struct links_peer *p)
{
	uint64_t heard = links_heard(p);

	return heard > p->success_ms ? heard : p->success_ms;
}

// Who shall stay comes first: clients with a confirmed session, of these who was heard last; then those
// that have not taken theirs up; then those that are only remembered.
static int client_compare(const void *a, const void *b)
{
	const struct links_peer *x = *(struct links_peer *const *)a,
	                        *y = *(struct links_peer *const *)b;
	int rank = 2 * (links_confirmed(y) - links_confirmed(x)) + (y->session != NULL) -
	        (x->session != NULL);
	uint64_t s = client_alive(x), t = client_alive(y);

	return rank != 0 ? rank : (s < t) - (s > t);
}

// A static key is either a node's or a client's, and not more clients than wanted.
static void links_trim_clients(struct fog_links *l, uint64_t now_ms)
{
	qsort(l->client, l->clients, sizeof(struct links_peer *), client_compare);
	for (unsigned i = l->clients; i-- > 0;) {
		struct links_peer *p = l->client[i];
		bool node = links_peer_by_key(l, p->static_key) != p;
		if (!node && i < l->clients_max)
			continue;
		links_peer_sessions_remove(l, p, now_ms);
		links_peer_free(p);
		l->client[i] = l->client[--l->clients];
	}
}

// A session keeps the limits that it was made with, here and at the data plane, so others make it an
// old one.
static void links_configure_rekey(struct fog_links *l, uint64_t age_ms, uint64_t packets)
{
	bool changed = l->rekey_ms != age_ms || l->rekey_packets != packets;

	l->rekey_ms = age_ms;
	l->rekey_packets = packets;
	for (unsigned i = 0; changed && i < l->nodes; i++)
		links_replace(l->node[i]);
}

int fog_links_configure(struct fog_links *l, const struct fog_links_wanted *w, uint64_t now_ms)
{
	const struct fog_topology *t = w->topology;
	bool active = t != NULL && t->links == FOG_LINKS_NOISE;
	bool anew = active && memcmp(l->network, w->network, sizeof(l->network)) != 0;
	int r = links_follow_nodes(l, active ? t : NULL, anew, now_ms);

	if (r < 0)
		return r;
	l->active = active;
	l->clients_max = active ? w->clients : 0;
	l->client_rate = w->client_rate;
	l->client_burst = w->client_burst;
	if (active) {
		memcpy(l->network, w->network, sizeof(l->network));
		fog_link_prologue(w->network, l->prologue);
		l->tolerance_ms = t->tolerance_ms;
		l->tolerance_ns = (uint64_t)t->tolerance_ms * 1000000;
		links_configure_rekey(l, (uint64_t)t->rekey_s * 1000, t->rekey_packets);
	}
	links_trim_clients(l, now_ms);
	links_publish(l, now_ms);
	return 0;
}

// Nothing of what was agreed on counts any more.
static void links_forget_sessions(struct fog_links *l)
{
	for (unsigned i = 0; i < l->nodes; i++) {
		struct links_peer *p = l->node[i];
		links_initiate_stop(p);
		p->session = NULL;
		p->due_ms = 0;
		p->wait_ms = LINKS_RETRY_FIRST_MS;
	}
	for (unsigned i = 0; i < l->clients; i++)
		l->client[i]->session = NULL;
	memset(l->session, 0, sizeof(l->session));
}

void fog_links_attached(
        struct fog_links *l, const uint8_t boot_id[16], uint16_t senders, uint64_t now_ms
)
{
	if (memcmp(l->boot_id, boot_id, sizeof(l->boot_id)) != 0) {
		links_forget_sessions(l);
		l->refusal_told = false;
	}
	memcpy(l->boot_id, boot_id, sizeof(l->boot_id));
	l->senders = senders;
	l->attached = true;
	l->looked = false;
	links_publish(l, now_ms);
}

void fog_links_detached(struct fog_links *l)
{
	l->attached = false;
	// What is not answered by now never will be.
	for (unsigned i = 0; i < FOG_LINK_SLOTS; i++)
		l->session[i].install_open = false;
}

static void links_read_notice(struct fog_links *l, const struct fog_link_punt *m)
{
	struct links_session *s = links_session_find(l, m->rx_index);

	if (s == NULL || s->peer == NULL)
		return;
	s->peer->notice_index = s->rx_index;
	if (s->peer->class == FOG_LINK_NODE && l->ops.notice != NULL)
		l->ops.notice(l->ctx, s->peer->node_id, m->data, m->len);
	else if (s->peer->class == FOG_LINK_CLIENT && l->ops.client_notice != NULL)
		l->ops.client_notice(l->ctx, s->peer->static_key, m->data, m->len);
}

void fog_links_punt(struct fog_links *l, const struct fog_link_punt *m, uint64_t now_ms)
{
	if (!l->active || !l->attached || m->len > sizeof(m->data))
		return;
	switch (m->type) {
	case FOG_FRAME_INITIATION:
		if (l->looked)
			links_read_initiation(l, m, now_ms);
		break;
	case FOG_FRAME_RESPONSE:
		links_read_response(l, m, now_ms);
		break;
	case FOG_FRAME_COOKIE:
		links_read_cookie(l, m, now_ms);
		break;
	case FOG_FRAME_DATA:
		links_read_notice(l, m);
		break;
	default:
		l->outcome[FOG_LINKS_MALFORMED]++;
	}
}

void fog_links_rekey(struct fog_links *l, uint32_t rx_index)
{
	struct links_session *s = links_session_find(l, rx_index);

	if (s != NULL && s->peer != NULL && s->slot == SLOT_LIVE && links_sending(s->peer) == s &&
	    s->peer->class == FOG_LINK_NODE && s->peer->replace_ms < s->made_ms)
		s->peer->replace_ms = s->made_ms;
}

static int links_send_notice(
        struct fog_links *l, const struct links_session *s, const uint8_t *data, size_t len
)
{
	struct fog_link_send send = {.type = FOG_FRAME_DATA, .kind = FOG_KIND_NOTICE};

	if (len > FOG_NOTICE_MAX)
		return -EMSGSIZE;
	if (s == NULL || !l->attached)
		return -ENOTCONN;
	send.rx_index = s->rx_index;
	send.len = (uint32_t)len;
	memcpy(send.data, data, len);
	return l->ops.send(l->ctx, &send);
}

int fog_links_notice(
        struct fog_links *l, const uint8_t node_id[FOG_ID_LEN], const uint8_t *data, size_t len
)
{
	struct links_peer *p = links_node_find(l, node_id);

	return links_send_notice(l, p != NULL ? links_sending(p) : NULL, data, len);
}

int fog_links_client_notice(
        struct fog_links *l, const uint8_t static_key[32], const uint8_t *data, size_t len
)
{
	const struct links_peer *p = links_peer_by_key(l, static_key);
	const struct links_session *best = NULL;

	if (p == NULL || p->class != FOG_LINK_CLIENT)
		return -ENOTCONN;
	for (const struct links_session *s = p->session; s != NULL; s = s->next) {
		if (s->slot != SLOT_LIVE)
			continue;
		if (best == NULL || s->rx_index == p->notice_index)
			best = s;
	}
	return links_send_notice(l, best, data, len);
}

// A client without a session is remembered for as long as an initiation of it could be sent again.
static void links_clients_tick(struct fog_links *l, uint64_t now_ms)
{
	for (unsigned i = l->clients; i-- > 0;) {
		struct links_peer *p = l->client[i];
		links_sessions_tick(l, p, now_ms);
		if (p->session != NULL || now_ms - p->time_ms <= 2 * (uint64_t)l->tolerance_ms)
			continue;
		links_peer_free(p);
		l->client[i] = l->client[--l->clients];
	}
}

void fog_links_tick(struct fog_links *l, uint64_t now_ms)
{
	bool all = atomic_exchange(&l->rekey_all, false);

	for (unsigned i = 0; i < l->nodes && l->attached && l->looked; i++) {
		struct links_peer *p = l->node[i];
		if (all)
			links_replace(p);
		links_initiate_tick(l, p, now_ms);
		links_sessions_tick(l, p, now_ms);
	}
	if (l->attached && l->looked)
		links_clients_tick(l, now_ms);
	if (l->attached)
		links_leaving_tick(l, now_ms);
	links_publish(l, now_ms);
}

void fog_links_rekey_all(struct fog_links *l)
{
	atomic_store(&l->rekey_all, true);
}
