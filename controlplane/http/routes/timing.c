// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Timing figures as JSON and as metrics. They tell who watches this node how much it gives away, so
// they are the operator's.
#include <math.h>

#include "../http.h"
#include "metrics.h"
#include "view.h"

// null when it is not measured.
static json_t *timing_real(double value)
{
	return isnan(value) ? json_null() : json_real(value);
}

void http_get_timing(struct fog_node *n, const struct http_request *req, struct http_response *res)
{
	struct fog_timing_figures f;
	struct fog_timing_law law;
	bool low = fog_node_timing(n, &law, &f);

	pthread_rwlock_rdlock(&n->lock);
	uint32_t least = n->config->timing.min_set;
	pthread_rwlock_unlock(&n->lock);
	json_t *correlation = json_pack(
	        "{s:o s:o s:o s:o s:o s:i}", "value", timing_real(f.correlation), "lag_s",
	        timing_real(f.correlation_lag_s), "noise", timing_real(f.correlation_noise),
	        "expected", timing_real(f.correlation_expected), "bin_s",
	        timing_real(f.correlation_bin_s), "window_s", FOG_TIMING_WINDOW_S
	);
	json_t *delay = json_pack(
	        "{s:o s:o s:o}", "mean_s", timing_real(f.law_mean_s), "tick_s",
	        timing_real(f.tick_s), "entropy_bits", timing_real(f.law_entropy)
	);
	json_t *pool = json_pack(
	        "{s:o s:o}", "packets", timing_real(f.pool), "expected",
	        timing_real(f.pool_expected)
	);
	json_t *anonymity = json_pack(
	        "{s:o s:o s:I}", "set", timing_real(f.set), "bits", timing_real(f.anonymity),
	        "min_set", (json_int_t)least
	);
	http_reply_json(
	        res, 200,
	        json_pack(
	                "{s:f s:o s:o s:o s:o s:o s:o}", "measured_s", f.measured_s, "correlation",
	                correlation, "delay", delay, "rate_pps", timing_real(f.rate), "pool", pool,
	                "anonymity", anonymity, "low_traffic",
	                isnan(f.set) ? json_null() : json_boolean(low)
	        )
	);
}

static void timing_gauge(
        FILE *f, const char *name, const char *unit, const char *help, double value
)
{
	if (!isnan(value))
		metrics_gauge(f, name, unit, help, value);
}

void metrics_timing(FILE *f, struct fog_node *n)
{
	struct fog_timing_figures t;
	struct fog_timing_law law;
	bool low = fog_node_timing(n, &law, &t);

	timing_gauge(
	        f, "timing_correlation", "",
	        "Pearson's between frames that come and frames that leave, at the lag where it is greatest",
	        t.correlation
	);
	timing_gauge(f, "timing_correlation_lag", "seconds", "that lag", t.correlation_lag_s);
	timing_gauge(
	        f, "timing_correlation_noise", "",
	        "what unrelated traffic stays under 99 times of 100", t.correlation_noise
	);
	timing_gauge(
	        f, "timing_correlation_expected", "",
	        "what the delay law alone makes of packets that come at random",
	        t.correlation_expected
	);
	timing_gauge(
	        f, "timing_delay_entropy", "bits",
	        "entropy of the delay law at the resolution of the calendar's tick", t.law_entropy
	);
	timing_gauge(
	        f, "timing_rate", "packets_per_second",
	        "packets that were given a delay, last minute", t.rate
	);
	timing_gauge(f, "timing_pool", "packets", "packets that wait now", t.pool);
	timing_gauge(
	        f, "timing_anonymity", "bits", "entropy of which arrival it is that leaves now",
	        t.anonymity
	);
	timing_gauge(
	        f, "timing_anonymity_set", "packets", "effective anonymity set: 2 to this entropy",
	        t.set
	);
	if (!isnan(t.set))
		metrics_gauge(
		        f, "timing_low_traffic", "",
		        "1 while the effective anonymity set is under timing.min_set", low
		);
}
