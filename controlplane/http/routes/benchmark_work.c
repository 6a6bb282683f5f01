// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "benchmark_work.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../benchmarks/latency.h"
#include "../../benchmarks/throughput.h"
#include "../../now.h"
#include "view.h"

enum { LOOK_US = 100000, LOOPS_PAGE = 1000 };

const char *const benchmark_names[BENCHMARK_TYPE_COUNT] = {
#define X(symbol, word) word,
        BENCHMARK_TYPES(X)
#undef X
};

static int work_result(struct fog_operation *operation, json_t *result)
{
	char *text = json_dumps(result, JSON_COMPACT);

	json_decref(result);
	if (text == NULL)
		return -ENOMEM;
	fog_operation_result(operation, text);
	free(text);
	return 0;
}

static bool crypto_going(void *ctx, unsigned percent)
{
	fog_operation_progress(ctx, percent);
	return !fog_operation_cancelled(ctx);
}

static json_t *crypto_rows(const struct fog_benchmark_crypto *measured)
{
	json_t *rows = json_array();

	for (unsigned i = 0; i < measured->isas; i++)
		json_array_append_new(
		        rows,
		        json_pack(
		                "{s:s s:I s:f s:f s:f}", "isa", measured->isa[i].name, "packets",
		                (json_int_t)measured->isa[i].packets, "cpu_s",
		                (double)measured->isa[i].cpu_ns / 1e9, "pps", measured->isa[i].pps,
		                "cycles_per_packet", measured->isa[i].cycles
		        )
		);
	return rows;
}

static int work_crypto(struct fog_operation *operation, const struct benchmark_order *order)
{
	struct fog_benchmark_crypto measured;
	int r = fog_benchmark_crypto(
	        &order->geometry, order->seconds, crypto_going, operation, &measured
	);

	if (r < 0)
		return r;
	return work_result(
	        operation,
	        json_pack(
	                "{s:s s:i s:s s:o}", "type", "crypto", "packet_bytes",
	                (int)order->geometry.packet_len, "where",
	                "one thread of the control plane, packets per second of its CPU time",
	                "rows", crypto_rows(&measured)
	        )
	);
}

static json_t *latency_spread(const struct fog_benchmark_spread *s)
{
	return json_pack(
	        "{s:f s:f s:f s:f s:f}", "p50", s->p50 / 1000, "p90", s->p90 / 1000, "p99",
	        s->p99 / 1000, "max", s->max / 1000, "mean", s->mean / 1000
	);
}

// What came of the order of loops: travel times of those that arrived, how many nodes delay on their way. Returns how many times,
// at most 'most': somebody may have ordered others meanwhile.
static unsigned latency_times(
        struct fog_node *n, uint64_t *travel_us, unsigned most, unsigned *delays
)
{
	struct fog_loop *page = calloc(LOOPS_PAGE, sizeof(*page));
	unsigned count = 0, after = 0, got;

	*delays = 0;
	while (page != NULL && (got = fog_loops_read(n->loops, after, page, LOOPS_PAGE)) > 0) {
		for (unsigned i = 0; i < got; i++) {
			*delays = page[i].hops > 0 ? page[i].hops - 1 : 0; // all but we
			if (page[i].fate == FOG_LOOP_ARRIVED && count < most)
				travel_us[count++] = page[i].travel_us;
		}
		after += got;
	}
	free(page);
	return count;
}

static bool latency_law(struct fog_node *n, struct fog_delay_law *law)
{
	pthread_rwlock_rdlock(&n->lock);
	bool known = n->topology != NULL &&
	        fog_delay_law_init(law, n->topology->delay_mean_us, n->topology->delay_max_us, 0) ==
	                0;
	pthread_rwlock_unlock(&n->lock);
	return known;
}

// Null where too few came back to say anything.
static json_t *latency_judged(struct fog_node *n, uint64_t *travel_us, unsigned most)
{
	struct fog_benchmark_latency judged;
	struct fog_delay_law law;
	unsigned delays, count = latency_times(n, travel_us, most, &delays);

	if (!latency_law(n, &law) ||
	    fog_benchmark_latency(&law, delays, travel_us, count, &judged) < 0)
		return json_pack(
		        "{s:i s:n s:n s:n s:n}", "nodes", (int)delays, "travel_ms", "owed_ms",
		        "beyond_ms", "beyond_error_ms"
		);
	return json_pack(
	        "{s:i s:o s:o s:f s:f}", "nodes", (int)delays, "travel_ms",
	        latency_spread(&judged.travel), "owed_ms", latency_spread(&judged.owed),
	        "beyond_ms", judged.beyond / 1000, "beyond_error_ms", judged.error / 1000
	);
}

