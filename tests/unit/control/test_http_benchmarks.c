// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Benchmarks by REST: operations that come to a result, one at a time, end when they are stopped, and are removed.
#include <stdio.h>
#include <stdlib.h>
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

// What can't be measured without a data plane says so.
static void without_data_plane(void)
{
	char path[64];

	begin("{\"type\":\"throughput\",\"seconds\":1}", path);
	CU_ASSERT(becomes(path, "\"state\":\"failed\""));
	CU_ASSERT(says("\"no_data_plane\""));
	begin("{\"type\":\"latency\",\"seconds\":1,\"rate\":5}", path);
	CU_ASSERT(becomes(path, "\"state\":\"failed\""));
	CU_ASSERT(says("\"code\":\"no_") && says("\"result\":null"));
	CU_ASSERT_EQUAL(ask("GET", "/v1/benchmarks?type=latency", ""), 200);
	CU_ASSERT(says("\"rate\":5") && says("\"type\":\"latency\"") && !says("\"throughput\""));
	CU_ASSERT_EQUAL(ask("GET", "/v1/benchmarks?state=failed", ""), 200);
	CU_ASSERT(says("\"throughput\"") && says("\"latency\"") && !says("\"crypto\""));
}

static void removed(int64_t first, int64_t last)
{
	char path[64];

	snprintf(path, sizeof(path), "/v1/benchmarks/%lld", (long long)last);
	CU_ASSERT_EQUAL(ask("GET", path, ""), 200);
	CU_ASSERT(says("\"result\":{") && says("\"type\":\"crypto\"") && says("\"rate\":null"));
	CU_ASSERT_EQUAL(ask("GET", "/v1/benchmarks?limit=1&type=crypto", ""), 200);
	CU_ASSERT(says("\"seconds\":1,") && !says("\"seconds\":600"));
	CU_ASSERT_FALSE(says("\"next\":null"));
	CU_ASSERT_EQUAL(ask("DELETE", path, ""), 204);
	CU_ASSERT_EQUAL(ask("DELETE", path, ""), 404);
	CU_ASSERT(says("\"no_benchmark\""));
	CU_ASSERT_EQUAL(ask("GET", path, ""), 404);
	CU_ASSERT_EQUAL(ask("GET", "/v1/benchmarks?type=crypto", ""), 200);
	CU_ASSERT(says("\"seconds\":600") && says("\"next\":null"));
	CU_ASSERT_EQUAL(ask("GET", "/v1/benchmarks?type=stress", ""), 400);
	snprintf(path, sizeof(path), "/v1/benchmarks/%lld", (long long)first);
	CU_ASSERT_EQUAL(ask("DELETE", path, ""), 204);
}

static int64_t number(const char *path)
{
	return strtoll(strrchr(path, '/') + 1, NULL, 10);
}

static void stopped(const char *path)
{
	char benchmark[80];

	snprintf(benchmark, sizeof(benchmark), "/v1/benchmarks/%lld", (long long)number(path));
	CU_ASSERT_EQUAL(ask("DELETE", benchmark, ""), 202);
	CU_ASSERT(says("\"cancel\":true") || says("\"cancelled\""));
	CU_ASSERT(becomes(benchmark, "\"state\":\"cancelled\""));
}

void test_http_benchmarks(void)
{
	int64_t first, last;
	char path[64];

	CU_ASSERT_EQUAL(ask("POST", "/v1/benchmarks", "{}"), 400);
	CU_ASSERT_EQUAL(
	        ask("POST", "/v1/benchmarks", "{\"type\":\"crypto\",\"seconds\":601}"), 400
	);
	CU_ASSERT_EQUAL(ask("POST", "/v1/benchmarks", "{\"type\":\"stress\"}"), 400);
	begin("{\"type\":\"crypto\",\"seconds\":600}", path);
	CU_ASSERT_EQUAL(ask("POST", "/v1/benchmarks", "{\"type\":\"crypto\"}"), 409);
	CU_ASSERT(says("\"benchmark_active\""));
	first = number(path);
	stopped(path);
	begin("{\"type\":\"crypto\",\"seconds\":1}", path);
	CU_ASSERT(becomes(path, "\"state\":\"done\""));
	CU_ASSERT(says("\"isa\":\"ref\"") && says("\"pps\":") && says("\"progress\":100"));
	CU_ASSERT_EQUAL(ask("GET", "/v1/operations?kind=benchmark", ""), 200);
	CU_ASSERT(says("\"kind\":\"benchmark\"") && says("\"seconds\":600"));
	last = number(path);
	without_data_plane();
	removed(first, last);
}
