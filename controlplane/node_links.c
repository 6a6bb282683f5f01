// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "node_links.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../log/log.h"
#include "link/hello.h"
#include "node_mail.h"
#include "now.h"

enum {
	LOOK_MS = 1000,
	CLIENT_SPARE = 5, // so much more than the mean, as a part of it: clients send by chance
	SETTLE_MS = 5000, // first tries of a handshake with everybody, and again
};

struct node_links {
	uint8_t topology[32], config[32]; // checksums of what they follow
	bool configured, listed; // listed: the topology has this node
	uint64_t look_ms; // next look at the sessions
	_Atomic uint64_t settled_ms; // links are waited for until then; UINT64_MAX: no data plane
	struct fog_link_stats all[FOG_LINK_SLOTS]; // one reading
};

static int links_install(void *ctx, const struct fog_link_session *session)
{
	return fog_dpclient_link_install(((struct fog_node *)ctx)->dp, session);
}

static int links_remove(void *ctx, uint32_t rx_index)
{
	return fog_dpclient_link_remove(((struct fog_node *)ctx)->dp, rx_index);
}

static int links_send(void *ctx, const struct fog_link_send *send)
{
	return fog_dpclient_link_send(((struct fog_node *)ctx)->dp, send);
}

static uint64_t links_now_unix_ns(void *ctx)
{
	return fog_clock_now_ns(((struct fog_node *)ctx)->clock);
}

static void links_notice(
        void *ctx, const uint8_t node_id[FOG_ID_LEN], const uint8_t *data, size_t len
)
{
	fog_exchange_notice(((struct fog_node *)ctx)->exchange, node_id, data, len);
}

static void links_up(void *ctx, const uint8_t node_id[FOG_ID_LEN])
{
	fog_exchange_up(((struct fog_node *)ctx)->exchange, node_id, fog_now_ms());
}

static const struct fog_links_ops links_ops = {
        .install = links_install,
        .remove = links_remove,
        .send = links_send,
        .notice = links_notice,
        .client_notice = node_mail_notice,
        .up = links_up,
        .now_unix_ns = links_now_unix_ns,
};

int node_links_create(struct fog_node *n)
{
	struct fog_links_self self = {
	        .link_private = n->identity->link_private, .minor = fog_protocol_minor};
	int r = -ENOMEM;

	memcpy(self.node_id, n->identity->node_id, sizeof(self.node_id));
	memcpy(self.link_public, n->identity->link_public, sizeof(self.link_public));
	n->link_follow = calloc(1, sizeof(*n->link_follow));
	if (n->link_follow != NULL) {
		n->link_follow->settled_ms = UINT64_MAX;
		r = fog_links_create(&self, &links_ops, n, &n->links);
	}
	if (r < 0)
		LOG_ERR("links: %s: raise RLIMIT_MEMLOCK, or free memory", strerror(-r));
	return r;
}

void node_links_destroy(struct fog_node *n)
{
	fog_links_destroy(n->links);
	free(n->link_follow);
}

void node_links_attached(struct fog_node *n, const struct fog_msg_welcome *w)
{
	fog_links_attached(n->links, w->boot_id, (uint16_t)w->worker_count, fog_now_ms());
	n->link_follow->look_ms = 0;
	n->link_follow->settled_ms = fog_now_ms() + SETTLE_MS;
}

void node_links_detached(struct fog_node *n)
{
	n->link_follow->settled_ms = UINT64_MAX;
	fog_links_detached(n->links);
}

bool node_links_settling(void *ctx)
{
	struct fog_node *n = ctx;
	struct fog_links_summary s;

	if (fog_now_ms() >= n->link_follow->settled_ms)
		return false;
	fog_links_status(n->links, &s, NULL, 0);
	return s.active && s.up < s.nodes;
}

void node_links_event(struct fog_node *n, uint32_t type, const struct fog_evt *e)
{
	if (type == FOG_EVT_LINK_REKEY)
		fog_links_rekey(n->links, (uint32_t)e->token);
}

void node_links_punt(void *ctx, const struct fog_link_punt *m)
{
	fog_links_punt(((struct fog_node *)ctx)->links, m, fog_now_ms());
}

void node_links_ack(void *ctx, uint32_t rx_index, int status)
{
	fog_links_link_ack(((struct fog_node *)ctx)->links, rx_index, status, fog_now_ms());
}

