// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What a sender pays for a packet, by instruction set, length of the path and size of the batch.
#include <errno.h>
#include <sodium.h>
#include <stdio.h>

#include "../dataplane/sphinx/sphinx.h"
#include "bench.h"

static const unsigned batch_sizes[] = {1, FOG_SPHINX_BATCH_MAX};

enum { HOPS = 5, SIZES = 2, CASES_MAX = HOPS * BENCH_ISAS_MAX * SIZES };

static struct bench_option options[] = {{"--geometry", "mtu|mtu3|jumbo", "mtu"}, {0}};

static struct {
	struct fog_geometry geo;
	struct fog_sphinx_path_hop path[HOPS][HOPS]; // by length - 1
	uint8_t payload[FOG_SPHINX_PACKET_MAX];
	uint8_t packet[FOG_SPHINX_BATCH_MAX][FOG_SPHINX_PACKET_MAX];
	struct fog_sphinx_wrap_state state[FOG_SPHINX_BATCH_MAX];
} data;

struct sender {
	const struct fog_crypto_ops *isa;
	unsigned hops, batch;
	int ret;
};

static void wrap(void *ctx, uint64_t lap[])
{
	struct sender *s = ctx;
	struct fog_sphinx_wrap_job job[FOG_SPHINX_BATCH_MAX] = {0};

	(void)lap;
	for (unsigned i = 0; i < s->batch; i++) {
		job[i].path = data.path[s->hops - 1];
		job[i].payload = data.payload;
		job[i].pkt = data.packet[i];
	}
	s->ret |= fog_sphinx_wrap_batch(
	        s->isa, &data.geo, s->hops, job, s->batch, data.state, NULL, NULL
	);
}

static void paths_make(void)
{
	uint8_t secret[32];

	for (unsigned n = 0; n < HOPS; n++) {
		for (unsigned i = 0; i <= n; i++) {
			randombytes_buf(secret, sizeof(secret));
			randombytes_buf(data.path[n][i].id, FOG_SPHINX_ID_LEN);
			crypto_scalarmult_base(data.path[n][i].public_key, secret);
		}
		data.path[n][n].has_recipient = 1;
	}
}

static int run(struct bench_report *report)
{
	const struct fog_crypto_ops *isa[BENCH_ISAS_MAX];
	struct bench_case cases[CASES_MAX] = {0};
	struct sender sender[CASES_MAX] = {0};
	unsigned isas = bench_isas(isa), n = 0;

	if (fog_geometry_named(&data.geo, options[0].value) < 0)
		return bench_option_wrong(&options[0]);
	paths_make();
	for (unsigned hops = 1; hops <= HOPS && hops <= data.geo.slots; hops += 2) {
		for (unsigned i = 0; i < isas * SIZES; i++, n++) {
			unsigned batch = batch_sizes[i % SIZES];
			sender[n] = (struct sender
			){.isa = isa[i / SIZES], .hops = hops, .batch = batch};
			cases[n] = (struct bench_case
			){.run = wrap, .ctx = &sender[n], .ops = batch};
		}
	}
	int ret = bench_measure(&report->plan, cases, n);
	for (unsigned i = 0; i < n && ret == 0; i++) {
		json_t *row = bench_row(report);

		if ((ret = sender[i].ret) != 0)
			fprintf(stderr, "bench: %s makes no packets\n", sender[i].isa->name);
		json_object_set_new(row, "isa", json_string(sender[i].isa->name));
		json_object_set_new(row, "geometry", json_string(options[0].value));
		json_object_set_new(row, "hops", json_integer(sender[i].hops));
		json_object_set_new(row, "batch", json_integer(sender[i].batch));
		json_object_set_new(row, "pps", json_real(1e9 / cases[i].ns.median));
		bench_row_figure(row, "cycles_per_packet", &cases[i].cycles);
	}
	return ret;
}

const struct bench bench_wrap = {
        .name = "wrap",
        .what = "what a sender pays for one packet, by instruction set, hops and batch",
        .key = (const char *const[]){"isa", "geometry", "hops", "batch", NULL},
        .options = options,
        .run = run,
};
