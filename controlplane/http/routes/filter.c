// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The ports' filter: what is in force and from where, limits and denied prefixes at run time.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../config/prefix.h"
#include "../../node_filter.h"
#include "../refusal.h"
#include "filter_body.h"
#include "view.h"

static json_t *filter_value(unsigned limit, uint32_t value)
{
	return fog_filter_rows[limit].flag ? json_boolean(value) : json_integer(value);
}

// Under lock.
static json_t *filter_limits(const struct fog_node *n)
{
	const struct node_filter *f = n->filter;
	json_t *out = json_object();

	for (unsigned i = 0; i < FOG_FILTER_LIMITS; i++)
		json_object_set_new(
		        out, fog_filter_rows[i].key,
		        json_pack(
		                "{s:o s:s s:o}", "value",
		                filter_value(i, fog_filter_limit(&f->wanted, i)), "from",
		                f->own.set[i] ? "operator" : "file", "file",
		                filter_value(i, fog_filter_limit(&n->config->filter, i))
		        )
		);
	return out;
}

// Under lock.
static json_t *filter_deny(const struct fog_node *n)
{
	const struct node_filter *f = n->filter;
	const struct fog_config_filter *file = &n->config->filter;
	json_t *out = json_array();

	for (uint32_t i = 0; i < f->wanted.deny_count; i++) {
		const struct fog_prefix *p = &f->wanted.deny[i];
		bool in_file, by_operator;
		fog_prefix_find(file->deny, file->deny_count, p, &in_file);
		fog_prefix_find(f->own.deny, f->own.deny_count, p, &by_operator);
		json_array_append_new(
		        out,
		        json_pack(
		                "{s:o s:s}", "prefix", view_prefix(p), "from",
		                !by_operator      ? "file"
		                        : in_file ? "both"
		                                  : "operator"
		        )
		);
	}
	return out;
}

void http_get_filter(struct fog_node *n, const struct http_request *req, struct http_response *res)
{
	struct fog_dpclient_ack ack;

	pthread_rwlock_rdlock(&n->lock);
	json_t *out = filter_limits(n);
	uint64_t generation = n->generation;
	json_object_set_new(out, "deny", filter_deny(n));
	pthread_rwlock_unlock(&n->lock);
	json_object_set_new(out, "deny_max", json_integer(FOG_DENY_MAX));
	json_object_set_new(out, "state", json_string(http_config_state(n, generation, 0, &ack)));
	json_object_set_new(out, "text", ack.text[0] != '\0' ? json_string(ack.text) : json_null());
	http_reply_json(res, 200, out);
}

void http_get_deny(struct fog_node *n, const struct http_request *req, struct http_response *res)
{
	pthread_rwlock_rdlock(&n->lock);
	json_t *deny = filter_deny(n);
	pthread_rwlock_unlock(&n->lock);
	http_reply_json(res, 200, json_pack("{s:o s:i}", "deny", deny, "deny_max", FOG_DENY_MAX));
}

static void filter_refused(struct http_response *res, int r, const char *text)
{
	switch (r) {
	case -ENOENT:
		http_reply_problem(
		        res, 404, "not_denied", "see GET /v1/filter/deny (fogctl deny list)", "%s",
		        text
		);
		break;
	case -EPERM:
		http_reply_problem(
		        res, 422, "node_denied",
		        "send \"force\": true (fogctl deny add --force) to deny it nevertheless",
		        "%s", text
		);
		break;
	case -E2BIG:
		http_reply_problem(res, 409, "deny_full", NULL, "%s", text);
		break;
	case -ENOMEM:
		http_reply_error(res, r, NULL);
		break;
	default:
		http_reply_problem(
		        res, 500, "filter_not_set", "see the control plane's log", "%s", text
		);
	}
}

static void filter_change(
        struct fog_node *n, const struct fog_filter_change *c, struct http_response *res
)
{
	char text[FOG_NODE_FILTER_TEXT];
	struct fog_dpclient_ack ack;
	uint64_t generation = 0;
	int r = fog_node_filter_change(n, c, &generation, text);

	if (r < 0) {
		filter_refused(res, r, text);
		return;
	}
	const char *state = http_config_state(n, generation, HTTP_ACK_WAIT_MS, &ack);
	http_reply_json(
	        res, 200,
	        json_pack(
	                "{s:o s:s s:s?}", "generation",
	                generation > 0 ? json_integer((json_int_t)generation) : json_null(),
	                "state", state, "text", ack.text[0] != '\0' ? ack.text : NULL
	        )
	);
}

static struct fog_filter_change *filter_start(struct http_response *res)
{
	struct fog_filter_change *c = calloc(1, sizeof(*c));

	if (c == NULL)
		http_reply_error(res, -ENOMEM, NULL);
	return c;
}

void http_patch_filter(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	struct fog_filter_change *c = filter_start(res);

	if (c != NULL && filter_parse_limits(req->json, c, res) == 0)
		filter_change(n, c, res);
	free(c);
}

void http_post_deny(struct fog_node *n, const struct http_request *req, struct http_response *res)
{
	struct fog_filter_change *c = filter_start(res);

	if (c != NULL && filter_parse_deny(req->json, c, res) == 0)
		filter_change(n, c, res);
	free(c);
}

void http_delete_deny(struct fog_node *n, const struct http_request *req, struct http_response *res)
{
	struct fog_filter_change *c = filter_start(res);

	if (c != NULL &&
	    filter_parse_prefix("prefix", http_query_text(req, "prefix"), c, res) == 0) {
		c->remove = true;
		filter_change(n, c, res);
	}
	free(c);
}
