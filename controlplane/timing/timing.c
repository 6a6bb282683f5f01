// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Reading the data plane's counters in short steps, and making figures of them on demand.
#include "timing.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <x86intrin.h>

#include "../../dataplane/api/plan.h"
#include "law.h"
#include "series.h"

enum {
	PUBLISH_NS = 10000000, // an awake worker publishes this often (dataplane/worker.c)
	READ_TRIES = 64,
	FRESH_NS = 1000000000,
};

struct fog_timing {
	struct fog_dpclient *dp;
	pthread_mutex_t lock; // guards the rest
	struct timing_series *series;
	uint8_t boot_id[16]; // of the data plane that the series is about
	bool attached;
	uint64_t tsc_hz;
	uint64_t parked;
	struct fog_timing_figures figures; // the last ones, of 'law'
	struct fog_timing_law law;
	uint64_t made_ns; // when; 0: never
};

int fog_timing_create(struct fog_dpclient *dp, struct fog_timing **out)
{
	struct fog_timing *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return -ENOMEM;
	pthread_mutex_init(&t->lock, NULL);
	t->dp = dp;
	t->series = timing_series_new();
	if (t->series == NULL) {
		fog_timing_destroy(t);
		return -ENOMEM;
	}
	*out = t;
	return 0;
}

void fog_timing_destroy(struct fog_timing *t)
{
	if (t == NULL)
		return;
	timing_series_free(t->series);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

static uint64_t timing_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

// The few counters that count here, without the waits of fog_stats_worker_read: a reading more or
// less does not matter. Returns whether it worked.
static bool timing_read(
        const struct fog_stats_worker *w, struct timing_reading *r, uint64_t *parked,
        uint64_t *heartbeat
)
{
	for (unsigned i = 0; i < READ_TRIES; i++) {
		uint32_t before = atomic_load_explicit(&w->sequence, memory_order_acquire);
		r->rx = w->counters.rx;
		r->tx = w->counters.tx;
		r->mixed = w->counters.owed_us.count;
		*parked = w->counters.parked;
		*heartbeat = atomic_load_explicit(&w->heartbeat, memory_order_relaxed);
		atomic_thread_fence(memory_order_acquire);
		if ((before & 1) == 0 &&
		    atomic_load_explicit(&w->sequence, memory_order_relaxed) == before)
			return true;
	}
	return false;
}

// When the counters were true: at their publication, or, if that is longer ago than an awake worker
// lets pass, until just now, for a sleeping worker counts nothing.
static uint64_t timing_instant(uint64_t heartbeat, uint64_t tsc, uint64_t tsc_hz, uint64_t now)
{
	uint64_t cycles = tsc > heartbeat ? tsc - heartbeat : 0;
	uint64_t age = (uint64_t)((unsigned __int128)cycles * 1000000000u / tsc_hz);

	return now - (age < PUBLISH_NS ? age : PUBLISH_NS);
}

static void timing_take(struct fog_timing *t, const struct fog_dpclient_stats *view)
{
	unsigned workers = view->worker_count;
	uint64_t now = timing_now(), tsc = __rdtsc(), parked = 0;

	if (!t->attached || memcmp(t->boot_id, view->stats->boot_id, sizeof(t->boot_id)) != 0) {
		memcpy(t->boot_id, view->stats->boot_id, sizeof(t->boot_id));
		t->tsc_hz = view->stats->tsc_hz;
		timing_series_reset(t->series, workers);
		t->made_ns = 0;
	}
	t->attached = t->tsc_hz > 0 && workers <= TIMING_WORKERS_MAX;
	bool all = t->attached;
	for (unsigned w = 0; t->attached && w < workers; w++) {
		struct timing_reading r = {0};
		uint64_t waiting = 0, heartbeat = 0;
		if (timing_read(&view->worker[w], &r, &waiting, &heartbeat)) {
			r.ns = timing_instant(heartbeat, tsc, t->tsc_hz, now);
			timing_series_add(t->series, w, &r);
			parked += waiting;
		} else {
			all = false;
		}
	}
	if (all)
		t->parked = parked;
}

void fog_timing_sample(struct fog_timing *t)
{
	struct fog_dpclient_stats view;
	int r = fog_dpclient_stats_get(t->dp, &view);

	pthread_mutex_lock(&t->lock);
	if (r == 0)
		timing_take(t, &view);
	else
		t->attached = false;
	pthread_mutex_unlock(&t->lock);
	if (r == 0)
		fog_dpclient_stats_put(t->dp, &view);
}

static struct timing_law timing_seconds(const struct fog_timing_law *l)
{
	return (struct timing_law){.mean_s = l->mean_us / 1e6, .max_s = l->max_us / 1e6};
}

static double timing_expected(const struct timing_law *law, const struct timing_correlation *c)
{
	double best = 0;

	for (unsigned lag = 0; lag < c->lags; lag++)
		best = fmax(best, timing_law_correlation(law, c->bin_s, lag));
	return best;
}

static void timing_make(struct fog_timing *t, struct fog_timing_figures *f)
{
	struct timing_law law = timing_seconds(&t->law);
	struct timing_correlation c =
	        timing_series_correlate(t->series, law.max_s + t->law.cap_ms / 1e3);

	f->measured_s = timing_series_seconds(t->series);
	f->correlation = c.value;
	f->correlation_lag_s = c.lag_s;
	f->correlation_noise = c.noise;
	f->correlation_bin_s = c.bin_s;
	f->correlation_expected = timing_expected(&law, &c);
	f->tick_s = (double)(UINT64_C(1) << fog_plan_tick_shift(t->tsc_hz)) / (double)t->tsc_hz;
	f->law_mean_s = timing_law_mean(&law);
	f->law_entropy = timing_law_entropy(&law, f->tick_s);
	f->rate = timing_series_rate(t->series, FOG_TIMING_RATE_S, FOG_TIMING_LEAST_S);
	f->pool = (double)t->parked;
	f->pool_expected = f->rate * f->law_mean_s;
	f->anonymity = isnan(f->rate) ? NAN : timing_law_anonymity(&law, f->rate);
	f->set = exp2(f->anonymity);
}

void fog_timing_figures(
        struct fog_timing *t, const struct fog_timing_law *law, struct fog_timing_figures *out
)
{
	static const struct fog_timing_figures none = {0,   NAN, NAN, NAN, NAN, NAN, NAN,
	                                               NAN, NAN, NAN, NAN, NAN, NAN, NAN};
	uint64_t now = timing_now();

	pthread_mutex_lock(&t->lock);
	if (!t->attached || law->mean_us == 0) {
		*out = none;
	} else {
		if (t->made_ns == 0 || now - t->made_ns >= FRESH_NS ||
		    memcmp(&t->law, law, sizeof(*law)) != 0) {
			t->law = *law;
			t->figures = none;
			timing_make(t, &t->figures);
			t->made_ns = now;
		}
		*out = t->figures;
	}
	pthread_mutex_unlock(&t->lock);
}

double fog_timing_rate_for(const struct fog_timing_law *l, double set)
{
	struct timing_law law = timing_seconds(l);

	return timing_law_rate(&law, log2(set));
}
