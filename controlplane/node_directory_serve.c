// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the public listener of a node answers with: what everybody may know, from memory.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node_directory_private.h"

static void serve_bytes(struct fog_serve_answer *out, const uint8_t *data, size_t len)
{
	out->data = malloc(len + 1);
	if (out->data == NULL) {
		fog_serve_refuse(
		        out, 503, "no_memory", "there is no memory for the answer: try again"
		);
		return;
	}
	if (len > 0)
		memcpy(out->data, data, len);
	out->len = len;
	out->status = 200;
	out->type = "application/octet-stream";
}

static const struct fog_consensus *serve_newest(const struct node_directory *d)
{
	uint64_t now = fog_schedule_epoch(&d->schedule, fog_clock_now_ns(d->node->clock));
	const struct fog_consensus *next = fog_view_exact(d->view, now + 1);

	return next != NULL ? next : fog_view_at(d->view, now);
}

// 'number': what stands behind "/directory/consensus/", or NULL.
static void serve_consensus(
        const struct node_directory *d, const char *number, struct fog_serve_answer *out
)
{
	const struct fog_consensus *c;
	char *end = NULL;

	if (number == NULL) {
		c = serve_newest(d);
	} else {
		errno = 0;
		uint64_t epoch = strtoull(number, &end, 10);
		if (number[0] < '0' || number[0] > '9' || *end != '\0' || errno != 0) {
			fog_serve_refuse(out, 400, "bad_epoch", "an epoch is a decimal number");
			return;
		}
		c = fog_view_exact(d->view, epoch);
	}
	if (c == NULL)
		fog_serve_refuse(
		        out, 404, "no_consensus", "this node has no such consensus: ask another"
		);
	else
		serve_bytes(out, c->data, c->len);
}

static void serve_figures(const struct node_directory *d, struct fog_serve_answer *out)
{
	char text[128];

	if (d->figures_epoch == 0) {
		fog_serve_refuse(out, 404, "no_figures", "no whole epoch is over yet");
		return;
	}
	int n = snprintf(
	        text, sizeof(text), "{\"epoch\": %" PRIu64 ", \"packets\": %" PRIu64 "}\n",
	        d->figures_epoch, d->figures_packets
	);
	serve_bytes(out, (const uint8_t *)text, (size_t)n);
	out->type = "application/json";
}

static void serve_proofs(const struct node_directory *d, struct fog_serve_answer *out)
{
	unsigned count = 0;
	const uint8_t *data = fog_view_proofs(d->view, &count);

	serve_bytes(out, data, (size_t)count * FOG_EQUIVOCATION_LEN);
}

static void serve_request(
        void *ctx, const char *method, const char *path, const uint8_t *body, size_t len,
        struct fog_serve_answer *out
)
{
	static const char consensus[] = "/directory/consensus";
	struct node_directory *d = ctx;

	if (strcmp(method, "GET") != 0) {
		fog_serve_refuse(out, 405, "method", "this listener only answers GET");
		return;
	}
	pthread_mutex_lock(&d->lock);
	if (d->network == NULL)
		fog_serve_refuse(out, 404, "no_directory", "this node's network has no directory");
	else if (strcmp(path, consensus) == 0)
		serve_consensus(d, NULL, out);
	else if (strncmp(path, consensus, sizeof(consensus) - 1) == 0 && path[sizeof(consensus) - 1] == '/')
		serve_consensus(d, path + sizeof(consensus), out);
	else if (strcmp(path, "/directory/equivocations") == 0)
		serve_proofs(d, out);
	else if (strcmp(path, "/directory/figures") == 0)
		serve_figures(d, out);
	else
		fog_serve_refuse(out, 404, "not_found", "there is nothing at this path");
	pthread_mutex_unlock(&d->lock);
}

const struct fog_serve_ops directory_serve_ops = {.request = serve_request};
