// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The consensus that this node goes by, how the authorities take what it announces, and its leave.
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../node_directory.h"
#include "http.h"
#include "view.h"

static const char *const consensus_answers[] = {
        [NODE_DIRECTORY_WAITING] = "waiting",
        [NODE_DIRECTORY_TAKEN] = "taken",
        [NODE_DIRECTORY_REFUSED] = "refused",
        [NODE_DIRECTORY_UNREACHABLE] = "unreachable",
};

static json_t *consensus_node(const struct fog_consensus_node *node)
{
	const struct fog_descriptor *d = &node->descriptor;

	return json_pack(
	        "{s:s s:o s:s s:i s:I s:o s:i s:i s:s s:s s:I s:s s:i s:s s:I}", "name", d->name,
	        "node_id", view_hex(d->node_id, FOG_ID_LEN), "role", fog_role_name(d->role),
	        "layer", node->layer, "since", (json_int_t)node->since, "address",
	        view_ip(&d->address), "mix_port", d->mix_port, "directory_port", d->directory_port,
	        "operator", d->operator, "family", d->family, "as", (json_int_t)d->as_number,
	        "region", d->region, "bandwidth", d->bandwidth, "software", d->software, "sequence",
	        (json_int_t)d->sequence
	);
}

static json_t *consensus_nodes(const struct fog_consensus *c)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < c->node_count; i++)
		json_array_append_new(list, consensus_node(&c->node[i]));
	return list;
}

static json_t *consensus_left(const struct fog_consensus *c)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < c->left_count; i++)
		json_array_append_new(
		        list,
		        json_pack(
		                "{s:o s:s s:s}", "node_id",
		                view_hex(c->left[i].node_id, FOG_ID_LEN), "reason",
		                fog_refusal_label(c->left[i].reason), "text",
		                fog_refusal_text(c->left[i].reason)
		        )
		);
	return list;
}

static json_t *consensus_authorities(const struct fog_consensus *c, const struct fog_topology *t)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < t->authority_count; i++)
		json_array_append_new(
		        list,
		        json_pack(
		                "{s:s s:b s:b s:b s:b}", "name", t->authority[i].name, "voted",
		                c->voted >> i & 1, "shared", c->shared >> i & 1, "lied",
		                c->lied >> i & 1, "signed", c->signers >> i & 1
		        )
		);
	return list;
}

static json_t *consensus_rates(const struct fog_cover_rates *r)
{
	return json_pack(
	        "{s:I s:I s:I s:I s:I s:I s:I}", "loop_us", (json_int_t)r->loop_us, "drop_us",
	        (json_int_t)r->drop_us, "dummy_us", (json_int_t)r->dummy_us, "client_send_us",
	        (json_int_t)r->client_send_us, "client_loop_us", (json_int_t)r->client_loop_us,
	        "client_fetch_us", (json_int_t)r->client_fetch_us, "slack_ms",
	        (json_int_t)r->slack_ms
	);
}

static void consensus_json(
        void *ctx, const struct fog_consensus *c, const struct fog_topology *network
)
{
	json_t **out = ctx;

	*out = json_pack(
	        "{s:s s:I s:I s:I s:o s:o s:i s:i s:o s:o s:o s:o}", "network", network->name,
	        "epoch", (json_int_t)c->epoch, "until", (json_int_t)c->until, "previous_epoch",
	        (json_int_t)c->previous_epoch, "digest", view_hex(c->digest, 32), "beacon",
	        view_hex(c->beacon, 32), "layers", (int)c->layers, "threshold", (int)c->threshold,
	        "rates", consensus_rates(&c->rates), "authorities",
	        consensus_authorities(c, network), "nodes", consensus_nodes(c), "left_out",
	        consensus_left(c)
	);
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
	int64_t epoch = -1;
	json_t *out = NULL;

	node_directory_look(n, &v);
	if (req->query[1] != NULL &&
	    http_query_number(res, "epoch", req->query[1], 0, INT64_MAX, &epoch) < 0)
		return;
	bool raw = req->query[0] != NULL;
	int r = node_directory_use(
	        n, epoch < 0 ? UINT64_MAX : (uint64_t)epoch, raw ? consensus_raw : consensus_json,
	        raw ? (void *)res : (void *)&out
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
