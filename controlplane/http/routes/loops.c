// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Loop packets: order them, read what became of them, throw the records away.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../node_directory.h"
#include "../page.h"
#include "../refusal.h"
#include "body.h"
#include "view.h"

enum { COUNT = 1000, RATE = 50, SPARE_S = 30 };

static json_t *loops_status(const struct fog_loops_status *s)
{
	static const char *const states[] = {"none", "sending", "waiting", "ended"};
	bool none = s->state == FOG_LOOPS_NONE;

	return json_pack(
	        "{s:s s:o s:I s:I s:I s:I s:I s:I s:I s:I s:I s:o}", "state", states[s->state],
	        "began_at", none ? json_null() : view_time_us(s->began_us), "count",
	        (json_int_t)s->request.count, "rate", (json_int_t)s->request.rate, "seconds",
	        (json_int_t)s->request.seconds, "sent", (json_int_t)s->sent, "arrived",
	        (json_int_t)s->arrived, "lost", (json_int_t)s->lost, "unknown",
	        (json_int_t)s->unknown, "flying",
	        (json_int_t)(s->sent - s->arrived - s->lost - s->unknown), "foreign",
	        (json_int_t)s->foreign, "why", s->why[0] != '\0' ? json_string(s->why) : json_null()
	);
}

static json_t *loops_record(uint32_t number, const struct fog_loop *l)
{
	static const char *const fates[] = {"flying", "arrived", "lost", "unknown"};
	json_t *path = json_array();

	for (unsigned i = 0; i < l->hops; i++)
		json_array_append_new(
		        path,
		        json_pack(
		                "{s:s s:o s:o}", "name", l->hop[i].name, "node_id",
		                view_hex(l->hop[i].id, FOG_ID_LEN), "tag",
		                view_hex(l->hop[i].tag, sizeof(l->hop[i].tag))
		        )
		);
	return json_pack(
	        "{s:I s:I s:s s:I s:o s:o}", "number", (json_int_t)number, "epoch",
	        (json_int_t)l->epoch, "fate", fates[l->fate], "departure_us",
	        (json_int_t)l->departure_us, "travel_us",
	        l->fate == FOG_LOOP_ARRIVED ? json_integer((json_int_t)l->travel_us) : json_null(),
	        "path", path
	);
}

static void loops_refused(struct fog_node *n, struct http_response *res, int r, const char *text)
{
	switch (r) {
	case -EBUSY:
		http_reply_problem(
		        res, 409, "loops_active", "wait for their end, or DELETE /v1/loops", "%s",
		        text
		);
		break;
	case -ENOTCONN:
		http_reply_problem(res, 503, "no_data_plane", "see /readyz", "%s", text);
		break;
	case -EOPNOTSUPP:
		http_reply_problem(
		        res, 422, "no_loops_here",
		        "ask a gateway of a network of two layers or more", "%s", text
		);
		break;
	case -EHOSTDOWN:
		http_reply_problem(res, 503, "off_path", "see /v1/nodes", "%s", text);
		res->retry_after_s = (int)node_directory_settles_s(n);
		break;
	case -ENOENT:
	case -EXDEV:
	case -E2BIG:
		http_reply_problem(res, 422, "no_path", "correct the topology", "%s", text);
		break;
	default:
		http_reply_error(res, r, NULL);
	}
}

void http_post_loops(struct fog_node *n, const struct http_request *req, struct http_response *res)
{
	int64_t count = http_body_number(req->json, "count", COUNT);
	int64_t rate = http_body_number(req->json, "rate", RATE);
	int64_t seconds = http_body_number(req->json, "seconds", 0);
	char text[FOG_LOOPS_TEXT_LEN] = "";
	struct fog_loops_status status;
	int r;

	if (seconds == 0) { // the Poisson clock may take longer than its mean says
		seconds = count / rate * 2 + SPARE_S;
		if (seconds > FOG_LOOPS_SECONDS_MAX)
			seconds = FOG_LOOPS_SECONDS_MAX;
	}
	const struct fog_loops_request request = {
	        (uint32_t)count, (uint32_t)rate, (uint32_t)seconds};
	r = fog_loops_start(n->loops, &request, text);
	if (r < 0) {
		loops_refused(n, res, r, text);
		return;
	}
	fog_loops_status(n->loops, &status);
	http_reply_json(res, 201, loops_status(&status));
}

void http_get_loops(struct fog_node *n, const struct http_request *req, struct http_response *res)
{
	struct fog_loops_status status;
	struct http_page page;

	http_page_begin(&page, req, "after");
	struct fog_loop *loop = calloc((size_t)page.limit, sizeof(*loop));
	if (loop == NULL) {
		http_page_drop(&page);
		http_reply_error(res, -ENOMEM, NULL);
		return;
	}
	// The state first: what it says to have ended does not change in the page any more.
	fog_loops_status(n->loops, &status);
	unsigned got = fog_loops_read(n->loops, (uint32_t)page.from, loop, (unsigned)page.limit);
	json_t *out = loops_status(&status);
	for (unsigned i = 0; i < got; i++)
		http_page_add(
		        &page, page.from + i + 1, loops_record((uint32_t)page.from + i, &loop[i])
		);
	explicit_bzero(loop, (size_t)page.limit * sizeof(*loop));
	free(loop);
	json_object_update_new(out, http_page_growing(&page, "records"));
	http_reply_json(res, 200, out);
}

void http_delete_loops(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	if (fog_loops_forget(n->loops) < 0)
		http_reply_problem(
		        res, 404, "no_loops", "POST /v1/loops begins some",
		        "there are no loops to throw away"
		);
	else
		http_reply_json(res, 200, json_pack("{s:s}", "state", "none"));
}
