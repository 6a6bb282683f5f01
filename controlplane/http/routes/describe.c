// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The API describes itself. Both documents are made once: nothing in them changes while the process lives.
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../../node.h"
#include "../docs/docs.h"
#include "../docs/openapi.h"
#include "../http.h"

static struct {
	char *openapi, *page;
	size_t page_len;
	char policy[API_DOCS_POLICY_LEN];
} described;

static pthread_once_t describe_once = PTHREAD_ONCE_INIT;

static void describe_make(void)
{
	json_t *json = api_openapi(api_routes, api_route_count);

	described.openapi = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	api_docs(
	        api_routes, api_route_count, &described.page, &described.page_len, described.policy
	);
}

static void describe_answer(
        const struct fog_node *n, struct http_response *res, const char *text, size_t len,
        const char *type
)
{
	if (!n->started->rest.docs) {
		http_reply_problem(
		        res, 404, "no_docs", "set rest.docs: true and restart the control plane",
		        "this appliance does not describe its API"
		);
		return;
	}
	res->body = text != NULL ? malloc(len) : NULL;
	if (res->body == NULL) {
		http_reply_problem(res, 500, "no_memory", NULL, "out of memory");
		return;
	}
	memcpy(res->body, text, len);
	res->body_len = len;
	res->status = 200;
	res->type = type;
}

void http_get_openapi(struct fog_node *n, const struct http_request *req, struct http_response *res)
{
	pthread_once(&describe_once, describe_make);
	const char *text = described.openapi;
	describe_answer(n, res, text, text != NULL ? strlen(text) : 0, "application/json");
}

void http_get_docs(struct fog_node *n, const struct http_request *req, struct http_response *res)
{
	pthread_once(&describe_once, describe_make);
	describe_answer(n, res, described.page, described.page_len, "text/html; charset=utf-8");
	if (res->status == 200)
		res->policy = described.policy;
}
