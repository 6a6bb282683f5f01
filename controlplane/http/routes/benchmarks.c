// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Benchmarks of the appliance: begin, list, show, stop or remove. Each is an operation, so it outlives this process.
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../node_services.h"
#include "../page.h"
#include "../refusal.h"
#include "benchmark_work.h"
#include "body.h"
#include "view.h"

enum { SECONDS = 10, RATE = 50 };

#define KIND "benchmark"

static _Atomic bool busy; // two at once would measure each other

static void benchmark_done(void *ctx)
{
	free(ctx);
	atomic_store(&busy, false);
}

static enum benchmark_type benchmark_type_of(const char *name)
{
	enum benchmark_type type = 0;

	while (type < BENCHMARK_TYPE_COUNT && strcmp(benchmark_names[type], name) != 0)
		type++;
	return type;
}

// The network's geometry, or the usual one without a network.
static void benchmark_geometry(struct fog_node *n, struct fog_geometry *out)
{
	pthread_rwlock_rdlock(&n->lock);
	if (n->topology != NULL)
		*out = n->topology->geometry;
	else
		fog_geometry_named(out, "mtu");
	pthread_rwlock_unlock(&n->lock);
}

static void benchmark_parameters(const struct benchmark_order *o, char *text, size_t len)
{
	int n = snprintf(
	        text, len, "{\"type\":\"%s\",\"seconds\":%u", benchmark_names[o->type], o->seconds
	);

	if (o->type == BENCHMARK_LATENCY)
		n += snprintf(text + n, len - (size_t)n, ",\"rate\":%u", o->rate);
	snprintf(text + n, len - (size_t)n, "}");
}

static const struct http_refusal refusals[] = {
        {-ENOENT, 404, "no_benchmark", "GET /v1/benchmarks lists them",
         "there is no such benchmark"},
        {-EALREADY, 409, "benchmark_ended", "ask again: its end is being written down",
         "the benchmark has just ended"},
        {-EBUSY, 503, "busy", "try again in a while", "too many operations wait already"},
        {0},
};

static int benchmark_begin(
        const struct benchmark_order *wanted, const struct http_request *req, int64_t *id
)
{
	struct fog_operations *operations = node_operations(wanted->node);
	struct benchmark_order *order = malloc(sizeof(*order));
	char parameters[96];
	struct fog_operation_begin begin = {
	        .kind = KIND,
	        .owner = req->caller.name,
	        .parameters = parameters,
	        .work = benchmark_work,
	        .done = benchmark_done,
	        .ctx = order,
	};
	int r = order == NULL ? -ENOMEM : operations == NULL ? -EAGAIN : 0;

	if (r == 0) {
		*order = *wanted;
		benchmark_parameters(order, parameters, sizeof(parameters));
		r = fog_operations_begin(operations, &begin, id);
	}
	if (r < 0)
		benchmark_done(order);
	return r;
}

// Loops that somebody else has ordered stay: an audit may still need them.
static bool benchmark_has_loops(
        const struct benchmark_order *o, bool force, struct http_response *res
)
{
	struct fog_loops_status status;

	if (o->type != BENCHMARK_LATENCY)
		return true;
	fog_loops_status(o->node->loops, &status);
	if (status.state == FOG_LOOPS_NONE || (status.state == FOG_LOOPS_ENDED && force))
		return true;
	if (status.state == FOG_LOOPS_ENDED)
		http_reply_problem(
		        res, 409, "loops_kept", "DELETE /v1/loops, or send 'force': true",
		        "records of loops that somebody has ordered are still here, and would be wiped"
		);
	else
		http_reply_problem(
		        res, 409, "loops_active", "wait for their end, or DELETE /v1/loops",
		        "loops that somebody has ordered are on their way"
		);
	return false;
}

void http_post_benchmarks(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	const char *type = json_string_value(json_object_get(req->json, "type"));
	struct benchmark_order order = {
	        .node = n,
	        .type = benchmark_type_of(type),
	        .seconds = (unsigned)http_body_number(req->json, "seconds", SECONDS),
	        .rate = (unsigned)http_body_number(req->json, "rate", RATE),
	};
	int64_t id;

	if (!benchmark_has_loops(&order, json_is_true(json_object_get(req->json, "force")), res))
		return;
	if (atomic_exchange(&busy, true)) {
		http_reply_problem(
		        res, 409, "benchmark_active", "wait for its end, or DELETE it",
		        "a benchmark is at work"
		);
		return;
	}
	benchmark_geometry(n, &order.geometry);
	int r = benchmark_begin(&order, req, &id);
	if (r < 0) {
		http_reply_error(res, r, refusals);
		return;
	}
	snprintf(res->location, sizeof(res->location), "/v1/operations/%lld", (long long)id);
	http_reply_json(
	        res, 202,
	        json_pack(
	                "{s:I s:s s:i}", "operation", (json_int_t)id, "type", type, "seconds",
	                (int)order.seconds
	        )
	);
}

