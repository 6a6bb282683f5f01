// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "node_services.h"

#include <errno.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../log/log.h"
#include "node_betanet.h"
#include "node_cover.h"
#include "node_directory.h"
#include "node_history.h"
#include "node_mail.h"
#include "node_platform.h"
#include "now.h"
#include "operations/operations.h"

enum { STALE_MS = 10 * 1000 }; // what moves several times a second has not moved for so long

static int loop_health(void *ctx, char text[FOG_SERVICE_TEXT_LEN])
{
	uint64_t beat_ms = atomic_load(&((struct fog_node *)ctx)->beat_ms);

	if (beat_ms == 0 || fog_now_ms() - beat_ms < STALE_MS)
		return 0;
	snprintf(
	        text, FOG_SERVICE_TEXT_LEN,
	        "the control thread has not moved for %llu s: restart fog-controlplane",
	        (unsigned long long)(fog_now_ms() - beat_ms) / 1000
	);
	return -ETIMEDOUT;
}

static int store_health(void *ctx, char text[FOG_SERVICE_TEXT_LEN])
{
	struct fog_node *n = ctx;
	int r = fog_store_begin(n->store);

	if (r == 0)
		r = fog_store_end(n->store, 0);
	if (r < 0)
		snprintf(
		        text, FOG_SERVICE_TEXT_LEN,
		        "the node's store takes nothing: look at the disk of its state folder"
		);
	return r;
}

static int data_plane_health(void *ctx, char text[FOG_SERVICE_TEXT_LEN])
{
	struct fog_node *n = ctx;
	struct fog_dpclient_status s;

	fog_dpclient_status(n->dp, &s);
	if (s.state != FOG_DPCLIENT_ATTACHED) {
		snprintf(
		        text, FOG_SERVICE_TEXT_LEN, "%.120s",
		        s.why[0] != '\0' ? s.why : "no data plane is attached"
		);
		return -ENOTCONN;
	}
	if (s.heartbeat_age_ms < STALE_MS)
		return 0;
	snprintf(text, FOG_SERVICE_TEXT_LEN, "its heart has stopped: restart fog-dataplane");
	return -ETIMEDOUT;
}

static int platform_ask(struct fog_tx *tx, void *ctx)
{
	struct fog_rows rows;
	int r = fog_db_one(tx, &rows, "SELECT name FROM platform", FOG_NONE);

	fog_rows_end(&rows);
	return r;
}

static int platform_health(void *ctx, char text[FOG_SERVICE_TEXT_LEN])
{
	struct fog_db *db = node_platform_store(ctx);
	int r = db != NULL ? fog_db_read(db, platform_ask, NULL) : -EAGAIN;

	if (r < 0)
		snprintf(
		        text, FOG_SERVICE_TEXT_LEN,
		        "it does not answer: look at store.url and at that server, or at the disk"
		);
	return r;
}

// The object comes with the first store that answers, and stays.
static int operations_create(struct fog_node *n)
{
	struct fog_db *db = node_platform_store(n);
	struct fog_operations *o = NULL;
	char name[2 * FOG_ID_LEN + 1];

	if (db == NULL)
		return -EAGAIN;
	sodium_bin2hex(name, sizeof(name), n->identity->node_id, FOG_ID_LEN);
	int r = fog_operations_create(db, name, &o);
	if (r == 0)
		atomic_store(&n->operations, o);
	return r;
}

static int operations_start(void *ctx)
{
	struct fog_node *n = ctx;
	int r = atomic_load(&n->operations) == NULL ? operations_create(n) : 0;

	if (r == 0)
		return fog_operations_start(atomic_load(&n->operations));
	LOG_WARN(
	        "operations wait for the platform's store (%s): see why it does not answer",
	        strerror(-r)
	);
	return r;
}

static void operations_stop(void *ctx)
{
	struct fog_operations *o = node_operations(ctx);

	if (o != NULL)
		fog_operations_stop(o);
}

static int operations_health(void *ctx, char text[FOG_SERVICE_TEXT_LEN])
{
	return fog_operations_health(node_operations(ctx), text, FOG_SERVICE_TEXT_LEN);
}

struct fog_operations *node_operations(struct fog_node *n)
{
	return atomic_load(&n->operations);
}

