// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Looks for managed nodes once a minute: who is seen, and whose state has changed. Each change is a row of the node's history,
// a row of the audit and a line of the log.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../log/log.h"
#include "audit/chain.h"
#include "node.h"
#include "node_betanet.h"
#include "node_platform.h"
#include "now.h"

enum { CHANGES = 64, LATE_MS = 4 * NODE_BETANET_WATCH_S * 1000 };

struct node_betanet_watch {
	struct fog_node *node; // constant
	pthread_mutex_t lock; // everything below
	pthread_cond_t news;
	bool started, stop;
	pthread_t thread;
	uint64_t looked_ms; // the last round that came to its end; when it was started before that
	int error; // of the last round
};

static void watch_tell(struct fog_node *n, const struct fog_betanet_change *c)
{
	const char *state = fog_betanet_state_name(c->state);
	const char *before = c->before < FOG_BETANET_STATE_COUNT ? fog_betanet_state_name(c->before)
	                                                         : "nothing";
	bool bad = c->state == FOG_BETANET_STOPPED || c->state == FOG_BETANET_FAILED;
	struct fog_audit_chain *chain = node_platform_audit(n);
	char object[64], details[160];
	struct fog_audit_event e = {
	        .actor_kind = FOG_AUDIT_SYSTEM,
	        .action = "betanet_node.state",
	        .object = object,
	        .outcome = FOG_AUDIT_DONE,
	        .details = details,
	};

	snprintf(object, sizeof(object), "/v1/betanet/nodes/%lld", (long long)c->node);
	snprintf(
	        details, sizeof(details), "{\"name\":\"%s\",\"before\":\"%s\",\"state\":\"%s\"}",
	        c->name, before, state
	);
	if (bad)
		LOG_WARN(
		        "managed node %s is %s (before: %s): look at its appliance and at GET %s",
		        c->name, state, before, object
		);
	else
		LOG_INFO("managed node %s is %s (before: %s)", c->name, state, before);
	int r = chain != NULL ? fog_audit_chain_append(chain, &e, NULL) : -EAGAIN;
	if (r < 0)
		LOG_ERR("audit: the state %s of managed node %s is not stored: %s: make room, or bring "
		        "the store back",
		        state, c->name, strerror(-r));
}

// While the audit takes no rows a round waits. A kill between a state and its row leaves the state without one.
static int watch_note(struct fog_node *n, struct fog_db *db)
{
	struct fog_audit_chain *chain = node_platform_audit(n);
	struct fog_betanet_change *change;
	int count;

	if (chain == NULL || fog_audit_chain_away(chain))
		return -EAGAIN;
	change = calloc(CHANGES, sizeof(*change));
	if (change == NULL)
		return -ENOMEM;
	do {
		count = fog_betanet_note(db, fog_now_unix_us(), change, CHANGES);
		for (int i = 0; i < count; i++)
			watch_tell(n, &change[i]);
	} while (count == CHANGES);
	free(change);
	return count < 0 ? count : 0;
}

static int watch_round(struct fog_node *n)
{
	struct fog_db *db = node_platform_store(n);
	struct node_betanet *look = db != NULL ? node_betanet_look(n) : NULL;
	int r = db == NULL ? -EAGAIN : look == NULL ? -ENOMEM : 0;

	if (r == 0)
		r = node_betanet_see(look, db, fog_now_unix_us());
	node_betanet_forget(look);
	return r == 0 ? watch_note(n, db) : r;
}

static void *watch_run(void *ctx)
{
	struct node_betanet_watch *w = ctx;
	struct timespec until;

	pthread_mutex_lock(&w->lock);
	while (!w->stop) {
		pthread_mutex_unlock(&w->lock);
		int r = watch_round(w->node);
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += NODE_BETANET_WATCH_S;
		pthread_mutex_lock(&w->lock);
		w->error = r;
		w->looked_ms = fog_now_ms();
		while (!w->stop && pthread_cond_timedwait(&w->news, &w->lock, &until) == 0)
			continue;
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

int node_betanet_watch_create(struct fog_node *n)
{
	struct node_betanet_watch *w = calloc(1, sizeof(*w));
	pthread_condattr_t attr;

	if (w == NULL) {
		LOG_ERR("managed nodes: no memory: free some");
		return -ENOMEM;
	}
	w->node = n;
	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->news, &attr);
	pthread_condattr_destroy(&attr);
	n->betanet_watch = w;
	return 0;
}

void node_betanet_watch_destroy(struct fog_node *n)
{
	struct node_betanet_watch *w = n->betanet_watch;

	if (w == NULL)
		return;
	pthread_cond_destroy(&w->news);
	pthread_mutex_destroy(&w->lock);
	free(w);
	n->betanet_watch = NULL;
}

int node_betanet_watch_start(void *node)
{
	struct node_betanet_watch *w = ((struct fog_node *)node)->betanet_watch;
	int r = 0;

	pthread_mutex_lock(&w->lock);
	if (!w->started) {
		w->stop = false;
		w->error = 0;
		w->looked_ms = fog_now_ms();
		r = -pthread_create(&w->thread, NULL, watch_run, w);
		w->started = r == 0;
	}
	pthread_mutex_unlock(&w->lock);
	if (r < 0)
		LOG_WARN("managed nodes: no thread: %s: raise the limit of tasks", strerror(-r));
	return r;
}

void node_betanet_watch_stop(void *node)
{
	struct node_betanet_watch *w = ((struct fog_node *)node)->betanet_watch;

	pthread_mutex_lock(&w->lock);
	bool started = w->started;
	w->stop = true;
	pthread_cond_signal(&w->news);
	pthread_mutex_unlock(&w->lock);
	if (started)
		pthread_join(w->thread, NULL);
	pthread_mutex_lock(&w->lock);
	w->started = false;
	pthread_mutex_unlock(&w->lock);
}

int node_betanet_watch_health(void *node, char text[FOG_SERVICE_TEXT_LEN])
{
	struct node_betanet_watch *w = ((struct fog_node *)node)->betanet_watch;

	pthread_mutex_lock(&w->lock);
	uint64_t age_ms = fog_now_ms() - w->looked_ms;
	int r = w->error;
	pthread_mutex_unlock(&w->lock);
	if (r == 0 && age_ms > LATE_MS) {
		r = -ETIMEDOUT;
		snprintf(
		        text, FOG_SERVICE_TEXT_LEN, "it has not looked for %llu s: restart it",
		        (unsigned long long)age_ms / 1000
		);
	} else if (r < 0) {
		snprintf(
		        text, FOG_SERVICE_TEXT_LEN,
		        "the platform's store or its audit takes nothing: see platform_store"
		);
	}
	return r;
}
