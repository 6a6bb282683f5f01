// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Whole unwraps in memory, per instruction set and geometry, with the cycles of each stage. No I/O,
// no replay table, no calendar. Every timed run opens other packets than the last one's result:
// they are put back from their originals, untimed, which leaves them in the cache as a receive
// burst would. A batch is two widths: as many multiplications share a call of X25519 in a worker,
// there of two stages.
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../dataplane/sphinx/sphinx.h"
#include "bench.h"

enum { BATCH_MIN = 8, GEOMETRIES_MAX = 16, CASES_MAX = GEOMETRIES_MAX * BENCH_ISAS_MAX };

enum stage { KEY, KDF, MAC, OPEN, PAYLOAD, BLIND, STAGES };

static const char *const stage_name[STAGES] = {"key", "kdf", "mac", "open", "payload", "blind"};
static struct bench_option options[] = {
        {"--geometry", "names or SLOTSxPAYLOAD, separated by commas; all: mtu,mtu3,jumbo", "all"},
        {0}};

struct rig {
	const char *geometry;
	const struct fog_crypto_ops *isa;
	struct fog_crypto_ops ops; // isa's, with the KDF watched
	struct fog_geometry geo;
	uint8_t private_key[32];
	uint8_t original[FOG_SPHINX_BATCH_MAX][FOG_SPHINX_PACKET_MAX];
	uint8_t packet[FOG_SPHINX_BATCH_MAX][FOG_SPHINX_PACKET_MAX];
	struct fog_sphinx_hop hop[FOG_SPHINX_BATCH_MAX];
	struct fog_sphinx_route route[FOG_SPHINX_BATCH_MAX];
	struct fog_sphinx_batch batch;
};

// The KDF lies inside of the key stage: a function of ours in its place tells its share. Only one
// rig runs at a time.
static const struct fog_crypto_ops *kdf_real;
static uint64_t kdf_ticks;

static void kdf_watched(unsigned n, uint8_t *const okm[], const uint8_t *const secret[])
{
	uint64_t start = bench_ticks();

	kdf_real->expand(n, okm, secret);
	kdf_ticks += bench_ticks() - start;
}

static void packets_reset(void *ctx)
{
	struct rig *r = ctx;

	for (unsigned i = 0; i < r->batch.n; i++) {
		memcpy(r->packet[i], r->original[i], r->geo.packet_len);
		r->batch.drop[i] = FOG_DROP_NONE;
	}
	kdf_real = r->isa;
	kdf_ticks = 0;
}

static uint64_t lap(uint64_t *sum, uint64_t since)
{
	uint64_t now = bench_ticks();

	*sum += now - since;
	return now;
}

static void unwrap(void *ctx, uint64_t stage[])
{
	struct rig *r = ctx;
	uint64_t t = bench_ticks();

	fog_sphinx_key(&r->batch, r->private_key);
	t = lap(&stage[KEY], t);
	stage[KEY] -= kdf_ticks;
	stage[KDF] += kdf_ticks;
	fog_sphinx_mac(&r->batch);
	t = lap(&stage[MAC], t);
	fog_sphinx_open(&r->batch);
	t = lap(&stage[OPEN], t);
	fog_sphinx_payload(&r->batch);
	t = lap(&stage[PAYLOAD], t);
	fog_sphinx_blind(&r->batch);
	lap(&stage[BLIND], t);
}

static int packets_make(struct rig *r)
{
	struct fog_sphinx_path_hop path[2] = {0};
	uint8_t payload[FOG_SPHINX_PACKET_MAX];

	randombytes_buf(r->private_key, sizeof(r->private_key));
	for (unsigned i = 0; i < 2; i++) {
		randombytes_buf(path[i].id, sizeof(path[i].id));
		crypto_scalarmult_base(path[i].public_key, r->private_key);
	}
	path[1].has_recipient = 1;
	for (unsigned i = 0; i < r->batch.n; i++) {
		randombytes_buf(payload, r->geo.payload_len);
		if (fog_sphinx_wrap(r->isa, &r->geo, path, 2, payload, r->original[i], NULL, NULL) <
		    0)
			return -EDOM;
		r->batch.pkt[i] = r->packet[i];
	}
	return 0;
}

static int geometry_parse(struct fog_geometry *geo, const char *name)
{
	unsigned slots, payload;
	char end;

	if (sscanf(name, "%ux%u%c", &slots, &payload, &end) == 2)
		return fog_geometry_init(geo, slots, payload);
	return fog_geometry_named(geo, name);
}

