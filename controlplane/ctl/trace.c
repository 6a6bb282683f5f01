// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fogctl trace: what happened to single packets, stage by stage.
#include <stdio.h>

#include "client.h"
#include "lookout.h"
#include "rest.h"

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

static int trace_begin(void *ctx, struct ctl_client *c, const json_t *answer)
{
	if (!c->json)
		trace_head();
	return CTL_OK;
}

static void trace_each(void *ctx, struct ctl_client *c, const json_t *record)
{
	if (c->json) {
		json_dumpf(record, stdout, JSON_COMPACT);
		puts("");
	} else {
		trace_row(record);
	}
	fflush(stdout);
}

int ctl_trace(int argc, char **argv)
{
	static const struct ctl_lookout lookout = {"/v1/trace", trace_begin, trace_each};
	struct ctl_lookout_options o = {0};
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
	if (argc != 1) {
		fputs(trace_usage, stderr);
		r = CTL_USAGE;
	} else {
		r = ctl_lookout_run(&client, &lookout, &o, NULL, trace_usage);
	}
	ctl_client_close(&client);
	return r;
}