// The configuration may be another one from any thread, the topology from this one.
static void links_follow(struct fog_node *n, uint64_t now_ms)
{
	struct node_links *f = n->link_follow;
	struct fog_links_wanted w = {0};
	int r = 0;

	pthread_rwlock_rdlock(&n->lock);
	const struct fog_topology *t = n->topology;
	if (t != NULL &&
	    (!f->configured || memcmp(f->topology, t->checksum, 32) != 0 ||
	     memcmp(f->config, n->config->checksum, 32) != 0)) {
		const struct fog_topology_node *self = fog_node_self(n);
		bool gateway = self != NULL && self->role == FOG_ROLE_GATEWAY;
		// A node that the topology does not list has links with nobody.
		w.topology = self != NULL ? t : NULL;
		w.clients = gateway ? n->config->links.clients : 0;
		w.client_rate = n->config->links.client_rate;
		w.client_burst = n->config->links.client_burst;
		fog_network_hash(t, w.network);
		r = fog_links_configure(n->links, &w, now_ms);
		if (r == 0) {
			memcpy(f->topology, t->checksum, 32);
			memcpy(f->config, n->config->checksum, 32);
			f->configured = true;
			// A node that is new in the network has no links yet, as one with a new data plane.
			if (self != NULL && !f->listed && f->settled_ms != UINT64_MAX)
				f->settled_ms = now_ms + SETTLE_MS;
			f->listed = self != NULL;
		}
	}
	pthread_rwlock_unlock(&n->lock);
	if (r < 0)
		LOG_WARN("links: %s: they are as before: free memory", strerror(-r));
}

static void links_look(struct fog_node *n, uint64_t now_ms)
{
	struct node_links *f = n->link_follow;
	struct fog_dpclient_stats view;
	unsigned count = 0;

	if (fog_dpclient_stats_get(n->dp, &view) < 0)
		return;
	if (fog_stats_copy(&view.stats->link_sequence, view.stats->link, f->all, sizeof(f->all)) ==
	    0) {
		for (unsigned i = 0; i < FOG_LINK_SLOTS; i++)
			if (f->all[i].state != FOG_LINK_FREE)
				f->all[count++] = f->all[i];
		fog_links_seen(n->links, f->all, count, now_ms);
		f->look_ms = now_ms + LOOK_MS;
	}
	fog_dpclient_stats_put(n->dp, &view);
}

void node_links_tick(struct fog_node *n)
{
	uint64_t now_ms = fog_now_ms();
	struct fog_links_summary sum;

	links_follow(n, now_ms);
	fog_links_status(n->links, &sum, NULL, 0);
	if (sum.active && now_ms >= n->link_follow->look_ms)
		links_look(n, now_ms);
	fog_links_tick(n->links, now_ms);
}

unsigned node_unready_links(struct fog_node *n, node_say *reason, void *ctx)
{
	struct fog_links_summary s;
	unsigned count = 0;
	char text[256];

	fog_links_status(n->links, &s, NULL, 0);
	if (!s.active)
		return 0;
	if (s.up * 2 < s.nodes) {
		snprintf(
		        text, sizeof(text),
		        "%u of %u other nodes have a link with this one, fewer than half: 'fogctl "
		        "links' says what each lacks",
		        s.up, s.nodes
		);
		reason(ctx, s.up == 0 ? "no_link" : "few_links", text);
		count++;
	}
	if (s.clocks > 0 &&
	    (s.offset_ms < 0 ? -s.offset_ms : s.offset_ms) > (int64_t)s.tolerance_ms) {
		snprintf(
		        text, sizeof(text),
		        "this node's clock is %lld ms %s those of the other nodes (median of %u; the "
		        "network tolerates %u ms): check its time service (chronyc tracking, "
		        "timedatectl)",
		        (long long)(s.offset_ms < 0 ? -s.offset_ms : s.offset_ms),
		        s.offset_ms > 0 ? "behind" : "ahead of", s.clocks, s.tolerance_ms
		);
		reason(ctx, "clock_off", text);
		count++;
	}
	return count;
}

static uint64_t links_per_s(uint32_t mean_us)
{
	return mean_us > 0 ? (1000000 + mean_us - 1) / mean_us : 0;
}

// A client that sends what the network asks of it would be dropped by a gateway that takes less.
unsigned node_warn_links(struct fog_node *n, node_say *warn, void *ctx)
{
	char text[256] = "";

	pthread_rwlock_rdlock(&n->lock);
	const struct fog_config_links *links = &n->config->links;
	const struct fog_topology_node *self = fog_node_self(n);
	if (self != NULL && self->role == FOG_ROLE_GATEWAY && links->clients > 0 &&
	    links->client_rate > 0) {
		const struct fog_cover_rates *c = &n->topology->cover;
		uint64_t sent = links_per_s(c->client_send_us) + links_per_s(c->client_loop_us) +
		        links_per_s(c->client_fetch_us);
		uint64_t want = sent + sent / CLIENT_SPARE;
		if (want > links->client_rate)
			snprintf(
			        text, sizeof(text),
			        "clients of this network send %" PRIu64
			        " packets a second on average, and links.client_rate takes %u: "
			        "what is more is dropped as client_rate; set it to %" PRIu64,
			        sent, links->client_rate, want
			);
	}
	pthread_rwlock_unlock(&n->lock);
	if (text[0] == '\0')
		return 0;
	warn(ctx, "client_rate", text);
	return 1;
}
