// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The anti-replay window against a model that remembers every counter, at its edges, and with threads
// that all claim the same counters. Runs under TSan, too.
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "link/budget.h"
#include "link/window.h"

enum { MODEL = 1 << 17, ROUNDS = 200000 };

// Every counter that came, and the highest.
static struct {
	uint8_t came[MODEL];
	uint64_t highest;
} model;

static enum fog_window_answer model_look(uint64_t at)
{
	if (model.highest > at && model.highest - at > FOG_LINK_WINDOW)
		return FOG_WINDOW_OLD;
	return model.came[at] ? FOG_WINDOW_REPLAY : FOG_WINDOW_NEW;
}

static enum fog_window_answer model_claim(uint64_t at)
{
	enum fog_window_answer answer = model_look(at);

	if (answer != FOG_WINDOW_NEW)
		return answer;
	model.came[at] = 1;
	if (at <= model.highest)
		return FOG_WINDOW_NEW;
	model.highest = at;
	return FOG_WINDOW_NEWEST;
}

static struct fog_window *window_new(void)
{
	struct fog_window *w = calloc(1, sizeof(*w));

	CU_ASSERT_PTR_NOT_NULL_FATAL(w);
	return w;
}

// Steps forward of every size, steps back to both sides of the edge, copies.
static uint64_t next_counter(uint64_t *seed)
{
	uint64_t r = check_random(seed), back = r >> 8 & 0x3fff;

	switch (r & 7) {
	case 0:
		return model.highest + (r >> 40 & 0x1ff);
	case 1:
		back = FOG_LINK_WINDOW - 2 + (r >> 8 & 3);
		break;
	case 2:
		back = r >> 8 & 0x3f;
		break;
	case 3:
		return model.highest + 1;
	default:
		break;
	}
	return back > model.highest ? 0 : model.highest - back;
}

static void test_model(void)
{
	for (uint64_t walk = 0; walk < 4; walk++) {
		struct fog_window *w = window_new();
		uint64_t seed = walk;
		unsigned seen[4] = {0}, wrong = 0;

		memset(&model, 0, sizeof(model));
		for (unsigned i = 0; i < ROUNDS; i++) {
			uint64_t at = next_counter(&seed);
			if (at >= MODEL)
				break;
			wrong += fog_window_look(w, at) != model_look(at);
			enum fog_window_answer want = model_claim(at);
			wrong += fog_window_claim(w, at) != want;
			seen[want]++;
		}
		CU_ASSERT_EQUAL(wrong, 0);
		for (unsigned i = 0; i < 4; i++)
			CU_ASSERT_TRUE(seen[i] > 100); // the walk went everywhere
		free(w);
	}
}

// Exactly FOG_LINK_WINDOW behind the highest, wherever the highest lies in its block.
static void test_edge(void)
{
	for (uint64_t high = 3 * FOG_LINK_WINDOW; high < 3 * FOG_LINK_WINDOW + 70; high++) {
		struct fog_window *w = window_new();

		CU_ASSERT_EQUAL(fog_window_claim(w, 5), FOG_WINDOW_NEWEST);
		CU_ASSERT_EQUAL(fog_window_claim(w, high), FOG_WINDOW_NEWEST);
		CU_ASSERT_EQUAL(fog_window_look(w, high), FOG_WINDOW_REPLAY);
		CU_ASSERT_EQUAL(fog_window_claim(w, high), FOG_WINDOW_REPLAY);
		CU_ASSERT_EQUAL(fog_window_look(w, high - FOG_LINK_WINDOW - 1), FOG_WINDOW_OLD);
		CU_ASSERT_EQUAL(fog_window_claim(w, high - FOG_LINK_WINDOW - 1), FOG_WINDOW_OLD);
		CU_ASSERT_EQUAL(fog_window_look(w, high - FOG_LINK_WINDOW), FOG_WINDOW_NEW);
		unsigned taken = 0, again = 0;
		for (uint64_t at = high - FOG_LINK_WINDOW; at < high; at++)
			taken += fog_window_claim(w, at) == FOG_WINDOW_NEW;
		for (uint64_t at = high - FOG_LINK_WINDOW; at <= high; at++)
			again += fog_window_claim(w, at) == FOG_WINDOW_REPLAY;
		CU_ASSERT_EQUAL(taken, FOG_LINK_WINDOW);
		CU_ASSERT_EQUAL(again, FOG_LINK_WINDOW + 1);
		CU_ASSERT_EQUAL(fog_window_claim(w, 5), FOG_WINDOW_OLD);
		free(w);
	}
}

