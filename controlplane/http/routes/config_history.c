// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Earlier configurations of this node, and what lies between two of them.
#include <errno.h>
#include <stdlib.h>

#include "../../node_history.h"
#include "../page.h"
#include "../refusal.h"
#include "config_history.h"
#include "view.h"

static json_t *revision_json(const struct fog_revision *v)
{
	return json_pack(
	        "{s:I s:o s:s s:s s:s s:s s:b s:o s:o}", "revision", (json_int_t)v->number, "time",
	        view_time_us(v->time_us), "actor", v->actor, "comment", v->comment, "digest",
	        v->digest, "state", fog_revision_state_name(v->state), "in_force", v->in_force,
	        "reverts", view_known((uint64_t)v->reverts), "confirm_by",
	        v->confirm_by_us != 0 ? view_time_us(v->confirm_by_us) : json_null()
	);
}

static const struct http_refusal refusals[] = {
        {-ENOENT, 404, "no_revision", "GET /v1/config/history lists them",
         "there is no such revision of the configuration"},
        {0},
};

static void history_see(void *page, const struct fog_revision *v)
{
	http_page_add(page, v->number, revision_json(v));
}

json_t *http_config_pending(struct fog_node *n)
{
	struct fog_node_pending p;

	if (!fog_node_config_pending(n, &p))
		return json_null();
	return json_pack(
	        "{s:I s:I}", "revision", (json_int_t)p.revision, "left_ms", (json_int_t)p.left_ms
	);
}

void http_get_config_history(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	struct http_page page;
	struct fog_history rows;
	json_t *out;
	int r = node_history_rows(n, &rows);

	http_page_begin(&page, req, "before");
	if (r == 0)
		r = fog_history_list(&rows, page.from, (unsigned)page.limit, history_see, &page);
	page.more = r > 0;
	if (r < 0) {
		http_page_drop(&page);
		http_reply_error(res, r, refusals);
		return;
	}
	out = http_page_json(&page, "revisions");
	json_object_set_new(out, "pending", http_config_pending(n));
	http_reply_json(res, 200, out);
}

// A text that is no UTF-8 (YAML may be UTF-16) has no place in JSON.
static void revision_see(void *ctx, const struct fog_revision *v)
{
	json_t **out = ctx, *text = json_stringn((const char *)v->text, v->len);

	*out = revision_json(v);
	json_object_set_new(*out, "text", text != NULL ? text : json_null());
}

void http_get_config_revision(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	struct fog_history rows;
	json_t *out = NULL;
	int r = node_history_rows(n, &rows);

	if (r == 0)
		r = fog_history_get(&rows, req->part_number[0], revision_see, &out);
	if (r < 0)
		http_reply_error(res, r, refusals);
	else
		http_reply_json(res, 200, out);
}

void http_get_config_diff(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	struct fog_history rows;
	int64_t from = http_query_number(req, "from"), to = http_query_number(req, "to");
	char *text = NULL;
	size_t len = 0;
	int r = node_history_rows(n, &rows);

	if (r == 0)
		r = fog_history_diff(&rows, from, to, &text, &len);
	if (r < 0) {
		http_reply_error(res, r, refusals);
		return;
	}
	json_t *diff = json_stringn(text, len);
	free(text);
	http_reply_json(
	        res, 200,
	        json_pack(
	                "{s:I s:I s:o}", "from", (json_int_t)from, "to", (json_int_t)to, "diff",
	                diff != NULL ? diff : json_null()
	        )
	);
}
