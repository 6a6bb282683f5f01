// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Series with known answers: packets at random instants through nodes that are known to delay or not, read
// as the control plane reads counters: late, early, and in steps that fit no bin.
#include <math.h>

#include "../../../controlplane/timing/law.h"
#include "../../../controlplane/timing/series.h"
#include "../run.h"

#define MS UINT64_C(1000000)

enum { WORKERS = 2, RATE = 400 };

static uint64_t random_state;
static struct timing_series *series;

// SplitMix64 (Steele, Lea, Flood 2014): any generator does, but each run has to be the same.
static double uniform(void)
{
	uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (double)((z ^ z >> 31) >> 11) / 0x1p53;
}

static double exponential(double mean)
{
	return -mean * log1p(-uniform());
}

// Counts by millisecond that a worker's counters are the running sums of.
enum { SLOTS = 310 * 1000, WARM_UP = 5000 };

static uint32_t in[WORKERS][SLOTS], out[WORKERS][SLOTS];

// Packets at random, 'RATE' a second for each worker; 'delay' says how long one stays, in seconds.
static void traffic(double (*delay)(void))
{
	memset(in, 0, sizeof(in));
	memset(out, 0, sizeof(out));
	for (unsigned w = 0; w < WORKERS; w++) {
		for (double t = exponential(1.0 / RATE); t * 1000 < SLOTS - 1;
		     t += exponential(1.0 / RATE)) {
			double leave = (t + delay()) * 1000;
			in[w][(unsigned)(t * 1000)]++;
			if (leave < SLOTS)
				out[w][(unsigned)leave]++;
		}
	}
}

// Feed the series with readings between 'step' and 'step' + 'jitter' apart.
static void feed(unsigned step, unsigned jitter)
{
	timing_series_reset(series, WORKERS);
	for (unsigned w = 0; w < WORKERS; w++) {
		struct timing_reading r = {0};
		unsigned at = WARM_UP;
		for (unsigned ms = 0; ms < SLOTS; ms++) {
			r.rx += in[w][ms];
			r.tx += out[w][ms];
			r.mixed += in[w][ms];
			if (ms != at)
				continue;
			r.ns = 1000000 * MS + (ms + 1) * MS;
			timing_series_add(series, w, &r);
			at += step + (unsigned)(uniform() * (jitter + 1));
		}
	}
}

static double delay_none(void)
{
	return 0;
}

static double delay_fixed(void)
{
	return 0.4;
}

static double delay_law(void)
{
	double d;

	do {
		d = exponential(0.05);
	} while (d > 0.5);
	return d;
}

static void test_unrelated(void)
{
	unsigned over = 0;

	for (unsigned i = 0; i < 40; i++) {
		random_state = 100 + i;
		traffic(delay_none);
		for (unsigned w = 0; w < WORKERS; w++) {
			uint32_t shuffled[1024];
			// Departures of another, unrelated stream at the same rate.
			for (unsigned ms = 0; ms + 1024 <= SLOTS; ms += 1024) {
				unsigned from = (unsigned)(uniform() * (SLOTS - 1024));
				memcpy(shuffled, &in[w][from], sizeof(shuffled));
				memcpy(&out[w][ms], shuffled, sizeof(shuffled));
			}
		}
		feed(50, 0);
		struct timing_correlation c = timing_series_correlate(series, 0.5);
		CU_ASSERT_EQUAL(c.lags, 11);
		CU_ASSERT(c.noise > 0.03 && c.noise < 0.06);
		CU_ASSERT(fabs(c.value) < 2 * c.noise);
		over += fabs(c.value) > c.noise;
	}
	CU_ASSERT(over <= 4);
}

static void test_no_delay(void)
{
	random_state = 1;
	traffic(delay_none);
	feed(50, 0);
	struct timing_correlation c = timing_series_correlate(series, 0.5);
	CU_ASSERT(c.value > 0.99);
	CU_ASSERT_EQUAL(c.lag_s, 0);
	feed(37, 20);
	c = timing_series_correlate(series, 0.5);
	CU_ASSERT(c.value > 0.99);
}

static void test_fixed_delay(void)
{
	random_state = 2;
	traffic(delay_fixed);
	feed(50, 0);
	struct timing_correlation c = timing_series_correlate(series, 0.5);
	CU_ASSERT(c.value > 0.98);
	CU_ASSERT_DOUBLE_EQUAL(c.lag_s, 0.4, 1e-9);
	c = timing_series_correlate(series, 0.3);
	CU_ASSERT(fabs(c.value) < 2 * c.noise);
}

