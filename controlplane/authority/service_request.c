// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What an authority answers. Refusals carry the label of refusals.def as their code.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service_form.h"

static void answer_bytes(struct fog_serve_answer *a, const void *data, size_t len)
{
	a->data = malloc(len + 1);
	if (a->data == NULL) {
		fog_serve_refuse(
		        a, 503, "no_memory", "there is no memory for the answer: try again"
		);
		return;
	}
	if (len > 0)
		memcpy(a->data, data, len);
	a->len = len;
	a->status = 200;
	a->type = "application/octet-stream";
}

static void answer_taken(struct fog_serve_answer *a)
{
	static const char text[] = "{\"taken\":true}\n";

	answer_bytes(a, text, sizeof(text) - 1);
	a->type = "application/json";
}

static void answer_refusal(struct fog_serve_answer *a, int r, const char *text)
{
	enum fog_refusal why = (enum fog_refusal)r;

	if (r == FOG_REFUSAL_NONE)
		answer_taken(a);
	else if (r < 0)
		fog_serve_refuse(a, 503, "busy", "there is no memory for it now: try again");
	else
		fog_serve_refuse(
		        a, 422, fog_refusal_label(why), "%s",
		        text != NULL && text[0] != '\0' ? text : fog_refusal_text(why)
		);
}

// The number behind 'prefix'. Returns whether 'path' is that and nothing else.
static bool path_number(const char *path, const char *prefix, uint64_t *number)
{
	size_t len = strlen(prefix);
	char *end = NULL;

	if (strncmp(path, prefix, len) != 0 || path[len] < '0' || path[len] > '9')
		return false;
	errno = 0;
	*number = strtoull(path + len, &end, 10);
	return errno == 0 && *end == '\0';
}

static void get_consensus(const struct fog_consensus *c, struct fog_serve_answer *a)
{
	if (c == NULL)
		fog_serve_refuse(a, 404, "no_consensus", "there is no such consensus here");
	else
		answer_bytes(a, c->data, c->len);
}

static void get_votes(const struct service *s, uint64_t epoch, struct fog_serve_answer *a)
{
	int r = fog_agreement_votes(s->agreement, epoch, &a->data, &a->len);

	if (r < 0) {
		fog_serve_refuse(
		        a, r == -ENOENT ? 404 : 503, r == -ENOENT ? "no_votes" : "no_memory",
		        "there are no votes of this epoch here, or they may still change"
		);
		return;
	}
	a->status = 200;
	a->type = "application/octet-stream";
}

// Of the last epoch that is over, in tens of nodes.
static void get_figures(const struct service *s, uint64_t epoch, struct fog_serve_answer *a)
{
	const struct fog_consensus *c = epoch > 0 ? fog_view_exact(s->view, epoch - 1) : NULL;
	char text[96];

	if (c == NULL) {
		fog_serve_refuse(a, 404, "no_figures", "the last epoch had no consensus");
		return;
	}
	int n = snprintf(
	        text, sizeof(text), "{\"epoch\":%" PRIu64 ",\"nodes\":%u}\n", c->epoch,
	        (c->node_count + 5) / 10 * 10
	);
	answer_bytes(a, text, (size_t)n);
	a->type = "application/json";
}

static void request_get(struct service *s, const char *path, struct fog_serve_answer *a)
{
	uint64_t now = fog_clock_now_ns(s->clock) / 1000000000 / s->p.network->epoch_s, epoch;
	unsigned count = 0;

	if (strcmp(path, "/directory/consensus") == 0) {
		get_consensus(fog_view_newest(s->view, now + 1), a);
	} else if (path_number(path, "/directory/consensus/", &epoch)) {
		get_consensus(fog_view_exact(s->view, epoch), a);
	} else if (path_number(path, "/directory/votes/", &epoch)) {
		get_votes(s, epoch, a);
	} else if (strcmp(path, "/directory/equivocations") == 0) {
		const uint8_t *proofs = fog_view_proofs(s->view, &count);
		answer_bytes(a, proofs, (size_t)count * FOG_EQUIVOCATION_LEN);
	} else if (strcmp(path, "/directory/figures") == 0) {
		get_figures(s, now, a);
	} else {
		fog_serve_refuse(a, 404, "no_such_path", "there is nothing here");
	}
}

static void request_post(
        struct service *s, const char *path, const uint8_t *body, size_t len,
        struct fog_serve_answer *a
)
{
	uint64_t now = fog_clock_now_ns(s->clock);
	char text[FOG_JUDGE_TEXT_LEN] = "";

	if (strcmp(path, "/directory/descriptors") == 0)
		answer_refusal(
		        a, fog_agreement_descriptor(s->agreement, body, len, now, text), text
		);
	else if (strcmp(path, "/directory/votes") == 0)
		answer_refusal(a, fog_agreement_vote(s->agreement, body, len, now), NULL);
	else if (strcmp(path, "/directory/signatures") == 0)
		answer_refusal(a, fog_agreement_signature(s->agreement, body, len, now), NULL);
	else
		fog_serve_refuse(a, 404, "no_such_path", "there is nothing to send here");
}

void service_request(
        void *ctx, const char *method, const char *path, const uint8_t *body, size_t len,
        struct fog_serve_answer *a
)
{
	struct service *s = ctx;

	pthread_mutex_lock(&s->lock);
	if (strcmp(method, "GET") == 0)
		request_get(s, path, a);
	else
		request_post(s, path, body, len, a);
	pthread_mutex_unlock(&s->lock);
}