// The last counters that there are, and a leap over everything.
static void test_end(void)
{
	struct fog_window *w = window_new();
	uint64_t last = FOG_LINK_COUNTERS - 1;

	CU_ASSERT_EQUAL(fog_window_claim(w, 0), FOG_WINDOW_NEW); // nothing is above it yet
	CU_ASSERT_EQUAL(fog_window_claim(w, 0), FOG_WINDOW_REPLAY);
	CU_ASSERT_EQUAL(fog_window_claim(w, last), FOG_WINDOW_NEWEST);
	CU_ASSERT_EQUAL(fog_window_claim(w, last - 1), FOG_WINDOW_NEW);
	CU_ASSERT_EQUAL(fog_window_claim(w, last), FOG_WINDOW_REPLAY);
	CU_ASSERT_EQUAL(fog_window_claim(w, 0), FOG_WINDOW_OLD);
	free(w);
}

// Another thread has written its block and not yet raised the highest: what is a ring behind it is gone,
// and the block stays.
static void test_between(void)
{
	const uint64_t ahead = UINT64_C(5) * FOG_WINDOW_WORDS * FOG_WINDOW_BITS;
	struct fog_window *w = window_new();

	CU_ASSERT_EQUAL(fog_window_claim(w, ahead), FOG_WINDOW_NEWEST);
	w->highest = 0;
	uint64_t behind = ahead - (uint64_t)FOG_WINDOW_WORDS * FOG_WINDOW_BITS;
	CU_ASSERT_EQUAL(fog_window_look(w, behind), FOG_WINDOW_OLD);
	CU_ASSERT_EQUAL(fog_window_claim(w, behind), FOG_WINDOW_OLD);
	CU_ASSERT_EQUAL(fog_window_claim(w, ahead), FOG_WINDOW_REPLAY);
	free(w);
}

enum { RACERS = 4, RACE = 300000, CHUNK = 64 };

struct racer {
	struct fog_window *window;
	pthread_barrier_t *start;
	uint8_t *won; // [RACE], of this racer
	unsigned number;
};

// All racers claim every counter, in an order of their own within a chunk, so that they meet at the
// same words; a racer that falls behind finds the window gone.
static void *race(void *arg)
{
	struct racer *r = arg;
	uint64_t seed = r->number;

	pthread_barrier_wait(r->start);
	for (uint64_t chunk = 0; chunk < RACE / CHUNK; chunk++) {
		uint64_t turn = check_random(&seed) % CHUNK;
		for (uint64_t i = 0; i < CHUNK; i++) {
			uint64_t at = chunk * CHUNK + (i * 37 + turn) % CHUNK;
			if (fog_window_look(r->window, at) == FOG_WINDOW_NEW)
				r->won[at] = fog_window_claim(r->window, at) <= FOG_WINDOW_NEWEST;
		}
	}
	return NULL;
}

static void test_race(void)
{
	struct fog_window *w = window_new();
	struct racer racer[RACERS];
	pthread_t thread[RACERS];
	pthread_barrier_t start;
	unsigned twice = 0, never = 0;

	pthread_barrier_init(&start, NULL, RACERS);
	for (unsigned i = 0; i < RACERS; i++) {
		racer[i] = (struct racer){w, &start, calloc(RACE, 1), i};
		CU_ASSERT_EQUAL_FATAL(pthread_create(&thread[i], NULL, race, &racer[i]), 0);
	}
	for (unsigned i = 0; i < RACERS; i++)
		pthread_join(thread[i], NULL);
	for (unsigned at = 0; at < RACE / CHUNK * CHUNK; at++) {
		unsigned winners = 0;
		for (unsigned i = 0; i < RACERS; i++)
			winners += racer[i].won[at];
		twice += winners > 1;
		never += winners == 0;
	}
	CU_ASSERT_EQUAL(twice, 0);
	CU_ASSERT_TRUE(never < RACE / 2); // somebody is in front
	for (unsigned i = 0; i < RACERS; i++)
		free(racer[i].won);
	pthread_barrier_destroy(&start);
	free(w);
}

static void test_budget(void)
{
	struct fog_budget b = {.interval = 10, .depth = 20}, none = {0};
	unsigned taken = 0;

	for (unsigned i = 0; i < 10; i++)
		taken += fog_budget_take(&b, 1000);
	CU_ASSERT_EQUAL(taken, 3); // the burst
	CU_ASSERT_FALSE(fog_budget_take(&b, 1009));
	CU_ASSERT_TRUE(fog_budget_take(&b, 1010));
	CU_ASSERT_FALSE(fog_budget_take(&b, 1010));
	taken = 0;
	for (uint64_t now = 2000; now < 3000; now++)
		taken += fog_budget_take(&b, now);
	CU_ASSERT_EQUAL(taken, 3 + 99); // the burst, and one each interval
	for (unsigned i = 0; i < 1000; i++)
		CU_ASSERT_TRUE(fog_budget_take(&none, 0));
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"as the model says", test_model},
	        {"exactly the window", test_edge},
	        {"the last counters", test_end},
	        {"between two steps", test_between},
	        {"one winner among threads", test_race},
	        {"budget", test_budget},
	        CU_TEST_INFO_NULL,
	};

	return check_run("window", tests);
}
