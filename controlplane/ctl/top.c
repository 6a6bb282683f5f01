// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fogctl top: what every worker does, once a second. Rates come from the difference of two
// readings, so the first view has none.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "rest.h"
#include "table.h"

static const char top_usage[] = "usage: fogctl top [-n COUNT] [--delay SECONDS]\n"
                                "  -n COUNT          stop after COUNT views\n"
                                "  --delay SECONDS   time between two views (1)\n";

static double top_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void top_rate(
        struct ctl_table *t, const json_t *now, const json_t *then, const char *key, double seconds
)
{
	const json_t *a = json_object_get(then, key), *b = json_object_get(now, key);
	char text[32];

	if (!json_is_integer(a) || !json_is_integer(b) || seconds <= 0 ||
	    json_integer_value(b) < json_integer_value(a)) {
		ctl_table_text(t, "-");
		return;
	}
	double change = (double)(json_integer_value(b) - json_integer_value(a));
	snprintf(text, sizeof(text), "%.0f", change / seconds);
	ctl_table_text(t, text);
}

static void top_row(struct ctl_table *t, const json_t *now, const json_t *then, double seconds)
{
	static const char *const rates[] = {"rx", "tx", "delivered", "drops", "sleeps"};

	ctl_table_value(t, json_object_get(now, "worker"));
	ctl_table_value(t, json_object_get(now, "cpu"));
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++)
		top_rate(t, now, then, rates[i], seconds);
	ctl_table_value(t, json_object_get(now, "parked"));
	ctl_table_value(t, json_object_get(json_object_get(now, "late_ns"), "p99"));
	ctl_table_value(t, json_object_get(json_object_get(now, "loop_ns"), "p99"));
	ctl_table_value(t, json_object_get(now, "accounting_gap"));
}

static void top_print(const json_t *now, const json_t *then, double seconds)
{
	const json_t *workers = json_object_get(now, "workers");
	const json_t *before = json_object_get(then, "workers");
	struct ctl_table *t = ctl_table_new(
	        "worker|cpu|received/s|sent/s|delivered/s|dropped/s|sleeps/s|parked|late p99 ns|loop p99 "
	        "ns|gap"
	);
	char stamp[32];
	time_t clock = time(NULL);
	struct tm tm;

	strftime(stamp, sizeof(stamp), "%Y-%m-%d %H:%M:%SZ", gmtime_r(&clock, &tm));
	if (isatty(STDOUT_FILENO))
		fputs("\033[H\033[2J", stdout);
	printf("%s\n", stamp);
	for (size_t i = 0; i < json_array_size(workers); i++)
		top_row(t, json_array_get(workers, i), json_array_get(before, i), seconds);
	ctl_table_print(t, stdout);
	if (!json_is_array(workers))
		puts("no data: no data plane is attached");
	fflush(stdout);
}

static int top_run(struct ctl_client *c, long count, double delay)
{
	struct ctl_request request = {.method = "GET", .path = "/v1/workers"};
	struct ctl_answer answer;
	json_t *then = NULL;
	double last = 0;
	int r = CTL_OK;

	for (long i = 0; r == CTL_OK && (count == 0 || i < count); i++) {
		if (i > 0)
			nanosleep(
			        &(struct timespec
			        ){(time_t)delay, (long)((delay - (double)(time_t)delay) * 1e9)},
			        NULL
			);
		r = ctl_client_call(c, &request, &answer);
		if (r != CTL_OK)
			break;
		double now = top_now();
		if (c->json)
			puts(answer.body);
		else
			top_print(answer.json, then, now - last);
		fflush(stdout);
		json_decref(then);
		then = json_incref(answer.json);
		last = now;
		ctl_answer_free(&answer);
	}
	json_decref(then);
	return r;
}

int ctl_top(int argc, char **argv)
{
	const char *count_text = "0", *delay_text = "1";
	const struct ctl_option own[] = {
	        {"-n", &count_text, NULL},
	        {"--delay", &delay_text, NULL},
	        {NULL, NULL, NULL},
	};
	struct ctl_client client;
	int r = ctl_client_open(&client, &argc, argv, own, top_usage);
	double delay = atof(delay_text);

	if (r != CTL_OK)
		return r < 0 ? CTL_OK : r;
	if (argc > 1 || atol(count_text) < 0 || delay < 0.1 || delay > 3600) {
		fputs(top_usage, stderr);
		r = CTL_USAGE;
	} else {
		r = top_run(&client, atol(count_text), delay);
	}
	ctl_client_close(&client);
	return r;
}
