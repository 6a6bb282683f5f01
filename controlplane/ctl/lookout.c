// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "lookout.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WAIT_S = 1 }; // so long does Ctrl-C wait at the most

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	interrupted = 1;
}

static int lookout_follow(struct ctl_client *c, const struct ctl_lookout *l, void *ctx)
{
	json_int_t after = 0, next;
	bool active = true;
	char path[96];

	do {
		struct ctl_request request = {
		        .method = "GET", .path = path, .timeout_s = WAIT_S + 15};
		struct ctl_answer answer;
		snprintf(
		        path, sizeof(path), "%s?after=%lld&limit=1000&wait=%d", l->path,
		        (long long)after, interrupted ? 0 : WAIT_S
		);
		int r = ctl_client_call(c, &request, &answer);
		if (r != CTL_OK)
			return r;
		const json_t *list = json_object_get(answer.json, "records");
		for (size_t i = 0; i < json_array_size(list); i++)
			l->each(ctx, c, json_array_get(list, i));
		const char *state = json_string_value(json_object_get(answer.json, "state"));
		active = state != NULL && strcmp(state, "active") == 0;
		next = json_integer_value(json_object_get(answer.json, "next"));
		ctl_answer_free(&answer);
		active |= next > after; // a full page may not have been all
		after = next;
	} while (active && !interrupted);
	if (after == 0)
		fputs("fogctl: no packet came\n", stderr);
	return CTL_OK;
}

// NULL when one of the numbers is none.
static char *lookout_body(const struct ctl_lookout_options *o)
{
	const struct {
		const char *key, *text;
	} numbers[] = {
	        {"sample", o->sample},
	        {"count", o->count},
	        {"seconds", o->seconds},
	        {"worker", o->worker},
	};

	json_t *json = json_object();
	char *body;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		char *end = NULL;
		if (numbers[i].text == NULL)
			continue;
		long long value = strtoll(numbers[i].text, &end, 10);
		if (end == numbers[i].text || *end != '\0') {
			json_decref(json);
			return NULL;
		}
		json_object_set_new(json, numbers[i].key, json_integer(value));
	}
	body = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	return body;
}

int ctl_lookout_run(
        struct ctl_client *c, const struct ctl_lookout *l, const struct ctl_lookout_options *o,
        void *ctx, const char *usage
)
{
	struct sigaction on = {.sa_handler = on_signal};
	struct ctl_request stop = {.method = "DELETE", .path = l->path};
	char *body = lookout_body(o);
	struct ctl_answer answer;

	if (body == NULL) {
		fputs(usage, stderr);
		return CTL_USAGE;
	}
	struct ctl_request start = {
	        .method = "POST", .path = l->path, .body = body, .body_len = strlen(body)};
	// A reader that ends early (| head) and a terminal that goes away must not leave the trace running.
	sigaction(SIGINT, &on, NULL);
	sigaction(SIGTERM, &on, NULL);
	sigaction(SIGHUP, &on, NULL);
	sigaction(SIGPIPE, &on, NULL);
	int r = ctl_client_call(c, &start, &answer);
	free(body);
	if (r != CTL_OK)
		return r;
	r = l->begin(ctx, c, answer.json);
	ctl_answer_free(&answer);
	if (r == CTL_OK)
		r = lookout_follow(c, l, ctx);
	// Nothing stays behind in the control plane's memory.
	if (ctl_client_request(c, &stop, &answer) == CTL_OK)
		ctl_answer_free(&answer);
	return r;
}