static const char *const needs_store[] = {"node_store", NULL};
static const char *const needs_data[] = {"node_store", "event_loop", NULL};
static const char *const needs_platform[] = {"platform_store", NULL};
static const char *const uses_data[] = {"data_plane", NULL};
static const char *const uses_platform[] = {"platform_store", NULL};
static const char *const uses_fetcher[] = {"directory_client", NULL};

static const struct fog_service node_table[] = {
        {.name = "event_loop",
         .text = "the control thread: data plane, links, epochs, topology",
         .critical = true,
         .health = loop_health},
        {.name = "node_store",
         .text = "messages, epochs and packets that wait",
         .critical = true,
         .health = store_health},
        {.name = "data_plane",
         .text = "the connection to fog-dataplane",
         .needs = needs_data,
         .critical = true,
         .told = true,
         .health = data_plane_health},
        {.name = "cover",
         .text = "makes cover packets",
         .uses = uses_data,
         .critical = true,
         .start = node_cover_start,
         .stop = node_cover_stop,
         .health = node_cover_health},
        {.name = "mail_answers",
         .text = "answers the senders of stored mail",
         .needs = needs_store,
         .uses = uses_data,
         .start = node_mail_start,
         .stop = node_mail_stop,
         .health = node_mail_health},
        {.name = "directory_client",
         .text = "announces this node and fetches consensuses",
         .start = node_directory_fetch_start,
         .stop = node_directory_fetch_stop,
         .health = node_directory_fetch_health},
        {.name = "directory_listener",
         .text = "gives consensuses to others",
         .uses = uses_fetcher,
         .start = node_directory_serve_start,
         .stop = node_directory_serve_stop,
         .health = node_directory_serve_health},
        {.name = "platform_store",
         .text = "accounts, audit, limits, operations, history of the configuration",
         .told = true,
         .health = platform_health},
        {.name = "operations",
         .text = "does long work",
         .needs = needs_platform,
         .start = operations_start,
         .stop = operations_stop,
         .health = operations_health},
        {.name = "betanet_watch",
         .text = "looks for managed nodes, writes down what state they are in",
         .needs = needs_platform,
         .start = node_betanet_watch_start,
         .stop = node_betanet_watch_stop,
         .health = node_betanet_watch_health},
        {.name = "config_history",
         .text = "writes down configurations, takes back what nobody confirms",
         .uses = uses_platform,
         .start = node_history_start,
         .stop = node_history_stop,
         .health = node_history_health},
};

static void services_note(
        void *ctx, const char *name, const char *what, int result, const char *text
)
{
	char action[32], object[16 + FOG_SERVICE_NAME_LEN];
	json_t *details = json_pack("{s:s}", "why", result < 0 ? strerror(-result) : text);
	char *said = details != NULL ? json_dumps(details, JSON_COMPACT) : NULL;

	snprintf(action, sizeof(action), "service.%s", what);
	snprintf(object, sizeof(object), "/v1/services/%s", name);
	node_platform_note(
	        ctx,
	        &(struct fog_audit_event
	        ){.action = action,
	          .object = object,
	          .outcome = result < 0 ? FOG_AUDIT_FAILED : FOG_AUDIT_DONE,
	          .details = said},
	        0
	);
	free(said);
	json_decref(details);
}

int node_services_start(struct fog_node *n)
{
	char error[256] = "";
	int r = fog_services_create(
	        node_table, sizeof(node_table) / sizeof(node_table[0]), n, NULL, &n->services,
	        error, sizeof(error)
	);

	if (r < 0) {
		LOG_ERR("services: %s", error);
		return r;
	}
	fog_services_watch(n->services, services_note);
	return fog_services_start(n->services);
}

int node_services_stop(struct fog_node *n)
{
	return fog_services_stop(n->services);
}

void node_services_destroy(struct fog_node *n)
{
	fog_services_destroy(n->services);
	n->services = NULL;
	fog_operations_destroy(atomic_load(&n->operations));
}

void node_services_beat(struct fog_node *n)
{
	atomic_store(&n->beat_ms, fog_now_ms());
}

unsigned node_unready_services(struct fog_node *n, node_say *reason, void *ctx)
{
	return n->services != NULL ? fog_services_reasons(n->services, true, reason, ctx) : 0;
}

unsigned node_warn_services(struct fog_node *n, node_say *warn, void *ctx)
{
	return n->services != NULL ? fog_services_reasons(n->services, false, warn, ctx) : 0;
}

unsigned node_services_breakers(struct fog_node *n, struct fog_breaker_view *out, unsigned max)
{
	return node_directory_breakers(n, out, max);
}
