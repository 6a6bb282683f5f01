// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fogctl trace: what happened to single packets, stage by stage.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "rest.h"
#include "table.h"

enum { WAIT_S = 5 };

static const char trace_usage[] =
        "usage: fogctl trace [--sample N] [--count N] [--seconds S] [--worker W] [-j]\n"
        "  --sample N   one packet of N (100; 1 = every packet)\n"
        "  --count N    end after N records (100; at most 10000)\n"
        "  --seconds S  end after S seconds (10; at most 600)\n"
        "  --worker W   of this worker only\n"
        "Columns are microseconds since the packet's arrival. Refused in production, unless the file says\n"
        "trace.allow: true. Ctrl-C ends the trace.\n";

static const char *const trace_stages[] = {
#define X(symbol, label, text) label,
#include "../../dataplane/api/trace.def"
};

enum { STAGES = sizeof(trace_stages) / sizeof(trace_stages[0]) };

static volatile sig_atomic_t trace_interrupted;

static void trace_on_signal(int number)
{
	trace_interrupted = 1;
}

struct trace_options {
	const char *sample, *count, *seconds, *worker;
};

static void trace_us(const json_t *ns, int width)
{
	if (json_is_integer(ns))
		printf(" %*.1f", width, (double)json_integer_value(ns) / 1e3);
	else
		printf(" %*s", width, "-");
}

static void trace_head(void)
{
	printf("%6s %3s %4s %12s", "id", "w", "port", "arrival us");
	for (int i = 0; i < STAGES; i++)
		printf(" %9s", trace_stages[i]);
	printf(" %9s %9s  outcome\n", "owed us", "late us");
}

static void trace_row(const json_t *r)
{
	const json_t *stages = json_object_get(r, "stages_ns"), *port = json_object_get(r, "port");
	const json_t *owed = json_object_get(r, "owed_us");
	const char *drop = json_string_value(json_object_get(r, "drop"));

	printf("%6lld %3lld", (long long)json_integer_value(json_object_get(r, "id")),
	       (long long)json_integer_value(json_object_get(r, "worker")));
	if (json_is_integer(port))
		printf(" %4lld", (long long)json_integer_value(port));
	else
		printf(" %4s", "own");
	trace_us(json_object_get(r, "arrival_ns"), 12);
	for (int i = 0; i < STAGES; i++)
		trace_us(json_object_get(stages, trace_stages[i]), 9);
	if (json_is_integer(owed))
		printf(" %9lld", (long long)json_integer_value(owed));
	else
		printf(" %9s", "-");
	trace_us(json_object_get(r, "late_ns"), 9);
	printf("  %s%s%s\n", json_string_value(json_object_get(r, "outcome")),
	       drop != NULL ? " " : "", drop != NULL ? drop : "");
}

static void trace_page(const struct ctl_client *c, const json_t *answer)
{
	const json_t *list = json_object_get(answer, "records");

	for (size_t i = 0; i < json_array_size(list); i++) {
		if (c->json) {
			json_dumpf(json_array_get(list, i), stdout, JSON_COMPACT);
			puts("");
		} else {
			trace_row(json_array_get(list, i));
		}
	}
	fflush(stdout);
}

static int trace_follow(struct ctl_client *c)
{
	json_int_t after = 0, next;
	bool active = true;
	char path[96];

	do {
		struct ctl_request request = {
		        .method = "GET", .path = path, .timeout_s = WAIT_S + 15};
		struct ctl_answer answer;
		snprintf(
		        path, sizeof(path), "/v1/trace?after=%lld&limit=1000&wait=%d",
		        (long long)after, trace_interrupted ? 0 : WAIT_S
		);
		int r = ctl_client_call(c, &request, &answer);
		if (r != CTL_OK)
			return r;
		trace_page(c, answer.json);
		const char *state = json_string_value(json_object_get(answer.json, "state"));
		active = state != NULL && strcmp(state, "active") == 0;
		next = json_integer_value(json_object_get(answer.json, "next"));
		ctl_answer_free(&answer);
		bool more = next > after;
		after = next;
		active |= more; // a full page may not have been all
	} while (active && !trace_interrupted);
	if (after == 0 && !c->json)
		puts("no packet came");
	return CTL_OK;
}

static char *trace_body(const struct trace_options *o)
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

static int trace_run(struct ctl_client *c, const char *body)
{
	struct ctl_request start = {
	        .method = "POST", .path = "/v1/trace", .body = body, .body_len = strlen(body)};
	struct ctl_request stop = {.method = "DELETE", .path = "/v1/trace"};
	struct sigaction on = {.sa_handler = trace_on_signal};
	struct ctl_answer answer;

	sigaction(SIGINT, &on, NULL);
	sigaction(SIGTERM, &on, NULL);
	int r = ctl_client_call(c, &start, &answer);
	if (r != CTL_OK)
		return r;
	ctl_answer_free(&answer);
	if (!c->json)
		trace_head();
	r = trace_follow(c);
	// Nothing stays behind in the control plane's memory.
	if (ctl_client_request(c, &stop, &answer) == CTL_OK)
		ctl_answer_free(&answer);
	return r;
}

int ctl_trace(int argc, char **argv)
{
	struct trace_options o = {0};
	const struct ctl_option own[] = {
	        {"--sample", &o.sample, NULL},
	        {"--count", &o.count, NULL},
	        {"--seconds", &o.seconds, NULL},
	        {"--worker", &o.worker, NULL},
	        {NULL, NULL, NULL},
	};
	struct ctl_client client;
	int r = ctl_client_open(&client, &argc, argv, own, trace_usage);

	if (r != CTL_OK)
		return r < 0 ? CTL_OK : r;
	char *body = argc == 1 ? trace_body(&o) : NULL;
	if (body == NULL) {
		fputs(trace_usage, stderr);
		r = CTL_USAGE;
	} else {
		r = trace_run(&client, body);
	}
	free(body);
	ctl_client_close(&client);
	return r;
}
