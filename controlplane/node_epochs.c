// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "node_epochs.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "../log/log.h"
#include "node_directory.h"
#include "node_links.h"
#include "now.h"
#include "vrf/delay.h"

static int epochs_keys_set(void *ctx, const struct fog_dpclient_key *keys, unsigned n)
{
	struct fog_node *node = ctx;

	return fog_dpclient_keys_set(node->dp, keys, n);
}

static bool epochs_key_gone(void *ctx, const uint8_t public_key[32])
{
	return fog_dpclient_key_gone(((struct fog_node *)ctx)->dp, public_key);
}

static const struct fog_epochs_ops epochs_ops = {
        .keys_set = epochs_keys_set,
        .key_gone = epochs_key_gone,
        .beacon = node_directory_beacon,
};

static int epochs_send(
        void *ctx, const uint8_t node_id[FOG_ID_LEN], const uint8_t *data, size_t len
)
{
	struct fog_node *n = ctx;

	return fog_links_notice(n->links, node_id, data, len);
}

static const struct fog_exchange_ops exchange_ops = {.send = epochs_send};

// Whether our own data plane has said that it has the key of 'epoch'.
static bool epochs_in_force(struct fog_node *n, uint64_t epoch)
{
	struct fog_dpclient_ack ack = {.status = -ENODATA};
	uint8_t public_key[32];

	if (fog_epochs_live(n->epochs, epoch, public_key))
		fog_dpclient_key_ack(n->dp, public_key, &ack);
	return ack.status == 0;
}

static int epochs_gate(void *ctx, uint64_t epoch, enum fog_inject_type type)
{
	struct fog_node *n = ctx;

	if (!node_epochs_active(n))
		return 0;
	if (node_epoch_over(n, epoch))
		return -ESTALE;
	// What begins with our own lost key would only keep the others waiting.
	if (type == FOG_INJECT_UNWRAP && fog_epochs_lost(n->epochs, epoch))
		return -ESTALE;
	if (node_links_settling(n))
		return -EAGAIN;
	// Our own data plane would only drop it.
	return type == FOG_INJECT_UNWRAP && !epochs_in_force(n, epoch) ? -EAGAIN : 0;
}

static uint64_t epochs_of_byte(void *ctx, uint8_t low)
{
	struct fog_node *n = ctx;

	return node_epochs_active(n) ? fog_schedule_of_byte(node_epoch_now(n), low)
	                             : FOG_NODE_EPOCH;
}

int node_epochs_create(struct fog_node *n)
{
	const struct fog_epochs_params *params;
	int r = fog_clock_create(n->config->test.clock_ahead_ms, &n->clock);

	if (r == 0)
		r = fog_exchange_create(n->store, &exchange_ops, n, &n->exchange);
	params = &(const struct fog_epochs_params){
	        .instance = n->config->instance,
	        .identity = n->identity,
	        .store = n->store,
	        .exchange = n->exchange,
	};
	if (r == 0)
		r = fog_epochs_create(params, &epochs_ops, n, &n->epochs);
	if (r < 0) {
		LOG_ERR("keys of epochs: %s: %s", strerror(-r),
		        r == -ENOMEM ? "raise RLIMIT_MEMLOCK"
		                     : "make the state folder writable, and see keyrings(7)");
		return r;
	}
	fog_sender_gate_set(n->sender, epochs_gate, n);
	fog_inbox_epoch_set(n->inbox, epochs_of_byte, n);
	return 0;
}

void node_epochs_topology(struct fog_node *n, const struct fog_topology *old)
{
	const struct fog_topology *t = n->topology;

	fog_epochs_topology(n->epochs, t);
	// The ticks go on from here; what was known before is read for the epoch of now.
	uint64_t epoch = 0;
	if (t->links == FOG_LINKS_NOISE) {
		struct fog_schedule s = fog_schedule_of(t);
		epoch = fog_schedule_epoch(&s, fog_clock_now_ns(n->clock));
	}
	// Where authorities agree on what nodes announce, nodes need not tell each other.
	const struct fog_topology *told = t->authority_count == 0 ? t : NULL;
	if (fog_exchange_topology(n->exchange, told, n->identity->node_id, epoch) < 0)
		LOG_ERR("no memory for what nodes announce: free some and send SIGHUP");
	// The data plane has had keys of the other kind of network, or has heard nothing of keys yet.
	if (old == NULL || old->links != t->links) {
		n->key_withheld = true;
		if (node_key_hand(n) < 0)
			LOG_WARN("the data plane keeps its mix keys as they are: restart it");
	}
}

void node_epochs_tick(struct fog_node *n)
{
	fog_clock_tick(n->clock, n->config->test.clock_ahead_ms);
	fog_epochs_tick(n->epochs, fog_clock_now_ns(n->clock));
	if (node_epochs_active(n))
		fog_exchange_tick(n->exchange, node_epoch_now(n), fog_now_ms());
}

