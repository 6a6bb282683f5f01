// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Trace single packets, capture single frames. What comes out is what a mix hides, so production asks for
// trace.allow.
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "../../node.h"
#include "../page.h"
#include "../refusal.h"
#include "body.h"
#include "view.h"

enum { SAMPLE = 100, COUNT = 100, SECONDS = 10 };

static const char *const trace_labels[FOG_TRACE_STAGES] = {
#define X(symbol, label, text) label,
#include "../../../dataplane/api/trace.def"
};

// 0 = did not get there.
static json_t *trace_stages(const struct fog_trace_record *r)
{
	json_t *stages = json_object();

	for (unsigned i = 0; i < FOG_TRACE_STAGES; i++)
		if (r->stage_ns[i] != 0)
			json_object_set_new(
			        stages, trace_labels[i], json_integer((json_int_t)r->stage_ns[i])
			);
	return stages;
}

static json_t *trace_record(const struct fog_trace_record *r)
{
	static const char *const outcomes[] = {"", "sent", "delivered", "dropped", "punted"};
	bool fixed = r->stage_ns[FOG_TRACE_DELAY] != 0;
	bool released = r->stage_ns[FOG_TRACE_RELEASE] != 0;
	bool injected = r->port == FOG_TRACE_INJECTED;

	return json_pack(
	        "{s:I s:i s:o s:o s:I s:o s:s s:s? s:I s:o s:o}", "id", (json_int_t)r->id, "worker",
	        r->worker, "port", injected ? json_null() : json_integer(r->port), "queue",
	        injected ? json_null() : json_integer(r->queue), "arrival_ns",
	        (json_int_t)r->arrival_ns, "stages_ns", trace_stages(r), "outcome",
	        outcomes[r->outcome], "drop",
	        r->outcome == FOG_TRACE_DROPPED ? fog_drop_label(r->drop) : NULL, "end_ns",
	        (json_int_t)r->end_ns, "owed_us",
	        fixed ? json_integer((json_int_t)r->owed_us) : json_null(), "late_ns",
	        released ? json_integer((json_int_t)r->late_ns) : json_null()
	);
}

static json_t *trace_frame(const struct fog_capture_record *r)
{
	char hex[2 * FOG_CAPTURE_DATA + 1];

	return json_pack(
	        "{s:I s:s s:I s:s s:i s:i s:i s:s?}", "time_ns", (json_int_t)r->time_ns,
	        "direction", r->direction == FOG_CAPTURE_IN ? "in" : "out", "frame_bytes",
	        (json_int_t)r->frame_len, "headers",
	        sodium_bin2hex(hex, sizeof(hex), r->data, r->data_len), "worker", r->worker, "port",
	        r->port, "queue", r->queue, "drop",
	        r->drop != FOG_DROP_NONE ? fog_drop_label(r->drop) : NULL
	);
}

static json_t *trace_status(const struct fog_tracer_status *s)
{
	static const char *const states[] = {"none", "active", "ended"};
	bool none = s->state == FOG_TRACER_NONE;

	return json_pack(
	        "{s:s s:o s:I s:I s:I s:o s:I}", "state", states[s->state], "began_at",
	        none ? json_null() : view_time_us(s->began_us), "sample",
	        (json_int_t)s->request.sample, "count", (json_int_t)s->request.count, "seconds",
	        (json_int_t)s->request.seconds, "worker",
	        none || s->request.worker == FOG_TRACE_ALL
	                ? json_null()
	                : json_integer((json_int_t)s->request.worker),
	        "recorded", (json_int_t)s->records
	);
}

static const struct http_refusal refusals[] = {
        {-EPERM, 403, "trace_forbidden",
         "set trace.allow: true in the configuration file as root, and take it out again afterwards",
         "this node is in production: a trace shows which arrival became which departure"},
        {-EBUSY, 409, "trace_active",
         "wait for its end, or Ctrl-C where it was begun, or DELETE /v1/trace or /v1/capture",
         "packets are traced or frames captured already"},
        {-EINVAL, 422, "no_such_worker", "see /v1/workers", "the data plane has no such worker"},
        {-ENOTCONN, 503, "no_data_plane", "see /readyz", "no data plane is attached"},
        {-ETIMEDOUT, 503, "no_data_plane", "see /readyz",
         "the data plane does not look at single packets now"},
        {0},
};

