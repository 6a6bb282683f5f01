// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// X25519 by instruction set and batch size, beside what the execution ports allow for the ladder's
// instruction mix (see limit.h), timed in the same windows.
#include <sodium.h>
#include <string.h>

#include "bench.h"
#include "limit.h"

enum { SIZES = 4, CASES_MAX = BENCH_ISAS_MAX * (SIZES + 1) };

// Any bytes are scalars and points.
struct curve {
	const struct fog_crypto_ops *isa;
	unsigned n;
	uint8_t mem[3][FOG_CRYPTO_BATCH_MAX][32];
	uint8_t *out[FOG_CRYPTO_BATCH_MAX];
	const uint8_t *scalar[FOG_CRYPTO_BATCH_MAX], *point[FOG_CRYPTO_BATCH_MAX];
};

static struct curve curve[CASES_MAX];

static void multiply(void *ctx, uint64_t lap[])
{
	struct curve *c = ctx;

	(void)lap;
	c->isa->x25519(c->n, c->out, c->scalar, c->point);
}

static void mix_run(void *ctx, uint64_t lap[])
{
	const struct limit *limit = ctx;

	(void)lap;
	limit->run();
}

static struct bench_case curve_case(struct curve *c, const struct fog_crypto_ops *isa, unsigned n)
{
	c->isa = isa;
	c->n = n;
	randombytes_buf(c->mem, sizeof(c->mem));
	for (unsigned i = 0; i < n; i++) {
		c->out[i] = c->mem[0][i];
		c->scalar[i] = c->mem[1][i];
		c->point[i] = c->mem[2][i];
	}
	return (struct bench_case){.run = multiply, .ctx = c, .ops = n};
}

// One case for each size that differs from the one before, and one for the limit.
static unsigned isa_cases(struct bench_case *cases, const struct fog_crypto_ops *isa, unsigned at)
{
	const unsigned size[SIZES] = {1, isa->width, 2 * isa->width, FOG_CRYPTO_BATCH_MAX};
	// Some primitives of a table may be the reference's.
	bool own = isa->x25519 != fog_crypto_ops_get("ref")->x25519;
	const struct limit *limit = own ? limit_of(isa->name) : NULL;
	unsigned n = 0, last = 0;

	for (unsigned i = 0; i < SIZES; i++) {
		if (size[i] <= last)
			continue;
		last = size[i];
		cases[n] = curve_case(&curve[at + n], isa, size[i]);
		n++;
	}
	if (limit != NULL)
		cases[n++] = (struct bench_case
		){.run = mix_run, .ctx = (void *)limit, .ops = limit->multiplications};
	return n;
}

static void rows_add(struct bench_report *report, const struct bench_case *cases, unsigned n)
{
	const struct bench_case *limit = cases[n - 1].run == mix_run ? &cases[n - 1] : NULL;

	for (unsigned i = 0; i < n && &cases[i] != limit; i++) {
		const struct curve *c = cases[i].ctx;
		json_t *row = bench_row(report);

		json_object_set_new(row, "isa", json_string(c->isa->name));
		json_object_set_new(row, "n", json_integer(c->n));
		bench_row_figure(row, "cycles", &cases[i].cycles);
		json_object_set_new(row, "per_second", json_real(1e9 / cases[i].ns.median));
		if (limit == NULL) {
			json_object_set_new(row, "limit_cycles", json_null());
			json_object_set_new(row, "share_of_limit", json_null());
			continue;
		}
		json_object_set_new(row, "limit_cycles", json_real(limit->cycles.median));
		json_object_set_new(
		        row, "share_of_limit",
		        json_real(limit->cycles.median / cases[i].cycles.median)
		);
	}
}

static int run(struct bench_report *report)
{
	const struct fog_crypto_ops *isa[BENCH_ISAS_MAX];
	struct bench_case cases[CASES_MAX] = {0};
	unsigned isas = bench_isas(isa), n = 0, of[BENCH_ISAS_MAX];

	for (unsigned i = 0; i < isas; i++) {
		of[i] = isa_cases(cases + n, isa[i], n);
		n += of[i];
	}
	int ret = bench_measure(&report->plan, cases, n);
	if (ret < 0)
		return ret;
	n = 0;
	for (unsigned i = 0; i < isas; i++) {
		rows_add(report, cases + n, of[i]);
		n += of[i];
	}
	return 0;
}

const struct bench bench_x25519 = {
        .name = "x25519",
        .what = "X25519 by instruction set and batch size, and its share of the port limit",
        .key = (const char *const[]){"isa", "n", NULL},
        .run = run,
};
