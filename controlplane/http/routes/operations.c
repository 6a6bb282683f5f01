// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Long work: list it, follow it, cancel it. Who may not read everything sees his own.
#include "../../operations/operations.h"

#include <errno.h>

#include "../../node_services.h"
#include "../page.h"
#include "../refusal.h"
#include "view.h"

static json_t *operation_text(const char *text)
{
	return text != NULL ? json_string(text) : json_null();
}

static json_t *operation_time(int64_t us)
{
	return us != 0 ? view_time_us(us) : json_null();
}

static json_t *operation_value(const char *json)
{
	json_t *value = json != NULL ? json_loads(json, JSON_DECODE_ANY, NULL) : NULL;

	return value != NULL ? value : json_null();
}

static json_t *operation_json(const struct fog_operation_view *v)
{
	json_t *error = json_null();

	if (v->error_code != NULL)
		error = json_pack(
		        "{s:s s:o}", "code", v->error_code, "text", operation_text(v->error_text)
		);
	return json_pack(
	        "{s:I s:s s:s s:o s:s s:s s:i s:b s:o s:o s:o s:o s:o}", "id", (json_int_t)v->id,
	        "kind", v->kind, "owner", v->owner, "parameters", operation_value(v->parameters),
	        "control_plane", v->control_plane, "state", fog_operation_state_name(v->state),
	        "progress", (int)v->progress, "cancel", v->cancel, "created_at",
	        view_time_us(v->created_us), "started_at", operation_time(v->started_us),
	        "ended_at", operation_time(v->ended_us), "error", error, "result",
	        operation_value(v->result)
	);
}

static const char *operation_owner(const struct http_request *req)
{
	return (req->caller.roles & API_READERS) != 0 ? NULL : req->caller.name;
}

// An auditor reads everything and changes nothing that isn't his.
static const char *operation_changer(const struct http_request *req)
{
	return (req->caller.roles & API_OPERATORS) != 0 ? NULL : req->caller.name;
}

static const struct http_refusal refusals[] = {
        {-ENOENT, 404, "no_operation", "GET /v1/operations lists them",
         "there is no such operation"},
        {-EALREADY, 409, "operation_ended", NULL, "the operation has ended already"},
        {0},
};

static void operations_see(void *page, const struct fog_operation_view *v)
{
	http_page_add(page, v->id, operation_json(v));
}

void http_get_operations(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	struct fog_operations *o = node_operations(n);
	const char *state = http_query_text(req, "state");
	struct http_page page;

	http_page_begin(&page, req, "before");
	const struct fog_operation_filter filter = {
	        .owner = operation_owner(req),
	        .kind = http_query_text(req, "kind"),
	        .state = state != NULL ? fog_operation_state_of(state) : FOG_OPERATION_STATES,
	        .before = page.from,
	        .limit = (unsigned)page.limit};
	int r = o != NULL ? fog_operations_list(o, &filter, operations_see, &page) : -EAGAIN;
	page.more = r > 0;
	if (r < 0) {
		http_page_drop(&page);
		http_reply_error(res, r, refusals);
		return;
	}
	http_reply_json(res, 200, http_page_json(&page, "operations"));
}

struct operation_one {
	json_t *operation, *lines;
	int64_t next;
};

static void operation_see(void *ctx, const struct fog_operation_view *v)
{
	((struct operation_one *)ctx)->operation = operation_json(v);
}

static void operation_see_line(void *ctx, const struct fog_operation_line *l)
{
	struct operation_one *one = ctx;

	json_array_append_new(
	        one->lines,
	        json_pack(
	                "{s:I s:o s:s}", "number", (json_int_t)l->number, "time",
	                view_time_us(l->time_us), "text", l->text
	        )
	);
	one->next = l->number;
}

static void operation_show(
        struct fog_node *n, const struct http_request *req, int status, int64_t after,
        struct http_response *res
)
{
	struct fog_operations *o = node_operations(n);
	struct operation_one one = {.lines = json_array(), .next = after};
	int r = o != NULL ? fog_operations_get(
	                            o, req->part_number[0], operation_owner(req), after,
	                            operation_see, operation_see_line, &one
	                    )
	                  : -EAGAIN;

	if (r < 0) {
		json_decref(one.lines);
		http_reply_error(res, r, refusals);
		return;
	}
	json_object_set_new(one.operation, "log", one.lines);
	json_object_set_new(one.operation, "next", json_integer(one.next));
	http_reply_json(res, status, one.operation);
}

void http_get_operation(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	operation_show(n, req, 200, http_query_number(req, "after"), res);
}

void http_post_operation_cancel(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	struct fog_operations *o = node_operations(n);
	int r = o != NULL ? fog_operations_cancel(o, req->part_number[0], operation_changer(req))
	                  : -EAGAIN;

	if (r < 0)
		http_reply_error(res, r, refusals);
	else
		operation_show(n, req, 202, 0, res);
}
