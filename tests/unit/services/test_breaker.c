// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The circuit breaker: its states by an injected clock, many callers at once.
#include "../../../controlplane/services/breaker.h"
#include "../run.h"

enum { FIRST_MS = 1000000, THREADS = 4, CALLS = 20000 };

static struct fog_breaker b;

static enum fog_breaker_state state(uint64_t now_ms)
{
	struct fog_breaker_view v;

	fog_breaker_look(&b, now_ms, &v);
	return v.state;
}

static bool call(bool success, uint64_t now_ms)
{
	uint64_t ticket;

	if (!fog_breaker_enter(&b, now_ms, &ticket))
		return false;
	fog_breaker_leave(&b, ticket, success, now_ms);
	return true;
}

static void fail(unsigned times, uint64_t now_ms)
{
	for (unsigned i = 0; i < times; i++)
		CU_ASSERT_TRUE(call(false, now_ms));
}

static void test_open(void)
{
	struct fog_breaker_view v;
	uint64_t now = FIRST_MS;

	fog_breaker_init(&b, "somebody");
	fail(4, now);
	CU_ASSERT_TRUE(call(true, now)); // not in a row
	fail(4, now);
	CU_ASSERT_EQUAL(state(now), FOG_BREAKER_CLOSED);
	fail(1, now);
	CU_ASSERT_EQUAL(state(now), FOG_BREAKER_OPEN);
	CU_ASSERT_TRUE(fog_breaker_refuses(&b, now));
	CU_ASSERT_FALSE(call(true, now));
	CU_ASSERT_FALSE(call(true, now + FOG_BREAKER_OPEN_MS - 1));
	fog_breaker_look(&b, now + 1000, &v);
	CU_ASSERT_STRING_EQUAL(v.name, "somebody");
	CU_ASSERT_EQUAL(v.retry_ms, FOG_BREAKER_OPEN_MS - 1000);
	CU_ASSERT_EQUAL(v.calls, 10);
	CU_ASSERT_EQUAL(v.failed, 9);
	CU_ASSERT_EQUAL(v.refused, 2);
	CU_ASSERT_FALSE(fog_breaker_refuses(&b, now + FOG_BREAKER_OPEN_MS));
	fog_breaker_destroy(&b);
}

static void test_half_open(void)
{
	uint64_t now = FIRST_MS, ticket[FOG_BREAKER_TRIALS], none;

	fog_breaker_init(&b, "somebody");
	fail(5, now);
	now += FOG_BREAKER_OPEN_MS;
	for (unsigned i = 0; i < FOG_BREAKER_TRIALS; i++)
		CU_ASSERT_TRUE(fog_breaker_enter(&b, now, &ticket[i]));
	CU_ASSERT_EQUAL(state(now), FOG_BREAKER_HALF_OPEN);
	CU_ASSERT_FALSE(fog_breaker_enter(&b, now, &none)); // three at once are enough
	fog_breaker_leave(&b, ticket[0], true, now);
	fog_breaker_leave(&b, ticket[1], true, now);
	CU_ASSERT_EQUAL(state(now), FOG_BREAKER_HALF_OPEN);
	fog_breaker_leave(&b, ticket[2], true, now);
	CU_ASSERT_EQUAL(state(now), FOG_BREAKER_CLOSED);

	fail(5, now);
	now += FOG_BREAKER_OPEN_MS;
	for (unsigned i = 0; i < FOG_BREAKER_TRIALS; i++)
		CU_ASSERT_TRUE(fog_breaker_enter(&b, now, &ticket[i]));
	fog_breaker_leave(&b, ticket[0], true, now);
	fog_breaker_leave(&b, ticket[1], false, now); // one is enough
	CU_ASSERT_EQUAL(state(now), FOG_BREAKER_OPEN);
	CU_ASSERT_FALSE(call(true, now + FOG_BREAKER_OPEN_MS - 1));
	fog_breaker_destroy(&b);
}

// Whoever entered in another state says nothing of this one.
static void test_late(void)
{
	uint64_t now = FIRST_MS, early, late;

	fog_breaker_init(&b, "somebody");
	CU_ASSERT_TRUE(fog_breaker_enter(&b, now, &early));
	CU_ASSERT_TRUE(fog_breaker_enter(&b, now, &late));
	fail(5, now);
	fog_breaker_leave(&b, early, true, now);
	CU_ASSERT_EQUAL(state(now), FOG_BREAKER_OPEN);
	now += FOG_BREAKER_OPEN_MS;
	CU_ASSERT_TRUE(call(true, now));
	fog_breaker_leave(&b, late, false, now);
	CU_ASSERT_EQUAL(state(now), FOG_BREAKER_HALF_OPEN);
	fog_breaker_destroy(&b);
}

static void test_insist(void)
{
	uint64_t now = FIRST_MS, ticket;

	fog_breaker_init(&b, "somebody");
	fail(5, now);
	for (unsigned i = 0; i < FOG_BREAKER_TRIALS; i++) {
		fog_breaker_insist(&b, now + 1, &ticket);
		CU_ASSERT_EQUAL(state(now + 1), FOG_BREAKER_HALF_OPEN);
		fog_breaker_leave(&b, ticket, true, now + 1);
	}
	CU_ASSERT_EQUAL(state(now + 1), FOG_BREAKER_CLOSED);
	fail(5, now + 1);
	fog_breaker_insist(&b, now + 2, &ticket);
	fog_breaker_leave(&b, ticket, false, now + 2);
	CU_ASSERT_EQUAL(state(now + 2), FOG_BREAKER_OPEN);
	CU_ASSERT_TRUE(fog_breaker_refuses(&b, now + 1 + FOG_BREAKER_OPEN_MS));
	fog_breaker_destroy(&b);
}

static void *crowd_run(void *arg)
{
	unsigned seed = *(unsigned *)arg;

	for (unsigned i = 0; i < CALLS; i++) {
		seed = seed * 1103515245 + 12345;
		(void)call((seed >> 16) % 3 != 0, FIRST_MS + (uint64_t)i * 100);
	}
	return NULL;
}

static void test_crowd(void)
{
	pthread_t thread[THREADS];
	unsigned seed[THREADS];
	struct fog_breaker_view v;

	fog_breaker_init(&b, "somebody");
	for (unsigned i = 0; i < THREADS; i++) {
		seed[i] = i;
		CU_ASSERT_EQUAL_FATAL(pthread_create(&thread[i], NULL, crowd_run, &seed[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	fog_breaker_look(&b, FIRST_MS, &v);
	CU_ASSERT_EQUAL(v.calls + v.refused, (uint64_t)THREADS * CALLS);
	CU_ASSERT_TRUE(v.failed < v.calls);
	CU_ASSERT_EQUAL(b.trials, 0); // nobody is under way any more
	fog_breaker_destroy(&b);
}

static CU_TestInfo tests[] = {
        {"opens after failures in a row", test_open},
        {"tries, closes or opens again", test_half_open},
        {"answers from another state", test_late},
        {"who insists is a trial", test_insist},
        {"many callers at once", test_crowd},
        CU_TEST_INFO_NULL,
};

int main(void)
{
	return check_run("breaker", tests);
}
