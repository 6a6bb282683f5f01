// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Does the time of X25519 tell anything about the scalar? After Reparaz, Balasch and Verbauwhede,
// "Dude, is my code constant time?" (2017): calls with one fixed scalar and calls with random ones
// alternate at random, and Welch's t says how sure it is that their mean times differ. Beyond 4.5
// something is likely to leak, beyond 10 it does; below that, this many calls did not show it.
//
// In the same run, on the same machine, a leak on purpose must show: the same multiplication, and
// after it one subtraction for every bit of the scalar that is 1.
#include <errno.h>
#include <math.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

enum { POOL = 256, LANES_MAX = 8, FUNCTIONS = 3, CROPS = 8, SAMPLES_MAX = 1000000, QUICK = 64 };

static struct bench_option options[] = {{"--samples", "calls per function", "20000"}, {0}};

// Of the calls of both classes together, how many of the fastest are kept: what disturbs a call from
// outside makes it slow. The largest t of all is reported.
static const double crops[CROPS] = {0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 1};

// One call's inputs. Both classes come from memory in the same way: the fixed scalar is there as
// often as the random ones.
struct inputs {
	uint8_t scalar[LANES_MAX][32], point[LANES_MAX][32];
};

struct sample {
	double cycles;
	unsigned random;
};

struct rig {
	const struct fog_crypto_ops *isa;
	struct inputs pool[2][POOL], now;
	uint8_t result[LANES_MAX][32];
	uint8_t *out[LANES_MAX];
	const uint8_t *scalar[LANES_MAX], *point[LANES_MAX];
	volatile unsigned countdown;
};

static void call_x25519(struct rig *r)
{
	r->isa->x25519(r->isa->width, r->out, r->scalar, r->point);
}

static void call_base(struct rig *r)
{
	r->isa->x25519_base(r->isa->width, r->out, r->scalar);
}

static void call_leak(struct rig *r)
{
	call_x25519(r);
	for (unsigned bit = 0; bit < 256; bit++) {
		if (r->now.scalar[0][bit / 8] >> bit % 8 & 1)
			r->countdown--;
	}
}

static const struct {
	const char *name;
	void (*call)(struct rig *);
} functions[FUNCTIONS] = {{"x25519", call_x25519}, {"x25519_base", call_base}, {"leak", call_leak}};

static void rig_make(struct rig *r, const struct fog_crypto_ops *isa)
{
	r->isa = isa;
	randombytes_buf(r->pool, sizeof(r->pool));
	for (unsigned i = 0; i < POOL; i++) {
		memset(r->pool[0][i].scalar, 0, sizeof(r->pool[0][i].scalar));
		memcpy(r->pool[1][i].point, r->pool[0][i].point, sizeof(r->pool[1][i].point));
	}
	for (unsigned i = 0; i < LANES_MAX; i++) {
		r->out[i] = r->result[i];
		r->scalar[i] = r->now.scalar[i];
		r->point[i] = r->now.point[i];
	}
}

static void samples_take(
        const struct bench_plan *plan, struct rig *r, void (*call)(struct rig *),
        struct sample *sample, unsigned n
)
{
	for (unsigned i = 0; i < n; i++) {
		unsigned random = randombytes_uniform(2), entry = randombytes_uniform(POOL);

		memcpy(&r->now, &r->pool[random][entry], sizeof(r->now));
		uint64_t start = bench_ticks();
		call(r);
		uint64_t ticks = bench_ticks() - start;
		sample[i].cycles = (double)ticks * plan->clock_mhz / plan->tsc_mhz / r->isa->width;
		sample[i].random = random;
	}
}

static int sample_compare(const void *a, const void *b)
{
	double x = ((const struct sample *)a)->cycles, y = ((const struct sample *)b)->cycles;

	return (x > y) - (x < y);
}

// Welch's t of the 'n' first samples, without its sign; 0 when a class is too small to tell.
static double welch(const struct sample *sample, unsigned n)
{
	double count[2] = {0}, mean[2] = {0}, square[2] = {0};

	for (unsigned i = 0; i < n; i++) {
		unsigned c = sample[i].random;
		double delta = sample[i].cycles - mean[c];

		count[c]++;
		mean[c] += delta / count[c];
		square[c] += delta * (sample[i].cycles - mean[c]);
	}
	if (count[0] < 2 || count[1] < 2)
		return 0;
	double error = 0;
	for (unsigned c = 0; c < 2; c++)
		error += square[c] / (count[c] - 1) / count[c];
	return error > 0 ? fabs(mean[0] - mean[1]) / sqrt(error) : 0;
}

static double row_add(
        struct bench_report *report, const char *isa, const char *function, struct sample *sample,
        unsigned n
)
{
	double *cycles = malloc(n * sizeof(*cycles)), t = 0, crop = 1;
	json_t *row = bench_row(report);

	if (cycles == NULL)
		return -1;
	qsort(sample, n, sizeof(*sample), sample_compare);
	for (unsigned i = 0; i < n; i++)
		cycles[i] = sample[i].cycles;
	for (unsigned i = 0; i < CROPS; i++) {
		double found = welch(sample, (unsigned)(crops[i] * n));

		if (found > t) {
			t = found;
			crop = crops[i];
		}
	}
	struct bench_figure figure = bench_figure_of(cycles, n);
	free(cycles);
	json_object_set_new(row, "isa", json_string(isa));
	json_object_set_new(row, "function", json_string(function));
	json_object_set_new(row, "samples", json_integer(n));
	json_object_set_new(row, "t", json_real(t));
	json_object_set_new(row, "crop", json_real(crop));
	bench_row_figure(row, "cycles", &figure);
	return t;
}

static int isa_measure(
        struct bench_report *report, struct rig *r, struct sample *sample, unsigned n
)
{
	for (unsigned f = 0; f < FUNCTIONS; f++) {
		double t;

		samples_take(&report->plan, r, functions[f].call, sample, n);
		if ((t = row_add(report, r->isa->name, functions[f].name, sample, n)) < 0)
			return -ENOMEM;
		if (functions[f].call == call_leak && t < 10)
			bench_note(
			        report,
			        "the leak on purpose of %s did not show: its other figures say nothing; "
			        "more --samples, or a quieter machine",
			        r->isa->name
			);
	}
	return 0;
}

static int run(struct bench_report *report)
{
	const struct fog_crypto_ops *isa[BENCH_ISAS_MAX];
	unsigned isas = bench_isas(isa), n = QUICK;
	struct rig *r = aligned_alloc(64, (sizeof(*r) + 63) / 64 * 64);
	struct sample *sample = NULL;
	double samples;
	int ret = bench_option_list(&options[0], QUICK, SAMPLES_MAX, &samples, 1);

	if (ret > 0) {
		if (!report->plan.quick)
			n = (unsigned)samples;
		sample = malloc(n * sizeof(*sample));
		report->plan.windows = n;
		ret = r == NULL || sample == NULL ? -ENOMEM : 0;
	}
	for (unsigned i = 0; i < isas && ret == 0; i++) {
		rig_make(r, isa[i]);
		ret = isa_measure(report, r, sample, n);
	}
	free(r);
	free(sample);
	return ret;
}

const struct bench bench_dudect = {
        .name = "dudect",
        .what = "does the time of X25519 depend on the scalar? Welch's t, and a leak that must show",
        .key = (const char *const[]){"isa", "function", NULL},
        .options = options,
        .run = run,
};