// An honest node: what the law lets one see, and no more. Odd steps of readings blur bins, but don't
// make up what is not there.
static void test_honest(void)
{
	const struct timing_law law = {.mean_s = 0.05, .max_s = 0.5};
	double best = 0;

	for (unsigned lag = 0; lag < 11; lag++)
		best = fmax(best, timing_law_correlation(&law, 0.05, lag));
	random_state = 3;
	traffic(delay_law);
	feed(50, 0);
	struct timing_correlation c = timing_series_correlate(series, 0.5);
	CU_ASSERT_DOUBLE_EQUAL(c.value, best, c.noise);
	feed(30, 15);
	c = timing_series_correlate(series, 0.5);
	CU_ASSERT(c.value > best - 2 * c.noise && c.value < best + 0.15);
}

// Delays longer than TIMING_LAGS_MAX bins: bins are joined.
static void test_joined(void)
{
	random_state = 4;
	traffic(delay_fixed);
	feed(50, 0);
	struct timing_correlation c = timing_series_correlate(series, 20);
	CU_ASSERT_DOUBLE_EQUAL(c.bin_s, 0.1, 1e-9);
	CU_ASSERT_EQUAL(c.lags, TIMING_LAGS_MAX + 1);
	CU_ASSERT(c.value > 0.98);
	CU_ASSERT_DOUBLE_EQUAL(c.lag_s, 0.4, 1e-9);
	c = timing_series_correlate(series, 3600);
	CU_ASSERT(isnan(c.value));
}

static void test_rate(void)
{
	random_state = 5;
	traffic(delay_none);
	feed(50, 0);
	double spread = sqrt(60.0 * RATE * WORKERS) / 60;
	CU_ASSERT_DOUBLE_EQUAL(timing_series_rate(series, 60, 10), RATE * WORKERS, 5 * spread);
	CU_ASSERT(timing_series_seconds(series) > 299 && timing_series_seconds(series) <= 300);
	// Readings too far apart say how many, but not when.
	feed(150, 0);
	CU_ASSERT_DOUBLE_EQUAL(timing_series_rate(series, 60, 10), RATE * WORKERS, 5 * spread);
	CU_ASSERT(timing_series_seconds(series) == 0);
	CU_ASSERT(isnan(timing_series_correlate(series, 0.5).value));
}

static struct timing_reading reading;

static void feed_steady(unsigned worker, unsigned readings)
{
	for (unsigned i = 0; i < readings; i++) {
		reading.ns += TIMING_BIN_MS * MS;
		reading.rx += 10;
		reading.tx += 10;
		reading.mixed += 10;
		timing_series_add(series, worker, &reading);
	}
}

