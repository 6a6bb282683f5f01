// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Appliances that the platform manages: list, add, show, change, remove.
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../now.h"
#include "../page.h"
#include "betanet_view.h"

static void betanet_page(
        struct fog_node *n, struct http_page *page, const struct node_betanet *look,
        const struct fog_betanet_node *rows, int count
)
{
	struct snapshot *s = snapshot_take(n->dp);

	for (int i = 0; i < count; i++)
		http_page_add(page, rows[i].id, view_betanet_node(&rows[i], look, s));
	free(s);
}

void http_get_betanet_nodes(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	const char *type = http_query_text(req, "node_type"),
	           *state = http_query_text(req, "state"), *region = http_query_text(req, "region");
	struct http_page page;
	struct fog_db *db;
	struct node_betanet *look = betanet_begin(n, res, &db);

	if (look == NULL)
		return;
	http_page_begin(&page, req, "after");
	const struct fog_betanet_filter filter = {
	        .type = type != NULL ? fog_betanet_type_of(type) : FOG_BETANET_TYPE_COUNT,
	        .state = state != NULL ? fog_betanet_state_of(state) : FOG_BETANET_STATE_COUNT,
	        .region = region != NULL ? region : "",
	        .after = page.from,
	};
	unsigned max = (unsigned)page.limit + 1;
	struct fog_betanet_node *rows = calloc(max, sizeof(*rows));
	int count = rows != NULL ? fog_betanet_list(db, &filter, fog_now_unix_us(), rows, max)
	                         : -ENOMEM;
	if (count < 0) {
		http_page_drop(&page);
		betanet_refused(res, count);
	} else {
		betanet_page(n, &page, look, rows, count);
		http_reply_json(res, 200, http_page_json(&page, "nodes"));
	}
	node_betanet_forget(look);
	free(rows);
}

struct betanet_body {
	struct fog_betanet_said said;
	char name[FOG_BETANET_NAME_LEN], region[FOG_BETANET_REGION_LEN];
	uint8_t node_id[FOG_ID_LEN];
};

// What a body says in place of what is there.
static void betanet_read(const json_t *json, struct betanet_body *b)
{
	const json_t *name = json_object_get(json, "name"),
	             *region = json_object_get(json, "region"),
	             *id = json_object_get(json, "node_id"),
	             *maintenance = json_object_get(json, "maintenance");

	if (name != NULL)
		snprintf(b->name, sizeof(b->name), "%s", json_string_value(name));
	if (region != NULL)
		snprintf(
		        b->region, sizeof(b->region), "%s",
		        json_is_string(region) ? json_string_value(region) : ""
		);
	if (json_is_string(id))
		sodium_hex2bin(
		        b->node_id, FOG_ID_LEN, json_string_value(id), 2 * FOG_ID_LEN, NULL, NULL,
		        NULL
		);
	if (id != NULL)
		b->said.node_id = json_is_string(id) ? b->node_id : NULL;
	if (maintenance != NULL)
		b->said.maintenance = json_is_true(maintenance);
	b->said.name = b->name;
	b->said.region = b->region;
}

void http_post_betanet_nodes(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	const char *type = json_string_value(json_object_get(req->json, "node_type"));
	struct betanet_body body = {
	        .said.type = type != NULL ? fog_betanet_type_of(type) : FOG_BETANET_MIXNODE};
	struct fog_betanet_node node;
	struct fog_db *db;
	struct node_betanet *look = betanet_begin(n, res, &db);
	int r;

	if (look == NULL)
		return;
	snprintf(
	        body.name, sizeof(body.name), "%s-%08x", fog_betanet_type_name(body.said.type),
	        randombytes_random()
	);
	betanet_read(req->json, &body);
	r = fog_betanet_add(db, &body.said, fog_now_unix_us(), &node);
	if (r < 0) {
		betanet_refused(res, r);
	} else {
		snprintf(
		        res->location, sizeof(res->location), "/v1/betanet/nodes/%lld",
		        (long long)node.id
		);
		betanet_reply(n, res, 201, &node, look);
	}
	node_betanet_forget(look);
}

void http_get_betanet_node(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	struct fog_betanet_node node;
	struct fog_db *db;
	struct node_betanet *look = betanet_begin(n, res, &db);
	int r;

	if (look == NULL)
		return;
	r = fog_betanet_get(db, req->part_number[0], fog_now_unix_us(), &node);
	if (r < 0)
		betanet_refused(res, r);
	else
		betanet_reply(n, res, 200, &node, look);
	node_betanet_forget(look);
}

// What the body leaves out stays, if nobody changes it meanwhile.
static int betanet_patch(
        struct fog_db *db, int64_t id, const struct http_request *req, struct fog_betanet_node *node
)
{
	int64_t wanted = http_match_number(req);
	struct betanet_body body = {0};
	int r = fog_betanet_get(db, id, fog_now_unix_us(), node);

	if (r < 0)
		return r;
	if (wanted != 0 && wanted != node->version)
		return -ESTALE;
	memcpy(body.name, node->name, sizeof(body.name));
	memcpy(body.region, node->region, sizeof(body.region));
	memcpy(body.node_id, node->node_id, FOG_ID_LEN);
	body.said.type = node->type;
	body.said.maintenance = node->maintenance;
	body.said.node_id = node->has_node_id ? body.node_id : NULL;
	betanet_read(req->json, &body);
	return fog_betanet_change(db, id, node->version, &body.said, fog_now_unix_us(), node);
}

void http_patch_betanet_node(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	struct fog_betanet_node node;
	struct fog_db *db;
	struct node_betanet *look = betanet_begin(n, res, &db);
	int r;

	if (look == NULL)
		return;
	r = betanet_patch(db, req->part_number[0], req, &node);
	if (r < 0)
		betanet_refused(res, r);
	else
		betanet_reply(n, res, 200, &node, look);
	node_betanet_forget(look);
}

void http_delete_betanet_node(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	struct fog_db *db = betanet_store(n, res);
	int r;

	if (db == NULL)
		return;
	r = fog_betanet_remove(db, req->part_number[0]);
	if (r < 0)
		betanet_refused(res, r);
	else
		res->status = 204;
}
