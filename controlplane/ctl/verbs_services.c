// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fogctl services, operations and bench: parts of the control plane, and long work.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "table.h"
#include "verb.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { POLL_MS = 500 };

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static int64_t now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

// Prints what it says meanwhile; the number of its last line.
static json_int_t wait_log(const struct ctl_answer *answer, json_int_t after)
{
	size_t i;
	json_t *line;

	json_array_foreach(json_object_get(answer->json, "log"), i, line)
	{
		const char *text = json_string_value(json_object_get(line, "text"));
		if (text != NULL)
			ctl_print_safe(stderr, text, strlen(text));
		fputc('\n', stderr);
		after = json_integer_value(json_object_get(line, "number"));
	}
	return after;
}

static bool wait_over(const char *state)
{
	return state == NULL || (strcmp(state, "queued") != 0 && strcmp(state, "running") != 0);
}

// Until the operation 'number' has ended; what came of it is shown.
static int wait_for(struct ctl_client *c, struct ctl_call *call, const char *number)
{
	const char *within = ctl_call_value(call, "--timeout");
	int64_t end = within != NULL ? now_s() + strtoll(within, NULL, 10) : INT64_MAX;
	struct ctl_answer answer;
	json_int_t after = 0;
	char target[96];

	for (;;) {
		snprintf(
		        target, sizeof(target), "/v1/operations/%s?after=%lld", number,
		        (long long)after
		);
		int r = ctl_call_other(c, CTL_ROUTE_get_operation, target, NULL, &answer);
		if (r != CTL_OK)
			return r;
		const char *state = json_string_value(json_object_get(answer.json, "state"));
		if (!c->json)
			after = wait_log(&answer, after);
		if (wait_over(state)) {
			bool done = state != NULL && strcmp(state, "done") == 0;
			json_object_del(answer.json, "log");
			r = ctl_call_show(c, call, &answer);
			return done ? r : CTL_REFUSED;
		}
		ctl_answer_free(&answer);
		if (now_s() >= end)
			break;
		pause_ms(POLL_MS);
	}
	fprintf(stderr,
	        "fogctl: operation %s goes on: wait longer, or 'fogctl operations cancel %s'\n",
	        number, number);
	return CTL_REFUSED;
}

static int operations_wait(struct ctl_client *c, struct ctl_call *call)
{
	return wait_for(c, call, call->part[0]);
}

static int bench_start(struct ctl_client *c, struct ctl_call *call)
{
	struct ctl_answer answer;
	char number[24];

	if (!ctl_call_flag(call, "--wait"))
		return ctl_call_plain(c, call);
	int r = ctl_call_ask(c, call, &answer);
	if (r != CTL_OK)
		return r;
	snprintf(
	        number, sizeof(number), "%lld",
	        (long long)json_integer_value(json_object_get(answer.json, "operation"))
	);
	ctl_answer_free(&answer);
	return wait_for(c, call, number);
}

// clang-format off
static const struct ctl_field restart_fields[] = {
	{.option = "--force", .field = "force", .kind = CTL_FLAG, .text = "also when others need it: they stop before it and start after it"},
	{0},
};

static const struct ctl_verb services_verbs[] = {
	{.word = "list", .route = CTL_ROUTE_get_services, .list = "services", .columns = "name state health critical restarts since why"},
	{.word = "show", .route = CTL_ROUTE_get_service},
	{.word = "health", .route = CTL_ROUTE_get_services_health, .state = "health", .bad = "unhealthy"},
	{.word = "dependencies", .route = CTL_ROUTE_get_services_dependencies},
	{.word = "breakers", .route = CTL_ROUTE_get_services, .list = "breakers", .columns = "name state failures calls failed refused retry_ms"},
	{.word = "check", .route = CTL_ROUTE_post_services_check},
	{.word = "restart", .route = CTL_ROUTE_post_service_restart, .fields = restart_fields},
};
const struct ctl_group ctl_group_services = {
	.name = "services", .verb = services_verbs, .count = COUNT(services_verbs),
	.text =
		"Parts of the control plane. check checks all of them now, and shows what was known before. health exits\n"
		"with 1 when one that the node can't do without is unhealthy. breakers: what spares others who don't answer.\n",
};

