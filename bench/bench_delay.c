// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The delay law: from a packet's replay tag to the delay that the node owes it.
#include <errno.h>
#include <sodium.h>

#include "../dataplane/crypto/delay.h"
#include "bench.h"

enum { TAGS = 1024, BATCH = 8 }; // as many at a time as a worker with AVX-512

static struct {
	struct fog_delay_law law;
	struct fog_aes_key key;
	uint8_t tag[TAGS][32];
	const uint8_t *tags[TAGS];
	uint32_t sender_ms[TAGS];
	volatile uint64_t sum; // the compiler must not find out that nobody reads the delays
} data;

static void draw(void *ctx, uint64_t lap[])
{
	uint64_t sum = 0;

	(void)ctx;
	(void)lap;
	for (unsigned i = 0; i < TAGS; i += BATCH) {
		uint64_t owed[BATCH];
		fog_delay_owed_batch(
		        &data.law, &data.key, BATCH, data.tags + i, data.sender_ms + i, owed
		);
		for (unsigned k = 0; k < BATCH; k++)
			sum += owed[k];
	}
	data.sum = sum;
}

static int run(struct bench_report *report)
{
	struct bench_case c = {.run = draw, .ops = TAGS};
	uint8_t key[32];

	randombytes_buf(key, sizeof(key));
	randombytes_buf(data.tag, sizeof(data.tag));
	for (unsigned i = 0; i < TAGS; i++)
		data.tags[i] = data.tag[i];
	if (fog_aes_key_init(&data.key, key, sizeof(key)) < 0 ||
	    fog_delay_law_init(&data.law, 50000, 500000, 0) < 0)
		return -EDOM;
	int ret = bench_measure(&report->plan, &c, 1);
	if (ret < 0)
		return ret;
	json_t *row = bench_row(report);
	json_object_set_new(row, "law", json_string("exponential, mean 50 ms, at most 500 ms"));
	bench_row_figure(row, "cycles", &c.cycles);
	return 0;
}

const struct bench bench_delay = {
        .name = "delay",
        .what = "the delay law, from tag to microseconds",
        .key = (const char *const[]){"law", NULL},
        .run = run,
};