static bool trace_forbidden(struct fog_node *n)
{
	pthread_rwlock_rdlock(&n->lock);
	bool forbidden = n->config->production && !n->config->trace.allow;
	pthread_rwlock_unlock(&n->lock);
	return forbidden;
}

static void trace_post(
        struct fog_node *n, const struct http_request *req, struct http_response *res, bool capture
)
{
	int64_t sample = http_body_number(req->json, "sample", SAMPLE);
	int64_t count = http_body_number(req->json, "count", COUNT);
	int64_t seconds = http_body_number(req->json, "seconds", SECONDS);
	int64_t worker = http_body_number(req->json, "worker", FOG_TRACE_ALL);
	struct fog_tracer_status status;
	int r;

	const struct fog_tracer_request request = {
	        capture, (uint32_t)sample, (uint32_t)count, (uint32_t)seconds, (uint32_t)worker};
	// The data plane refuses it as well; what it runs may be an older configuration than ours.
	r = trace_forbidden(n) ? -EPERM : fog_tracer_start(n->tracer, n->dp, &request);
	if (r < 0) {
		http_reply_error(res, r, refusals);
		return;
	}
	fog_tracer_status(n->tracer, &status);
	http_reply_json(res, 201, trace_status(&status));
}

// What is there of the other kind is nothing here.
static void trace_look(struct fog_node *n, bool capture, struct fog_tracer_status *status)
{
	fog_tracer_status(n->tracer, status);
	if (status->request.capture != capture)
		*status = (struct fog_tracer_status){.state = FOG_TRACER_NONE};
}

static void trace_get(
        struct fog_node *n, const struct http_request *req, struct http_response *res, bool capture
)
{
	int wait_ms = (int)http_query_number(req, "wait") * 1000;
	struct fog_tracer_status status;
	struct http_page page;
	unsigned got = 0;

	if (trace_forbidden(n)) {
		http_reply_error(res, -EPERM, refusals); // also what was recorded before
		return;
	}
	http_page_begin(&page, req, "after");
	union fog_trace_entry *entry = calloc((size_t)page.limit, sizeof(*entry));
	if (entry == NULL) {
		http_page_drop(&page);
		http_reply_error(res, -ENOMEM, NULL);
		return;
	}
	trace_look(n, capture, &status);
	if (status.state != FOG_TRACER_NONE)
		got = fog_tracer_read(
		        n->tracer, capture, (uint32_t)page.from, entry, (unsigned)page.limit,
		        wait_ms
		);
	// Behind the reading: a state "ended" with nothing in the page means that nothing comes any more.
	trace_look(n, capture, &status);
	if (status.state ==
	    FOG_TRACER_NONE) // thrown away, or replaced by the other kind, meanwhile
		got = 0;
	json_t *out = trace_status(&status);
	for (unsigned i = 0; i < got; i++)
		http_page_add(
		        &page, page.from + i + 1,
		        capture ? trace_frame(&entry[i].frame) : trace_record(&entry[i].packet)
		);
	free(entry);
	json_object_update_new(out, http_page_growing(&page, "records"));
	http_reply_json(res, 200, out);
}

static void trace_delete(struct fog_node *n, struct http_response *res, bool capture)
{
	struct fog_tracer_status status;

	trace_look(n, capture, &status);
	if (status.state == FOG_TRACER_NONE || fog_tracer_stop(n->tracer, n->dp) < 0)
		http_reply_problem(res, 404, "no_trace", NULL, "there is none");
	else
		http_reply_json(res, 200, json_pack("{s:s}", "state", "none"));
}

void http_post_trace(struct fog_node *n, const struct http_request *req, struct http_response *res)
{
	trace_post(n, req, res, false);
}

void http_get_trace(struct fog_node *n, const struct http_request *req, struct http_response *res)
{
	trace_get(n, req, res, false);
}

void http_delete_trace(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	trace_delete(n, res, false);
}

void http_post_capture(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	trace_post(n, req, res, true);
}

void http_get_capture(struct fog_node *n, const struct http_request *req, struct http_response *res)
{
	trace_get(n, req, res, true);
}

void http_delete_capture(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	trace_delete(n, res, true);
}