static struct rig *rig_create(const char *geometry, const struct fog_crypto_ops *isa)
{
	struct rig *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->geometry = geometry;
	r->isa = isa;
	r->ops = *isa;
	r->ops.expand = kdf_watched;
	r->batch = (struct fog_sphinx_batch
	){.ops = &r->ops, .geo = &r->geo, .hop = r->hop, .route = r->route};
	r->batch.n = 2 * isa->width > BATCH_MIN ? 2 * isa->width : BATCH_MIN;
	if (geometry_parse(&r->geo, geometry) < 0 || packets_make(r) < 0) {
		free(r);
		return NULL;
	}
	return r;
}

// A bench that times rejections would be fast: every packet must come through.
static int unwrap_check(struct rig *r)
{
	uint64_t stage[STAGES] = {0};

	packets_reset(r);
	unwrap(r, stage);
	for (unsigned i = 0; i < r->batch.n; i++) {
		if (r->batch.drop[i] != FOG_DROP_NONE || !r->route[i].has_next_hop) {
			fprintf(stderr, "bench: %s does not open the packets of this bench\n",
			        r->isa->name);
			return -EBADMSG;
		}
	}
	return 0;
}

static void row_add(struct bench_report *report, const struct bench_case *c, double ref)
{
	const struct rig *r = c->ctx;
	json_t *row = bench_row(report), *stages = json_object();

	json_object_set_new(row, "isa", json_string(r->isa->name));
	json_object_set_new(row, "geometry", json_string(r->geometry));
	json_object_set_new(row, "slots", json_integer(r->geo.slots));
	json_object_set_new(row, "packet_bytes", json_integer(r->geo.packet_len));
	json_object_set_new(row, "batch", json_integer(r->batch.n));
	json_object_set_new(row, "pps", json_real(1e9 / c->ns.median));
	bench_row_figure(row, "cycles_per_packet", &c->cycles);
	json_object_set_new(row, "speedup", json_real(ref / c->cycles.median));
	for (unsigned i = 0; i < STAGES; i++) {
		json_t *stage = json_object();
		bench_row_figure(stage, "cycles", &c->lap[i]);
		json_object_set_new(stages, stage_name[i], stage);
	}
	json_object_set_new(row, "stages", stages);
}

static void rows_add(struct bench_report *report, const struct bench_case *cases, unsigned n)
{
	double ref = 0;

	for (unsigned i = 0; i < n; i++) {
		const struct rig *r = cases[i].ctx;
		// The reference stands first in its geometry.
		if (strcmp(r->isa->name, "ref") == 0)
			ref = cases[i].cycles.median;
		row_add(report, &cases[i], ref);
	}
}

static int cases_make(struct bench_case *cases, unsigned *n, const char *geometry)
{
	const struct fog_crypto_ops *isa[BENCH_ISAS_MAX];
	unsigned isas = bench_isas(isa);
	int ret = 0;

	for (unsigned i = 0; i < isas && ret == 0; i++) {
		struct rig *r = *n < CASES_MAX ? rig_create(geometry, isa[i]) : NULL;
		if (r == NULL)
			return bench_option_wrong(&options[0]);
		cases[(*n)++] = (struct bench_case
		){.prepare = packets_reset,
		  .run = unwrap,
		  .ctx = r,
		  .ops = r->batch.n,
		  .laps = STAGES};
		ret = unwrap_check(r);
	}
	return ret;
}

static int run(struct bench_report *report)
{
	bool all = strcmp(options[0].value, "all") == 0;
	char *names = strdup(all ? "mtu,mtu3,jumbo" : options[0].value), *rest = names, *name;
	struct bench_case cases[CASES_MAX] = {0};
	unsigned n = 0;
	int ret = names == NULL ? -ENOMEM : 0;

	while (ret == 0 && (name = strsep(&rest, ",")) != NULL)
		ret = cases_make(cases, &n, name);
	if (ret == 0)
		ret = bench_measure(&report->plan, cases, n);
	if (ret == 0)
		rows_add(report, cases, n);
	for (unsigned i = 0; i < n; i++)
		free(cases[i].ctx);
	free(names);
	return ret;
}

const struct bench bench_sphinx = {
        .name = "sphinx",
        .what = "whole unwraps and their stages, by instruction set and geometry",
        .key = (const char *const[]){"isa", "geometry", NULL},
        .options = options,
        .run = run,
};