// Whether the loops are still those of this benchmark.
static int latency_ours(
        struct fog_operation *operation, const struct benchmark_order *order, int64_t began_us,
        struct fog_loops_status *status
)
{
	fog_loops_status(order->node->loops, status);
	if (status->state != FOG_LOOPS_NONE && status->began_us == began_us)
		return 0;
	fog_operation_error(
	        operation, "loops_taken",
	        "somebody has ended its loops, or ordered others: begin it again"
	);
	return -ESTALE;
}

static int latency_result(
        struct fog_operation *operation, const struct benchmark_order *order,
        const struct fog_loops_status *s
)
{
	struct fog_loops_status now;
	uint64_t *travel_us = calloc(s->sent + 1, sizeof(*travel_us));
	json_t *result;

	if (travel_us == NULL)
		return -ENOMEM;
	result = json_pack(
	        "{s:s s:s s:I s:I s:I s:I}", "type", "latency", "where",
	        "loops from this node through the network and back; owed_ms is what the network's law of delays makes of such "
	        "paths, not what was owed to these loops, which is known once their epoch's proofs are published",
	        "sent", (json_int_t)s->sent, "arrived", (json_int_t)s->arrived, "lost",
	        (json_int_t)s->lost, "unknown", (json_int_t)s->unknown
	);
	json_object_update_new(result, latency_judged(order->node, travel_us, (unsigned)s->sent));
	free(travel_us);
	int r = latency_ours(operation, order, s->began_us, &now);
	if (r == 0)
		return work_result(operation, result);
	json_decref(result);
	return r;
}

static int latency_start(
        struct fog_operation *operation, const struct benchmark_order *order,
        struct fog_loops_status *began
)
{
	const struct fog_loops_request request = {
	        order->seconds * order->rate, order->rate, order->seconds};
	char text[FOG_LOOPS_TEXT_LEN] = "";
	int r = fog_loops_start(order->node->loops, &request, text);

	if (r < 0)
		fog_operation_error(
		        operation,
		        r == -EBUSY              ? "loops_active"
		                : r == -ENOTCONN ? "no_data_plane"
		                                 : "no_loops_here",
		        "%s", text
		);
	else
		fog_loops_status(order->node->loops, began);
	return r;
}

// Until all have come back or are lost. Returns 0 or -errno, said.
static int latency_wait(
        struct fog_operation *operation, const struct benchmark_order *order,
        struct fog_loops_status *status
)
{
	uint64_t began_ms = fog_now_ms(), all_ms = order->seconds * UINT64_C(1000);
	int64_t began_us = status->began_us;

	while (status->state != FOG_LOOPS_ENDED) {
		if (fog_operation_cancelled(operation))
			return -ECANCELED;
		uint64_t ms = fog_now_ms() - began_ms;
		fog_operation_progress(operation, ms < all_ms ? (unsigned)(ms * 90 / all_ms) : 90);
		usleep(LOOK_US);
		int r = latency_ours(operation, order, began_us, status);
		if (r < 0)
			return r;
	}
	return 0;
}

static int work_latency(struct fog_operation *operation, const struct benchmark_order *order)
{
	struct fog_loops_status status;
	int r = latency_start(operation, order, &status);

	if (r < 0)
		return r;
	r = latency_wait(operation, order, &status);
	if (r == 0 && status.why[0] != '\0')
		fog_operation_log(operation, "it ended early: %s", status.why);
	if (r == 0)
		r = latency_result(operation, order, &status);
	if (r != -ESTALE)
		fog_loops_forget(order->node->loops);
	return r;
}

static int throughput_read(struct fog_node *n, struct fog_benchmark_reading *out)
{
	struct snapshot *s = snapshot_take(n->dp);
	bool good = s != NULL && s->workers_valid && s->ports_valid &&
	        s->worker_count <= FOG_BENCHMARK_WORKERS_MAX;

	*out = (struct fog_benchmark_reading){.time_ns = fog_now_ms() * UINT64_C(1000000)};
	for (unsigned i = 0; good && i < s->worker_count; i++) {
		const struct fog_worker_counters *c = &s->worker[i].counters;
		out->worker[i] = (struct fog_benchmark_count){c->rx, c->tx, c->delivered, c->drops};
		out->capacity[i] = c->capacity;
		out->cpu[i] = s->worker[i].cpu;
	}
	for (unsigned i = 0; good && i < s->port_count; i++)
		out->port_lost += snapshot_port_lost(&s->port[i]);
	if (good) {
		memcpy(out->boot_id, s->boot_id, sizeof(out->boot_id));
		out->workers = s->worker_count;
	}
	free(s);
	return good ? 0 : -ENOTCONN;
}

