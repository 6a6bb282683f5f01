// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A node with its platform and a dispatcher, without HTTP below it, and one request at a time.
#pragma once

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../controlplane/http/dispatch.h"
#include "../../../controlplane/node.h"
#include "../run.h"
#include "../store/store_rig.h"

#define JSON_TYPE "application/json"

static char folder[64];
static struct fog_node *node;
static struct http_dispatcher *dispatcher;
static const struct http_peer operator= {.local = true, .member = true, .uid = 7};
static const struct http_peer chief = {.local = true, .member = true, .chief = true};
static const struct http_peer stranger = {.local = true, .uid = 8};
static const struct http_peer remote = {.address = "192.0.2.9", .network = "192.0.2.9"};

// The answer to the last request.
static char answer[1 << 16], headers[1 << 14];
static const char *const *sent; // headers of the next one

static inline int start(void)
{
	char path[128], text[2048], state[128];
	FILE *f;

	snprintf(folder, sizeof(folder), "/tmp/fog-dispatch-XXXXXX");
	if (sodium_init() < 0 || fog_crypto_init() < 0 || mkdtemp(folder) == NULL)
		return -1;
	umask(077);
	snprintf(path, sizeof(path), "%s/n.yaml", folder);
	snprintf(state, sizeof(state), "%s/state", folder);
	snprintf(
	        text, sizeof(text),
	        "instance: dispatchtest\nuser: \"\"\ndataplane_user: \"\"\nworkers: {cpus: [0]}\n"
	        "limits: {auth: 100000, write: 100000, read: 100000}\n"
	        "ports:\n  - {name: p0, driver: loop, device: a, addresses: [192.0.2.1]}\n"
	        "rest: {cors_origins: [\"https://panel.example\"]}\n"
	        "run_dir: %s\nstate_dir: %s\ntopology: %s/t.yaml\n%s",
	        folder, state, folder, rig_node_store(state)
	);
	f = fopen(path, "we");
	if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0)
		return -1;
	if (fog_node_create(path, NULL, NULL, &node) < 0 || fog_node_start(node) < 0)
		return -1;
	const struct http_dispatcher_params params = {.node = node, .tls = true};
	return http_dispatcher_create(&params, &dispatcher);
}

static inline int stop(void)
{
	char command[96];

	http_dispatcher_destroy(dispatcher);
	fog_node_destroy(node);
	fog_epoch_key_destroy("dispatchtest", FOG_NODE_EPOCH);
	fog_keyring_secret_destroy("dispatchtest");
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static inline void put(void *ctx, const char *name, const char *value)
{
	size_t used = strlen(headers);

	snprintf(headers + used, sizeof(headers) - used, "%s: %s\n", name, value);
}

static inline struct http_exchange *begin(
        struct http_head *head, const struct http_peer *peer, const char *method,
        const char *target, const char *body
)
{
	*head = (struct http_head){.method = method, .target = target, .peer = peer};
	head->has_length = body != NULL;
	head->length = body != NULL ? strlen(body) : 0;
	if (body != NULL)
		head->header[HTTP_CONTENT_TYPE] = JSON_TYPE;
	for (unsigned i = 0; sent != NULL && i < HTTP_HEADERS; i++)
		if (sent[i] != NULL)
			head->header[i] = sent[i];
	return http_exchange_begin(dispatcher, head);
}

static inline int end(struct http_exchange *x, const char *body)
{
	http_exchange_finish(x, body != NULL ? body : "", body != NULL ? strlen(body) : 0, false);
	const struct http_response *res = http_exchange_response(x);
	int status = res->status;
	snprintf(
	        answer, sizeof(answer), "%.*s", (int)res->body_len,
	        res->body != NULL ? res->body : ""
	);
	headers[0] = '\0';
	http_exchange_headers(x, put, NULL);
	http_exchange_end(x);
	return status;
}

static inline int ask(
        const struct http_peer *peer, const char *method, const char *target, const char *body
)
{
	struct http_head head;

	return end(begin(&head, peer, method, target, body), body);
}

// With one header.
static inline int ask_with(
        enum http_header which, const char *value, const struct http_peer *peer, const char *method,
        const char *target, const char *body
)
{
	const char *more[HTTP_HEADERS] = {[HTTP_HEADERS - 1] = NULL};

	more[which] = value;
	sent = more;
	int status = ask(peer, method, target, body);
	sent = NULL;
	return status;
}

static inline bool says(const char *part)
{
	return strstr(answer, part) != NULL;
}

static inline bool has(const char *header)
{
	return strstr(headers, header) != NULL;
}
