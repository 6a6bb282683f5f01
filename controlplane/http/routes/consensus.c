// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The consensus that this node goes by, how the authorities take what it announces, and its leave.
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../../node_directory.h"
#include "../http.h"
#include "consensus_json.h"
#include "view.h"

static const char *const consensus_answers[] = {
        [NODE_DIRECTORY_WAITING] = "waiting",
        [NODE_DIRECTORY_TAKEN] = "taken",
        [NODE_DIRECTORY_REFUSED] = "refused",
        [NODE_DIRECTORY_UNREACHABLE] = "unreachable",
};

static void consensus_json(
        void *ctx, const struct fog_consensus *c, const struct fog_topology *network
)
{
	json_t **out = ctx;

	*out = fog_consensus_json(c, network);
}

static void consensus_raw(
        void *ctx, const struct fog_consensus *c, const struct fog_topology *network
)
{
	struct http_response *res = ctx;

	res->body = malloc(c->len);
	if (res->body == NULL)
		return;
	memcpy(res->body, c->data, c->len);
	res->body_len = c->len;
	res->type = "application/octet-stream";
	res->status = 200;
}

// How this node itself fares with the authorities.
static json_t *consensus_self(const struct node_directory_view *v)
{
	json_t *said = json_array();

	for (unsigned i = 0; i < v->authorities; i++) {
		const struct node_directory_authority *a = &v->authority[i];
		json_array_append_new(
		        said,
		        json_pack(
		                "{s:s s:s s:s s:s}", "name", a->name, "answer",
		                consensus_answers[a->answer], "code", a->code, "text", a->text
		        )
		);
	}
	return json_pack(
	        "{s:b s:b s:b s:o s:o s:o}", "listed", v->listed, "late", v->late, "withdrawn",
	        v->withdrawn, "last_epoch",
	        v->last_epoch > 0 ? json_integer((json_int_t)v->last_epoch) : json_null(),
	        "gone_at",
	        v->gone_ns > 0 ? view_time_us((int64_t)(v->gone_ns / 1000)) : json_null(),
	        "authorities", said
	);
}

static void consensus_none(int r, const struct node_directory_view *v, struct http_response *res)
{
	if (r == -ENODATA)
		http_reply_problem(
		        res, 404, "no_directory", "'directory' in the topology makes one",
		        "the topology of this network lists the nodes, there is no consensus"
		);
	else
		http_reply_problem(
		        res, 404, "no_consensus", "see /readyz", "there is no such consensus here"
		);
}

void http_get_consensus(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	struct node_directory_view v;
	bool raw = http_query_number(req, "raw") != 0;
	uint64_t epoch = http_query_given(req, "epoch") ? (uint64_t)http_query_number(req, "epoch")
	                                                : UINT64_MAX;
	json_t *out = NULL;

	node_directory_look(n, &v);
	int r = node_directory_use(
	        n, epoch, raw ? consensus_raw : consensus_json, raw ? (void *)res : (void *)&out
	);
	if (r < 0) {
		consensus_none(r, &v, res);
		return;
	}
	if (raw && res->body != NULL)
		return;
	if (out != NULL)
		json_object_set_new(out, "self", consensus_self(&v));
	http_reply_json(res, 200, out);
}

static void consensus_withdraw(struct fog_node *n, bool withdrawn, struct http_response *res)
{
	struct node_directory_view v;

	if (!node_directory_look(n, &v)) {
		consensus_none(-ENODATA, &v, res);
		return;
	}
	int r = node_directory_withdraw(n, withdrawn);
	if (r < 0) {
		http_reply_problem(
		        res, 500, "not_written", "make the state folder writable", "%s",
		        strerror(-r)
		);
		return;
	}
	node_directory_look(n, &v);
	http_reply_json(res, 200, consensus_self(&v));
}

void http_post_withdraw(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	consensus_withdraw(n, true, res);
}

void http_delete_withdraw(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	consensus_withdraw(n, false, res);
}