static json_t *throughput_rates(const struct fog_benchmark_rates *r)
{
	return json_pack(
	        "{s:f s:f s:f s:f}", "received_pps", r->received, "sent_pps", r->sent,
	        "delivered_pps", r->delivered, "dropped_pps", r->dropped
	);
}

static json_t *throughput_workers(
        const struct fog_benchmark_throughput *t, const struct fog_benchmark_reading *end,
        uint64_t *capacity
)
{
	json_t *list = json_array();
	bool known = true;

	*capacity = 0;
	for (unsigned i = 0; i < t->workers; i++) {
		json_t *w = throughput_rates(&t->worker[i]);
		json_object_set_new(w, "cpu", json_integer(end->cpu[i]));
		json_object_set_new(w, "capacity_pps", view_known(end->capacity[i]));
		json_array_append_new(list, w);
		known = known && end->capacity[i] > 0;
		*capacity += end->capacity[i];
	}
	*capacity = known ? *capacity : 0;
	return list;
}

static int throughput_result(
        struct fog_operation *operation, const struct fog_benchmark_throughput *t,
        const struct fog_benchmark_reading *end, double busiest
)
{
	uint64_t capacity;
	json_t *workers = throughput_workers(t, end, &capacity);

	return work_result(
	        operation,
	        json_pack(
	                "{s:s s:s s:f s:o s:o s:f s:I s:o s:o}", "type", "throughput", "where",
	                "what the workers carried meanwhile, no traffic was made for it; capacity_pps is what their crypto opened "
	                "when the data plane started",
	                "measured_s", t->seconds, "sum", throughput_rates(&t->sum), "workers",
	                workers, "busiest_pps", busiest, "port_lost", (json_int_t)t->port_lost,
	                "capacity_pps", view_known(capacity), "load",
	                capacity > 0 ? json_real(t->sum.received / (double)capacity) : json_null()
	        )
	);
}

static int throughput_error(struct fog_operation *operation, int r)
{
	if (r == -EXDEV)
		fog_operation_error(
		        operation, "data_plane_restarted",
		        "the data plane was started anew meanwhile: begin it again"
		);
	else if (r == -ENOTCONN)
		fog_operation_error(
		        operation, "no_data_plane",
		        "there is no data plane whose counters could be read: see /readyz"
		);
	return r;
}

// A second of it. Returns 0 or -errno.
static int throughput_second(
        struct fog_operation *operation, struct fog_node *n, struct fog_benchmark_reading last[2],
        struct fog_benchmark_throughput *t
)
{
	last[0] = last[1];
	for (unsigned i = 0; i < 1000000 / LOOK_US; i++) {
		if (fog_operation_cancelled(operation))
			return -ECANCELED;
		usleep(LOOK_US);
	}
	int r = throughput_read(n, &last[1]);
	return r < 0 ? r : fog_benchmark_throughput(&last[0], &last[1], t);
}

static int work_throughput(struct fog_operation *operation, const struct benchmark_order *order)
{
	struct fog_benchmark_reading *at = calloc(3, sizeof(*at)), *begin = at, *last = at + 1;
	struct fog_benchmark_throughput t;
	double busiest = 0;
	int r = at != NULL ? throughput_read(order->node, begin) : -ENOMEM;

	if (r == 0)
		last[1] = *begin;
	for (unsigned i = 0; i < order->seconds && r == 0; i++) {
		r = throughput_second(operation, order->node, last, &t);
		if (r == 0 && t.sum.sent + t.sum.delivered > busiest)
			busiest = t.sum.sent + t.sum.delivered;
		fog_operation_progress(operation, (i + 1) * 100 / order->seconds);
	}
	if (r == 0)
		r = fog_benchmark_throughput(begin, &last[1], &t);
	if (r == 0)
		r = throughput_result(operation, &t, &last[1], busiest);
	free(at);
	return r < 0 ? throughput_error(operation, r) : r;
}

int benchmark_work(struct fog_operation *operation, void *ctx)
{
	static int (*const work[])(struct fog_operation *, const struct benchmark_order *) = {
	        [BENCHMARK_CRYPTO] = work_crypto,
	        [BENCHMARK_LATENCY] = work_latency,
	        [BENCHMARK_THROUGHPUT] = work_throughput,
	};
	const struct benchmark_order *order = ctx;

	return work[order->type](operation, order);
}
