// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Which states a managed node was found in.
#include <errno.h>
#include <stdlib.h>

#include "../page.h"
#include "betanet_view.h"

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

void http_get_betanet_history(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	struct fog_db *db = betanet_store(n, res);
	struct http_page page;

	if (db == NULL)
		return;
	http_page_begin(&page, req, "before");
	unsigned max = (unsigned)page.limit + 1;
	struct fog_betanet_change *change = calloc(max, sizeof(*change));
	int count = change != NULL
	        ? fog_betanet_history(db, req->part_number[0], page.from, change, max)
	        : -ENOMEM;
	for (int i = 0; i < count; i++)
		http_page_add(&page, change[i].id, history_json(&change[i]));
	free(change);
	if (count >= 0) {
		http_reply_json(res, 200, http_page_json(&page, "states"));
		return;
	}
	http_page_drop(&page);
	betanet_refused(res, count);
}
