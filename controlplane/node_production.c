// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What keeps the running processes from carrying real traffic, whatever the file says by now: this
// process keeps the keys it was started with, and the data plane what it was launched with.
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "../log/log.h"
#include "node_config.h"

// All zero while none is attached.
struct node_running node_running(struct fog_node *n)
{
	struct fog_dpclient_stats view;
	struct node_running run = {false};

	if (n->dp == NULL || fog_dpclient_stats_get(n->dp, &view) < 0)
		return run;
	run = (struct node_running){
	        .seeded = view.stats->test_seed != 0,
	        .accept_replays = view.stats->accept_replays != 0,
	        .tracing = view.stats->tracing != 0,
	        .draining = view.stats->draining != 0,
	};
	fog_stats_fullest(view.stats, &run.replay_count, &run.replay_capacity);
	fog_dpclient_stats_put(n->dp, &view);
	return run;
}

// Everything about the running processes that 'production: true' rules out.
static unsigned production_findings(struct fog_node *n, node_say *say, void *ctx)
{
	struct node_running run = node_running(n);
	unsigned count = 0;

	if (n->started->test.key_seed != 0) {
		say(ctx, "key_seed",
		    "production: true, but this process was started with test.key_seed and keeps that "
		    "identity and mix key, which everybody knows: take test.key_seed out of the file "
		    "and restart fog-controlplane");
		count++;
	}
	if (run.seeded) {
		say(ctx, "delay_seed",
		    "production: true, but the data plane runs with test.delay_seed, and its delays "
		    "can be foretold: compile the launch blob again without it and restart "
		    "fog-dataplane");
		count++;
	}
	if (run.accept_replays) {
		say(ctx, "accept_replays",
		    "production: true, but the data plane runs with --accept-replays: it does not get "
		    "the mix key; restart fog-dataplane without the option");
		count++;
	}
	return count;
}

struct production_report {
	struct fog_report *report;
	const char *file;
};

static void production_refuse(void *ctx, const char *code, const char *text)
{
	const struct production_report *to = ctx;

	fog_report_error(to->report, to->file, 0, "%s", text);
}

int node_production_check(
        struct fog_node *n, const struct fog_config *fresh, struct fog_report *report
)
{
	struct production_report to = {.report = report, .file = fresh->file};

	if (!fresh->production || n->config->production)
		return 0;
	return production_findings(n, production_refuse, &to) > 0 ? -EINVAL : 0;
}

unsigned node_unready_production(struct fog_node *n, node_say *reason, void *ctx)
{
	pthread_rwlock_rdlock(&n->lock);
	bool production = n->config->production;
	pthread_rwlock_unlock(&n->lock);
	return production ? production_findings(n, reason, ctx) : 0;
}

static void production_say_withheld(void)
{
	LOG_WARN("the data plane runs with test settings, and this node is in production: the "
	         "mix key is kept from it");
}

// Without a topology nobody knows what kind of network this is. When keys of epochs have been announced
// and not ended, they live: the data plane would destroy them, and what they have seen, for not being
// named.
static bool keys_unknown(struct fog_node *n)
{
	uint64_t epoch;

	if (n->topology != NULL)
		return false;
	if (fog_store_begin(n->store) < 0)
		return true;
	int r = fog_store_announced_open(n->store, INT64_MAX, INT64_MAX, &epoch);
	fog_store_end(n->store, false);
	return r != -ENOENT;
}

int node_key_hand(struct fog_node *n)
{
	struct node_running run = node_running(n);
	bool withhold = n->config->production && (run.seeded || run.accept_replays);
	struct fog_dpclient_key key;

	if (withhold == n->key_withheld)
		return 0;
	fog_dpclient_keys_withhold(n->dp, withhold);
	if (keys_unknown(n))
		return 0;
	if (n->topology != NULL && n->topology->links == FOG_LINKS_NOISE) {
		n->key_withheld = withhold; // which ones it has is the epochs' matter
		if (withhold)
			production_say_withheld();
		return 0;
	}
	if (n->key == NULL)
		return 0;
	key = (struct fog_dpclient_key){.epoch = n->key->epoch};
	memcpy(key.private_key, n->key->private_key, 32);
	memcpy(key.public_key, n->key->public_key, 32);
	int r = fog_dpclient_keys_set(n->dp, &key, 1);
	sodium_memzero(&key, sizeof(key));
	if (r < 0)
		return r;
	n->key_withheld = withhold;
	if (withhold)
		production_say_withheld();
	return 0;
}
