// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Which states a managed node was found in.
#include <errno.h>
#include <stdlib.h>

#include "betanet_view.h"
#include "http.h"

enum { PAGE = 50 };

static json_t *history_json(const struct fog_betanet_change *c)
{
	bool first = c->before == FOG_BETANET_STATE_COUNT;

	return json_pack(
	        "{s:I s:s s:o s:o}", "id", (json_int_t)c->id, "state",
	        fog_betanet_state_name(c->state), "before",
	        first ? json_null() : json_string(fog_betanet_state_name(c->before)), "found_at",
	        view_time_us(c->found_us)
	);
}

static void history_reply(
        struct http_response *res, const struct fog_betanet_change *page, unsigned count, bool more
)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < count; i++)
		json_array_append_new(list, history_json(&page[i]));
	http_reply_json(
	        res, 200,
	        json_pack(
	                "{s:o s:o}", "states", list, "next",
	                more ? json_integer((json_int_t)page[count - 1].id) : json_null()
	        )
	);
}

void http_get_betanet_history(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	struct fog_db *db = betanet_store(n, res);
	int64_t before = 0, limit = PAGE;
	struct fog_betanet_change *page;
	int count;

	if (db == NULL ||
	    http_query_number(res, "before", req->query[0], 0, INT64_MAX, &before) < 0 ||
	    http_query_number(res, "limit", req->query[1], 1, FOG_BETANET_LIST_MAX, &limit) < 0)
		return;
	page = calloc((size_t)limit + 1, sizeof(*page));
	count = page != NULL
	        ? fog_betanet_history(
	                  db, strtoll(req->part[0], NULL, 10), before, page, (unsigned)limit + 1
	          )
	        : -ENOMEM;
	if (count < 0)
		betanet_refused(res, count);
	else
		history_reply(
		        res, page, count > limit ? (unsigned)limit : (unsigned)count, count > limit
		);
	free(page);
}