static json_t *benchmark_text(const char *text)
{
	return text != NULL ? json_string(text) : json_null();
}

static json_t *benchmark_time(int64_t us)
{
	return us != 0 ? view_time_us(us) : json_null();
}

// What this file wrote itself, by its name.
static json_t *benchmark_parameter(const json_t *parameters, const char *name)
{
	json_t *value = json_object_get(parameters, name);

	return value != NULL ? json_incref(value) : json_null();
}

static json_t *benchmark_json(const struct fog_operation_view *v)
{
	json_t *parameters = json_loads(v->parameters, 0, NULL);
	json_t *result = v->result != NULL ? json_loads(v->result, 0, NULL) : NULL;
	json_t *error = json_null(), *out;

	if (v->error_code != NULL)
		error = json_pack(
		        "{s:s s:o}", "code", v->error_code, "text", benchmark_text(v->error_text)
		);
	out = json_pack(
	        "{s:I s:o s:o s:o s:s s:s s:s s:i s:b s:o s:o s:o s:o s:o}", "id",
	        (json_int_t)v->id, "type", benchmark_parameter(parameters, "type"), "seconds",
	        benchmark_parameter(parameters, "seconds"), "rate",
	        benchmark_parameter(parameters, "rate"), "owner", v->owner, "control_plane",
	        v->control_plane, "state", fog_operation_state_name(v->state), "progress",
	        (int)v->progress, "cancel", v->cancel, "created_at", view_time_us(v->created_us),
	        "started_at", benchmark_time(v->started_us), "ended_at",
	        benchmark_time(v->ended_us), "error", error, "result",
	        result != NULL ? result : json_null()
	);
	json_decref(parameters);
	return out;
}

static void benchmarks_see(void *page, const struct fog_operation_view *v)
{
	http_page_add(page, v->id, benchmark_json(v));
}

void http_get_benchmarks(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	struct fog_operations *o = node_operations(n);
	const char *state = http_query_text(req, "state"), *type = http_query_text(req, "type");
	struct http_page page;
	char parameters[32];

	http_page_begin(&page, req, "before");
	snprintf(parameters, sizeof(parameters), "\"type\":\"%s\"", type != NULL ? type : "");
	const struct fog_operation_filter filter = {
	        .kind = KIND,
	        .parameters = type != NULL ? parameters : NULL,
	        .state = state != NULL ? fog_operation_state_of(state) : FOG_OPERATION_STATES,
	        .before = page.from,
	        .limit = (unsigned)page.limit};
	int r = o != NULL ? fog_operations_list(o, &filter, benchmarks_see, &page) : -EAGAIN;
	page.more = r > 0;
	if (r < 0) {
		http_page_drop(&page);
		http_reply_error(res, r, refusals);
		return;
	}
	http_reply_json(res, 200, http_page_json(&page, "benchmarks"));
}

// NULL stays when it is an operation of another kind.
static void benchmark_see(void *ctx, const struct fog_operation_view *v)
{
	json_t **out = ctx;

	if (strcmp(v->kind, KIND) == 0)
		*out = benchmark_json(v);
}

// Returns 0 with a new reference, or -errno.
static int benchmark_get(struct fog_node *n, int64_t id, json_t **out)
{
	struct fog_operations *o = node_operations(n);
	int r = o != NULL ? 0 : -EAGAIN;

	*out = NULL;
	if (r == 0)
		r = fog_operations_get(o, id, NULL, 0, benchmark_see, NULL, out);
	return r == 0 && *out == NULL ? -ENOENT : r;
}

static void benchmark_show(
        struct fog_node *n, const struct http_request *req, int status, struct http_response *res
)
{
	json_t *benchmark;
	int r = benchmark_get(n, req->part_number[0], &benchmark);

	if (r < 0)
		http_reply_error(res, r, refusals);
	else
		http_reply_json(res, status, benchmark);
}

void http_get_benchmark(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	benchmark_show(n, req, 200, res);
}

void http_delete_benchmark(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	int64_t id = req->part_number[0];
	json_t *benchmark;
	int r = benchmark_get(n, id, &benchmark);

	if (r == 0) {
		json_decref(benchmark);
		r = fog_operations_forget(node_operations(n), id, NULL);
	}
	if (r == 0) {
		res->status = 204;
		return;
	}
	if (r == -EINPROGRESS)
		r = fog_operations_cancel(node_operations(n), id, NULL);
	if (r < 0)
		http_reply_error(res, r, refusals);
	else
		benchmark_show(n, req, 202, res);
}
