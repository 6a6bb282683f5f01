// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Benchmarks of the appliance: each is an operation, which has its progress and result, and ends when it is cancelled.
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "../benchmarks/crypto.h"
#include "../node_services.h"
#include "../operations/operations.h"
#include "body.h"
#include "http.h"
#include "view.h"

enum { SECONDS = 10 };

struct order {
	struct fog_geometry geometry;
	unsigned seconds;
};

static _Atomic bool busy; // two at once would measure each other

static bool benchmark_going(void *ctx, unsigned percent)
{
	fog_operation_progress(ctx, percent);
	return !fog_operation_cancelled(ctx);
}

static json_t *benchmark_rows(const struct fog_benchmark_crypto *measured)
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

static int benchmark_crypto(struct fog_operation *operation, void *ctx)
{
	const struct order *order = ctx;
	struct fog_benchmark_crypto measured;
	int r = fog_benchmark_crypto(
	        &order->geometry, order->seconds, benchmark_going, operation, &measured
	);
	json_t *result;
	char *text;

	if (r < 0)
		return r;
	result = json_pack(
	        "{s:s s:i s:s s:o}", "type", "crypto", "packet_bytes",
	        (int)order->geometry.packet_len, "where",
	        "one thread of the control plane, packets per second of its CPU time", "rows",
	        benchmark_rows(&measured)
	);
	text = json_dumps(result, JSON_COMPACT);
	json_decref(result);
	if (text == NULL)
		return -ENOMEM;
	fog_operation_result(operation, text);
	free(text);
	return 0;
}

static void benchmark_done(void *ctx)
{
	free(ctx);
	atomic_store(&busy, false);
}

// The network's geometry, or the usual one without a network.
static void benchmark_geometry(struct fog_node *n, struct fog_geometry *out)
{
	pthread_rwlock_rdlock(&n->lock);
	if (n->topology != NULL)
		*out = n->topology->geometry;
	else
		fog_geometry_named(out, "mtu");
	pthread_rwlock_unlock(&n->lock);
}

static int benchmark_begin(
        struct fog_node *n, const struct http_request *req, unsigned seconds, int64_t *id
)
{
	struct fog_operations *operations = node_operations(n);
	struct order *order = malloc(sizeof(*order));
	char parameters[64];
	struct fog_operation_begin begin = {
	        .kind = "benchmark",
	        .owner = req->caller.name,
	        .parameters = parameters,
	        .work = benchmark_crypto,
	        .done = benchmark_done,
	        .ctx = order,
	};
	int r = operations != NULL && order != NULL ? 0 : -EAGAIN;

	if (r == 0) {
		benchmark_geometry(n, &order->geometry);
		order->seconds = seconds;
		snprintf(
		        parameters, sizeof(parameters), "{\"type\":\"crypto\",\"seconds\":%u}",
		        seconds
		);
		r = fog_operations_begin(operations, &begin, id);
	}
	if (r < 0)
		benchmark_done(order);
	return r;
}

void http_post_benchmarks(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	unsigned seconds = (unsigned)http_body_number(req->json, "seconds", SECONDS);
	int64_t id;

	if (atomic_exchange(&busy, true)) {
		http_reply_problem(
		        res, 409, "benchmark_active", "wait for its end, or cancel its operation",
		        "a benchmark is at work"
		);
		return;
	}
	if (benchmark_begin(n, req, seconds, &id) < 0) {
		http_reply_problem(
		        res, 503, "busy", "try again in a while; see /readyz",
		        "no operation can be begun now"
		);
		res->retry_after_s = 1;
		return;
	}
	snprintf(res->location, sizeof(res->location), "/v1/operations/%lld", (long long)id);
	http_reply_json(
	        res, 202,
	        json_pack(
	                "{s:I s:s s:i}", "operation", (json_int_t)id, "type", "crypto", "seconds",
	                (int)seconds
	        )
	);
}