#define PAGE_BACK \
	{.option = "--before", .value = "NUMBER", .field = "before", .kind = CTL_NUMBER, .text = "go on with those before this one"}, \
	{.option = "--limit", .value = "N", .field = "limit", .kind = CTL_NUMBER, .text = "how many at most"}

static const struct ctl_field operations_fields[] = {
	{.option = "--state", .value = "STATE", .field = "state", .text = "queued, running, done, failed or cancelled"},
	{.option = "--kind", .value = "KIND", .field = "kind", .text = "what is done, such as benchmark"},
	PAGE_BACK,
	{0},
};
static const struct ctl_field operation_fields[] = {
	{.option = "--after", .value = "LINE", .field = "after", .kind = CTL_NUMBER, .text = "of what it has said, the lines behind this one"},
	{0},
};
static const struct ctl_field wait_fields[] = {
	{.option = "--timeout", .value = "SECONDS", .kind = CTL_NUMBER, .text = "how long to wait at most; it goes on then"},
	{0},
};
static const struct ctl_verb operations_verbs[] = {
	{.word = "list", .route = CTL_ROUTE_get_operations, .fields = operations_fields, .list = "operations", .columns = "id kind owner state progress created_at ended_at"},
	{.word = "show", .route = CTL_ROUTE_get_operation, .fields = operation_fields},
	{.word = "wait", .route = CTL_ROUTE_get_operation, .fields = wait_fields, .run = operations_wait},
	{.word = "cancel", .route = CTL_ROUTE_post_operation_cancel},
};
const struct ctl_group ctl_group_operations = {
	.name = "operations", .verb = operations_verbs, .count = COUNT(operations_verbs),
	.text =
		"Long work. wait says on the standard error what it says, shows what came of it, and exits with 1 when it\n"
		"has failed or was cancelled.\n",
};

static const struct ctl_field bench_list_fields[] = {
	{.option = "--state", .value = "STATE", .field = "state", .text = "queued, running, done, failed or cancelled"},
	{.option = "--type", .value = "TYPE", .field = "type", .text = "of those, one type"},
	PAGE_BACK,
	{0},
};
static const struct ctl_field bench_fields[] = {
	{.value = "TYPE", .field = "type", .needed = true},
	{.option = "--seconds", .value = "N", .field = "seconds", .kind = CTL_NUMBER, .text = "how long to measure"},
	{.option = "--rate", .value = "N", .field = "rate", .kind = CTL_NUMBER, .text = "of latency: loops a second on average"},
	{.option = "--force", .field = "force", .kind = CTL_FLAG, .text = "of latency: also when records of 'fogctl loops' are wiped by it"},
	{.option = "--wait", .kind = CTL_FLAG, .text = "until it has ended, and show what came of it"},
	{.option = "--timeout", .value = "SECONDS", .kind = CTL_NUMBER, .text = "of --wait: how long at most; it goes on then"},
	{0},
};
static const struct ctl_verb bench_verbs[] = {
	{.word = "list", .route = CTL_ROUTE_get_benchmarks, .fields = bench_list_fields, .list = "benchmarks", .columns = "id type seconds owner state progress created_at ended_at"},
	{.word = "show", .route = CTL_ROUTE_get_benchmark},
	{.word = "start", .route = CTL_ROUTE_post_benchmarks, .fields = bench_fields, .run = bench_start},
	{.word = "stop", .route = CTL_ROUTE_post_operation_cancel},
	{.word = "delete", .route = CTL_ROUTE_delete_benchmark},
};
const struct ctl_group ctl_group_bench = {
	.name = "bench", .verb = bench_verbs, .count = COUNT(bench_verbs),
	.text =
		"TYPE is crypto: whole unwraps in memory, by instruction set; latency: loops of this node through the network; or\n"
		"throughput: what the workers carry meanwhile, without traffic of its own. A benchmark is an operation: stop takes its\n"
		"number, 'fogctl operations', too. delete stops one that has not ended, and removes one that has.\n",
};
// clang-format on
