// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fogctl drain: have the data plane end without losing a packet, and wait until it has.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client.h"
#include "rest.h"

static const char drain_usage[] =
        "usage: fogctl drain [--wait] [--grace MS] [-j]\n"
        "The data plane goes on for the grace, takes no more packets then, sends what it holds when "
        "that is due, and ends. A service manager does not start it again by itself.\n"
        "\n"
        "  --wait        return when the data plane has ended, and say meanwhile what is left\n"
        "  --grace MS    how long packets are still taken (drain.grace of the configuration)\n";

// Parked packets of the data plane of this boot; -1: it has ended.
static int drain_left(struct ctl_client *c, const char *boot_id, json_int_t *parked)
{
	struct ctl_request request = {.method = "GET", .path = "/v1/status"};
	struct ctl_answer answer;
	int r = ctl_client_call(c, &request, &answer);

	if (r != CTL_OK)
		return r;
	const char *boot = json_string_value(
	        json_object_get(json_object_get(answer.json, "data_plane"), "boot_id")
	);
	const json_t *held = json_object_get(json_object_get(answer.json, "books"), "parked");
	if (boot == NULL || strcmp(boot, boot_id) != 0)
		*parked = -1;
	else if (json_is_integer(held))
		*parked = json_integer_value(held);
	ctl_answer_free(&answer);
	return CTL_OK;
}

static int drain_wait(struct ctl_client *c, const json_t *accepted)
{
	const char *boot_id = json_string_value(json_object_get(accepted, "boot_id"));
	const struct timespec pause = {.tv_nsec = 100000000};
	json_int_t parked = 0, said = -1;

	for (int i = 0; boot_id != NULL; i++) {
		int r = drain_left(c, boot_id, &parked);
		if (r != CTL_OK)
			return r;
		if (parked < 0)
			break;
		if (i % 10 == 0 && parked != said && !c->json) {
			printf("draining   %lld parked\n", (long long)parked);
			fflush(stdout);
			said = parked;
		}
		nanosleep(&pause, NULL);
	}
	if (!c->json)
		puts("drained: the data plane has ended");
	return CTL_OK;
}

static int drain_send(struct ctl_client *c, const char *grace, bool wait)
{
	struct ctl_request request = {.method = "POST", .path = "/v1/drain"};
	struct ctl_answer answer;
	char body[64];
	char *end = NULL;

	if (grace != NULL) {
		unsigned long ms = strtoul(grace, &end, 10);
		if (end == grace || *end != '\0') {
			fprintf(stderr, "fogctl: --grace takes milliseconds, a whole number\n");
			return CTL_USAGE;
		}
		request.body_len = (size_t)snprintf(body, sizeof(body), "{\"grace_ms\": %lu}", ms);
		request.body = body;
	}
	int r = ctl_client_call(c, &request, &answer);
	if (r != CTL_OK)
		return r;
	if (c->json)
		puts(answer.body);
	else
		printf("draining   grace %lld ms, then at most %lld ms\n",
		       (long long)json_integer_value(json_object_get(answer.json, "grace_ms")),
		       (long long
		       )json_integer_value(json_object_get(answer.json, "longest_delay_ms")));
	if (wait)
		r = drain_wait(c, answer.json);
	ctl_answer_free(&answer);
	return r;
}

int ctl_drain(int argc, char **argv)
{
	const char *grace = NULL;
	bool wait = false;
	const struct ctl_option options[] = {
	        {"--wait", NULL, &wait}, {"--grace", &grace, NULL}, {NULL, NULL, NULL}};
	struct ctl_client client;
	int r = ctl_client_open(&client, &argc, argv, options, drain_usage);

	if (r != CTL_OK)
		return r < 0 ? CTL_OK : r;
	if (argc > 1) {
		fputs(drain_usage, stderr);
		r = CTL_USAGE;
	} else {
		r = drain_send(&client, grace, wait);
	}
	ctl_client_close(&client);
	return r;
}