void node_prune(struct fog_node *n)
{
	fog_store_prune(n->store);
	fog_mailboxes_prune(n->mail, fog_now_ms());
	if (node_epochs_active(n))
		fog_store_prune_epochs(n->store, node_epoch_now(n));
}

bool node_epochs_active(struct fog_node *n)
{
	struct fog_epochs_view view;

	fog_epochs_look(n->epochs, &view);
	return view.active;
}

uint64_t node_epoch_after(struct fog_node *n, uint64_t ms)
{
	uint64_t then = fog_clock_now_ns(n->clock) + ms * 1000000;
	struct fog_epochs_view view;

	fog_epochs_look(n->epochs, &view);
	return view.active ? fog_schedule_epoch(&view.schedule, then) : FOG_NODE_EPOCH;
}

uint64_t node_epoch_now(struct fog_node *n)
{
	return node_epoch_after(n, 0);
}

uint64_t node_epoch_of_topology(struct fog_node *n)
{
	uint64_t now = node_epoch_now(n);
	uint64_t of = n->topology != NULL ? n->topology->epoch : 0;

	return of + 1 == now ? of : now;
}

int node_mix_key(
        void *node, const struct fog_topology_node *of, uint64_t epoch, uint8_t public_key[32]
)
{
	struct fog_node *n = node;

	if (node_directory_active(n))
		return node_directory_mix_key(n, of->id, epoch, public_key);
	if (node_epochs_active(n))
		return fog_exchange_mix_key(n->exchange, of->id, epoch, public_key);
	memcpy(public_key, of->mix_key, 32);
	return sodium_is_zero(public_key, 32) ? -ENOENT : 0;
}

int node_epochs_known(struct fog_node *n, unsigned i, struct fog_exchange_node *out)
{
	return node_directory_active(n) ? node_directory_known(n, i, out)
	                                : fog_exchange_node(n->exchange, i, out);
}

void node_epochs_beacon(
        struct fog_node *n, const uint8_t network[32], uint64_t epoch, uint8_t out[32]
)
{
	if (epoch == 0 || !node_directory_active(n) || node_directory_beacon(n, epoch - 1, out) < 0)
		fog_static_beacon(network, epoch, out);
}

bool node_epoch_over(void *node, uint64_t epoch)
{
	struct fog_node *n = node;

	return fog_epochs_over(n->epochs, epoch, fog_clock_now_ns(n->clock));
}

bool node_epochs_key(struct fog_node *n, uint8_t public_key[32])
{
	if (node_epochs_active(n))
		return fog_epochs_live(n->epochs, node_epoch_now(n), public_key);
	if (n->key == NULL)
		return false;
	memcpy(public_key, n->key->public_key, 32);
	return true;
}

void node_epochs_key_ack(struct fog_node *n, struct fog_dpclient_ack *ack)
{
	uint8_t public_key[32];

	*ack = (struct fog_dpclient_ack){.status = -ENODATA};
	if (node_epochs_key(n, public_key))
		fog_dpclient_key_ack(n->dp, public_key, ack);
}

unsigned node_unready_epochs(struct fog_node *n, node_say *reason, void *ctx)
{
	struct fog_epochs_view view;
	unsigned count = 0;
	char text[256];

	fog_epochs_look(n->epochs, &view);
	if (view.active && view.text[0] != '\0') {
		reason(ctx, "no_key", view.text);
		count++;
	}
	if (view.active && view.lost_until_ns > 0) {
		uint64_t left = view.lost_until_ns > view.now_ns ? view.lost_until_ns - view.now_ns
		                                                 : 0;
		snprintf(
		        text, sizeof(text),
		        "the mix keys that this node has announced are gone with the last boot, and it "
		        "must not announce others for the same epochs: it takes packets again in "
		        "%" PRIu64 " s, when epoch %" PRIu64 " begins",
		        (left + 999999999) / 1000000000,
		        fog_schedule_epoch(&view.schedule, view.lost_until_ns)
		);
		reason(ctx, "key_lost", text);
		count++;
	}
	return count;
}

unsigned node_warn_epochs(struct fog_node *n, node_say *warn, void *ctx)
{
	int64_t ahead = 0;
	char text[256];

	if (!fog_clock_stepped(n->clock, &ahead))
		return 0;
	snprintf(
	        text, sizeof(text),
	        "the host's clock was set %s by %.3f s; epochs go on by the time that this process "
	        "started with: set the host's clock right, or, if it is right now, restart "
	        "fog-controlplane",
	        ahead > 0 ? "forward" : "back", (double)(ahead > 0 ? ahead : -ahead) / 1e9
	);
	warn(ctx, "clock_step", text);
	return 1;
}
