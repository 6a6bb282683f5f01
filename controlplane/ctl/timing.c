// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fogctl timing: how well the traffic of the last minutes hides in itself.
#include <stdio.h>

#include "client.h"
#include "rest.h"

static const char timing_usage[] = "usage: fogctl timing [-j]\n";

static void timing_line(const char *title, const json_t *o, const char *key, const char *text)
{
	const json_t *value = json_object_get(o, key);

	if (json_is_number(value))
		printf("%-22s %.3g %s\n", title, json_number_value(value), text);
	else
		printf("%-22s no data\n", title);
}

static void timing_print(const json_t *a)
{
	const json_t *c = json_object_get(a, "correlation"), *delay = json_object_get(a, "delay");
	const json_t *pool = json_object_get(a, "pool"), *set = json_object_get(a, "anonymity");

	timing_line("measured", a, "measured_s", "s of the last 300");
	timing_line("correlation", c, "value", "of frames in and out, 1 = shows everything");
	timing_line("  at a lag of", c, "lag_s", "s");
	timing_line("  by the delay law", c, "expected", "when packets come at random");
	timing_line("  noise", c, "noise", "unrelated traffic stays under it");
	timing_line("delay law", delay, "entropy_bits", "bits at the tick's resolution");
	timing_line("  mean", delay, "mean_s", "s");
	timing_line("packets mixed", a, "rate_pps", "a second");
	timing_line("packets in the pool", pool, "packets", "now");
	timing_line("  expected", pool, "expected", "at this rate");
	timing_line("anonymity set", set, "set", "packets: one that leaves could be any of them");
	timing_line("  entropy", set, "bits", "bits");
	if (json_is_true(json_object_get(a, "low_traffic")))
		printf("LOW TRAFFIC            less than timing.min_set %lld: more traffic, or a longer "
		       "delay.mean\n",
		       (long long)json_integer_value(json_object_get(set, "min_set")));
}

int ctl_timing(int argc, char **argv)
{
	return ctl_client_command(argc, argv, timing_usage, "/v1/timing", timing_print);
}
