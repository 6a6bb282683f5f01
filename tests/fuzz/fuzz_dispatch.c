// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Any request to the dispatcher of a real node without a data plane, by an operator or by nobody known: method, target, headers and body
// are foreign bytes. Every answer has a status and headers of one line each; an error is a problem in JSON with a code and its status.
// The first byte says whose it is and which route's method and path stand in place of those of the input; then lines: method,
// target, Content-Type, Idempotency-Key, If-Match, X-Correlation-Id, Origin, Authorization; what follows is the body.
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../controlplane/http/dispatch.h"
#include "../../controlplane/node.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LINES = 8, LINE_LEN = 9000, ANY_ROUTE = 128 };

static char folder[64];
static struct fog_node *node;
static struct http_dispatcher *dispatcher;

static void clean(void)
{
	char command[96];

	http_dispatcher_destroy(dispatcher);
	fog_node_destroy(node);
	fog_epoch_key_destroy("fuzzdispatch", FOG_NODE_EPOCH);
	fog_keyring_secret_destroy("fuzzdispatch");
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	if (system(command) != 0)
		fprintf(stderr, "%s stays\n", folder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char path[128];
	FILE *f;

	(void)argc;
	(void)argv;
	snprintf(folder, sizeof(folder), "/tmp/fog-fuzz-XXXXXX");
	if (sodium_init() < 0 || fog_crypto_init() < 0 || mkdtemp(folder) == NULL)
		abort();
	umask(077);
	snprintf(path, sizeof(path), "%s/n.yaml", folder);
	f = fopen(path, "we");
	if (f == NULL)
		abort();
	fprintf(f,
	        "instance: fuzzdispatch\nuser: \"\"\ndataplane_user: \"\"\nworkers: {cpus: [0]}\n"
	        "limits: {auth: 10000000, write: 10000000, read: 10000000}\n"
	        "rest: {cors_origins: [\"https://a.example\"]}\n"
	        "ports:\n  - {name: p0, driver: loop, device: a, addresses: [192.0.2.1]}\n"
	        "run_dir: %s\nstate_dir: %s/state\ntopology: %s/t.yaml\n",
	        folder, folder, folder);
	fclose(f);
	if (fog_node_create(path, NULL, NULL, &node) < 0 || fog_node_start(node) < 0)
		abort();
	const struct http_dispatcher_params params = {.node = node};
	if (http_dispatcher_create(&params, &dispatcher) < 0)
		abort();
	atexit(clean);
	return 0;
}

static void check_header(void *ctx, const char *name, const char *value)
{
	if (strpbrk(name, "\r\n: ") != NULL || strpbrk(value, "\r\n") != NULL)
		abort();
}

static void check_answer(struct http_exchange *x)
{
	const struct http_response *res = http_exchange_response(x);

	if (res->status < 200 || res->status > 599)
		abort();
	http_exchange_headers(x, check_header, NULL);
	if (res->status < 400 || strcmp(res->type, "application/json") == 0)
		return;
	json_t *problem = json_loadb(res->body, res->body_len, 0, NULL);
	if (json_integer_value(json_object_get(problem, "status")) != res->status ||
	    json_string_length(json_object_get(problem, "code")) == 0)
		abort();
	json_decref(problem);
}

// A line of the input, as text; NULL when it is empty.
static const char *take_line(const uint8_t **data, size_t *size, char line[LINE_LEN])
{
	const uint8_t *end = memchr(*data, '\n', *size);
	size_t len = end != NULL ? (size_t)(end - *data) : *size;
	size_t used = len < LINE_LEN ? len : LINE_LEN - 1;

	memcpy(line, *data, used);
	line[used] = '\0';
	*data += len + (end != NULL);
	*size -= len + (end != NULL);
	return line[0] != '\0' ? line : NULL;
}

// What would take its time: waiting, and hashing of passwords.
static bool slow(const struct http_head *head)
{
	return strstr(head->target, "wait") != NULL || strchr(head->target, '%') != NULL ||
	        strstr(head->target, "/auth/") != NULL || strstr(head->target, "/mfa") != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct http_peer operator= {.local = true, .member = true, .uid = 7};
	static const struct http_peer remote = {.address = "192.0.2.9", .network = "192.0.2.9"};
	static char line[LINES][LINE_LEN];

	static const enum http_header order[] = {HTTP_CONTENT_TYPE, HTTP_IDEMPOTENCY_KEY,
	                                         HTTP_IF_MATCH,     HTTP_CORRELATION_ID,
	                                         HTTP_ORIGIN,       HTTP_AUTHORIZATION};
	struct http_head head = {.peer = &remote};

	if (size == 0)
		return 0;
	unsigned choice = data[0];
	data++;
	size--;
	const char *method = take_line(&data, &size, line[0]);
	const char *target = take_line(&data, &size, line[1]);
	for (unsigned i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		head.header[order[i]] = take_line(&data, &size, line[2 + i]);
	if (choice < ANY_ROUTE) {
		const struct api_route *r = &api_routes[choice % api_route_count];
		method = r->method;
		if (strchr(r->path, '{') == NULL)
			target = r->path;
		head.peer = &operator;
	}
	head.method = method != NULL ? method : "GET";
	head.target = target != NULL ? target : "/";
	if (slow(&head))
		return 0;
	char *body = malloc(size > 0 ? size : 1);
	memcpy(body, data, size);
	head.has_length = size > 0;
	head.length = size;
	head.framing = choice == UINT8_MAX;
	struct http_exchange *x = http_exchange_begin(dispatcher, &head);
	if (x == NULL)
		abort();
	http_exchange_finish(x, body, size, false);
	check_answer(x);
	http_exchange_end(x);
	free(body);
	return 0;
}