// Exactly: which bins count. Readings stand in the middle of bins, so neither the first nor the last does.
static void test_bins(void)
{
	const double bin_s = TIMING_BIN_MS / 1e3;

	timing_series_reset(series, 1);
	reading = (struct timing_reading){.ns = 1000010 * MS};
	timing_series_add(series, 0, &reading);
	feed_steady(0, 20);
	CU_ASSERT_DOUBLE_EQUAL(timing_series_seconds(series), 19 * bin_s, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(timing_series_rate(series, 60, 0), 10 / bin_s, 1e-3);
	// A counter that has gone back is no reading, whichever it is.
	struct timing_reading back = reading;
	back.ns += TIMING_BIN_MS * MS;
	back.rx--;
	timing_series_add(series, 0, &back);
	back.rx++;
	back.tx--;
	timing_series_add(series, 0, &back);
	back.tx++;
	back.mixed--;
	timing_series_add(series, 0, &back);
	CU_ASSERT_DOUBLE_EQUAL(timing_series_seconds(series), 19 * bin_s, 1e-9);
	feed_steady(0, 2 * TIMING_BINS);
	CU_ASSERT_DOUBLE_EQUAL(timing_series_seconds(series), TIMING_BINS * bin_s, 1e-9);
	// One worker goes on, the other one stands: what the ring has no room for any more is not made up.
	timing_series_reset(series, 2);
	struct timing_reading other = reading;
	timing_series_add(series, 0, &reading);
	timing_series_add(series, 1, &other);
	feed_steady(0, 2 * TIMING_BINS);
	struct timing_reading first = reading;
	reading = other;
	feed_steady(1, 2 * TIMING_BINS);
	CU_ASSERT_DOUBLE_EQUAL(timing_series_seconds(series), TIMING_BINS * bin_s, 1e-9);
	reading = first;
	feed_steady(0, 500);
	CU_ASSERT_TRUE(timing_series_seconds(series) < (TIMING_BINS - 300) * bin_s);
	CU_ASSERT_TRUE(timing_series_seconds(series) > (TIMING_BINS - 500) * bin_s);
}

static void test_no_data(void)
{
	struct timing_reading r = {.ns = 1000000 * MS};

	timing_series_reset(series, 0);
	CU_ASSERT(isnan(timing_series_rate(series, 60, 10)));
	CU_ASSERT(isnan(timing_series_correlate(series, 0.5).value));
	timing_series_reset(series, WORKERS);
	for (unsigned i = 0; i < 1000; i++, r.ns += 50 * MS)
		timing_series_add(series, 0, &r); // the other worker is silent
	CU_ASSERT_EQUAL(timing_series_seconds(series), 0);
	CU_ASSERT(isnan(timing_series_rate(series, 60, 10)));
	timing_series_reset(series, 1);
	for (unsigned i = 0; i < 1000; i++, r.ns += 50 * MS)
		timing_series_add(series, 0, &r);
	// Nothing came, and that is known: a rate of 0; but nothing to correlate.
	CU_ASSERT_EQUAL(timing_series_rate(series, 60, 10), 0);
	CU_ASSERT(isnan(timing_series_rate(series, 60, 61)));
	CU_ASSERT(isnan(timing_series_correlate(series, 0.5).value));
	// Constant traffic has no spread either.
	timing_series_reset(series, 1);
	for (unsigned i = 0; i < 1000; i++, r.ns += 47 * MS, r.rx += 4700, r.tx += 4700)
		timing_series_add(series, 0, &r);
	CU_ASSERT(isnan(timing_series_correlate(series, 0.5).value));
	// On one side only: neither has.
	for (unsigned side = 0; side < 2; side++) {
		timing_series_reset(series, 1);
		for (unsigned i = 0; i < 1000; i++, r.ns += 47 * MS) {
			r.rx += side == 0 ? 4703 : i * 7919 % 1000;
			r.tx += side == 1 ? 4703 : i * 7919 % 1000;
			timing_series_add(series, 0, &r);
		}
		CU_ASSERT(isnan(timing_series_correlate(series, 0.5).value));
	}
}

// Counters of a hostile data plane: nothing may go wrong.
static void test_hostile(void)
{
	struct timing_reading r = {.ns = 1000000 * MS};

	random_state = 6;
	timing_series_reset(series, WORKERS);
	for (unsigned i = 0; i < 100000; i++) {
		r.ns = uniform() < 0.01 ? r.ns + (uint64_t)(uniform() * 1e15) : r.ns + 40 * MS;
		if (uniform() < 0.001)
			r.ns = (uint64_t)(uniform() * 1e18);
		r.rx = (uint64_t)(uniform() * 1.8e19);
		r.tx = (uint64_t)(uniform() * 1.8e19);
		timing_series_add(series, i % WORKERS, &r);
		if (i % 1000 == 0) {
			CU_ASSERT(timing_series_seconds(series) <= 300);
			struct timing_correlation c = timing_series_correlate(series, 0.5);
			CU_ASSERT(isnan(c.value) || fabs(c.value) < 1.001);
		}
	}
}

// What needs no figures to be known; timing_check.py has the rest.
static void test_law(void)
{
	const struct timing_law law = {.mean_s = 0.05, .max_s = 5};

	CU_ASSERT_EQUAL(timing_law_anonymity(&law, 0), 0);
	CU_ASSERT(timing_law_anonymity(&law, 0.001) < 0.01);
	// Danezis's limit for much traffic.
	CU_ASSERT_DOUBLE_EQUAL(timing_law_anonymity(&law, 1e7), log2(M_E * 1e7 * law.mean_s), 1e-4);
	// An untruncated exponential has log2(e mean).
	CU_ASSERT_DOUBLE_EQUAL(timing_law_entropy(&law, 50e-6), log2(M_E * 1000), 1e-9);
	double all = 0;
	for (unsigned lag = 0; lag <= 100; lag++)
		all += timing_law_correlation(&law, 0.05, lag);
	CU_ASSERT_DOUBLE_EQUAL(all, 1, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(timing_law_anonymity(&law, timing_law_rate(&law, 4)), 4, 1e-4);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"unrelated traffic stays in the noise", test_unrelated},
	        {"a node that does not delay is near 1", test_no_delay},
	        {"so is one that delays all alike, at its lag", test_fixed_delay},
	        {"an honest one shows what the law shows", test_honest},
	        {"bins are joined for long delays", test_joined},
	        {"rate", test_rate},
	        {"bins", test_bins},
	        {"no data", test_no_data},
	        {"impossible counters", test_hostile},
	        {"the law's limits", test_law},
	        CU_TEST_INFO_NULL,
	};

	series = timing_series_new();
	if (series == NULL)
		return 1;
	int r = check_run("timing", tests);
	timing_series_free(series);
	return r;
}
