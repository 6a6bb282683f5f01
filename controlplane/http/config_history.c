// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Earlier configurations of this node, and what lies between two of them.
#include <errno.h>
#include <stdlib.h>

#include "../node_history.h"
#include "config_history.h"
#include "http.h"
#include "view.h"

enum { PAGE = 50 };

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

static void history_refused(struct http_response *res, int r)
{
	if (r == -ENOENT) {
		http_reply_problem(
		        res, 404, "no_revision", "GET /v1/config/history lists them",
		        "there is no such revision of the configuration"
		);
		return;
	}
	http_reply_away(res);
}

struct history_page {
	json_t *list;
	int64_t next;
};

static void history_see(void *ctx, const struct fog_revision *v)
{
	struct history_page *p = ctx;

	json_array_append_new(p->list, revision_json(v));
	p->next = v->number;
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
	struct history_page p = {.list = json_array()};
	int64_t before = 0, limit = PAGE;
	struct fog_history rows;
	int r = node_history_rows(n, &rows);

	if (http_query_number(res, "before", req->query[0], 0, INT64_MAX, &before) < 0 ||
	    http_query_number(res, "limit", req->query[1], 1, FOG_HISTORY_LIST_MAX, &limit) < 0) {
		json_decref(p.list);
		return;
	}
	if (r == 0)
		r = fog_history_list(&rows, before, (unsigned)limit, history_see, &p);
	if (r < 0) {
		json_decref(p.list);
		history_refused(res, r);
		return;
	}
	http_reply_json(
	        res, 200,
	        json_pack(
	                "{s:o s:o s:o}", "revisions", p.list, "next",
	                r > 0 ? json_integer((json_int_t)p.next) : json_null(), "pending",
	                http_config_pending(n)
	        )
	);
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
		r = fog_history_get(&rows, strtoll(req->part[0], NULL, 10), revision_see, &out);
	if (r < 0)
		history_refused(res, r);
	else
		http_reply_json(res, 200, out);
}

void http_get_config_diff(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	struct fog_history rows;
	int64_t from = 0, to = 0;
	char *text = NULL;
	size_t len = 0;
	int r = node_history_rows(n, &rows);

	if (http_query_number(res, "from", req->query[0], 0, INT64_MAX, &from) < 0 ||
	    http_query_number(res, "to", req->query[1], 0, INT64_MAX, &to) < 0)
		return;
	if (r == 0)
		r = fog_history_diff(&rows, from, to, &text, &len);
	if (r < 0) {
		history_refused(res, r);
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
