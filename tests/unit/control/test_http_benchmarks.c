// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A benchmark by REST: an operation that comes to a result, one at a time, and ends when it is cancelled.
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../run.h"
#include "http_rig.h"

enum { PATIENCE = 600 }; // tenths of a second

static void begin(const char *body, char path[64])
{
	const char *at;

	CU_ASSERT_EQUAL_FATAL(ask("POST", "/v1/benchmarks", body), 202);
	at = strstr(answered(), "Location: ");
	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	snprintf(path, 64, "%.*s", (int)strcspn(at + 10, "\r"), at + 10);
}

static bool becomes(const char *path, const char *state)
{
	for (unsigned i = 0; i < PATIENCE; i++) {
		if (ask("GET", path, "") == 200 && says(state))
			return true;
		usleep(100000);
	}
	return false;
}

void test_http_benchmarks(void)
{
	char path[64], cancel[80];

	CU_ASSERT_EQUAL(ask("POST", "/v1/benchmarks", "{}"), 400);
	CU_ASSERT_EQUAL(
	        ask("POST", "/v1/benchmarks", "{\"type\":\"crypto\",\"seconds\":601}"), 400
	);
	CU_ASSERT_EQUAL(ask("POST", "/v1/benchmarks", "{\"type\":\"stress\"}"), 400);
	begin("{\"type\":\"crypto\",\"seconds\":600}", path);
	CU_ASSERT_EQUAL(ask("POST", "/v1/benchmarks", "{\"type\":\"crypto\"}"), 409);
	CU_ASSERT(says("\"benchmark_active\""));
	snprintf(cancel, sizeof(cancel), "%s/cancel", path);
	CU_ASSERT_EQUAL(ask("POST", cancel, ""), 202);
	CU_ASSERT(becomes(path, "\"state\":\"cancelled\""));
	begin("{\"type\":\"crypto\",\"seconds\":1}", path);
	CU_ASSERT(becomes(path, "\"state\":\"done\""));
	CU_ASSERT(says("\"isa\":\"ref\"") && says("\"pps\":") && says("\"progress\":100"));
	CU_ASSERT_EQUAL(ask("GET", "/v1/operations?kind=benchmark", ""), 200);
	CU_ASSERT(says("\"kind\":\"benchmark\"") && says("\"seconds\":600"));
}
