// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "crypto.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <x86intrin.h>

#include "../../dataplane/crypto/ops.h"

enum { BATCH_MIN = 8, TURN_MS = 100 };

struct rig {
	const struct fog_crypto_ops *ops;
	struct fog_geometry geo;
	uint8_t private_key[32];
	uint8_t original[FOG_SPHINX_BATCH_MAX][FOG_SPHINX_PACKET_MAX];
	uint8_t packet[FOG_SPHINX_BATCH_MAX][FOG_SPHINX_PACKET_MAX];
	struct fog_sphinx_hop hop[FOG_SPHINX_BATCH_MAX];
	struct fog_sphinx_route route[FOG_SPHINX_BATCH_MAX];
	struct fog_sphinx_batch batch;
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void rig_reset(struct rig *r)
{
	for (unsigned i = 0; i < r->batch.n; i++) {
		memcpy(r->packet[i], r->original[i], r->geo.packet_len);
		r->batch.drop[i] = FOG_DROP_NONE;
	}
}

static void rig_unwrap(struct rig *r)
{
	fog_sphinx_key(&r->batch, r->private_key);
	fog_sphinx_mac(&r->batch);
	fog_sphinx_open(&r->batch);
	fog_sphinx_payload(&r->batch);
	fog_sphinx_blind(&r->batch);
}

static int rig_packets(struct rig *r)
{
	struct fog_sphinx_path_hop path[2] = {0};
	uint8_t payload[FOG_SPHINX_PACKET_MAX];
	int ret = 0;

	randombytes_buf(r->private_key, sizeof(r->private_key));
	for (unsigned i = 0; i < 2; i++) {
		randombytes_buf(path[i].id, sizeof(path[i].id));
		crypto_scalarmult_base(path[i].public_key, r->private_key);
	}
	path[1].has_recipient = 1;
	for (unsigned i = 0; i < r->batch.n && ret == 0; i++) {
		randombytes_buf(payload, r->geo.payload_len);
		ret = fog_sphinx_wrap(
		        r->ops, &r->geo, path, 2, payload, r->original[i], NULL, NULL
		);
		r->batch.pkt[i] = r->packet[i];
	}
	return ret < 0 ? -EINVAL : 0;
}

// Rejections would be fast: every packet must come through.
static int rig_check(struct rig *r)
{
	rig_reset(r);
	rig_unwrap(r);
	for (unsigned i = 0; i < r->batch.n; i++)
		if (r->batch.drop[i] != FOG_DROP_NONE || !r->route[i].has_next_hop)
			return -EBADMSG;
	return 0;
}

static int rig_make(
        const struct fog_crypto_ops *ops, const struct fog_geometry *geo, struct rig **out
)
{
	struct rig *r = calloc(1, sizeof(*r));
	int ret;

	if (r == NULL)
		return -ENOMEM;
	*out = r;
	r->ops = ops;
	r->geo = *geo;
	r->batch = (struct fog_sphinx_batch
	){.ops = ops, .geo = &r->geo, .hop = r->hop, .route = r->route};
	r->batch.n = 2 * ops->width > BATCH_MIN ? 2 * ops->width : BATCH_MIN;
	ret = rig_packets(r);
	return ret < 0 ? ret : rig_check(r);
}

static void rig_turn(struct rig *r, uint64_t *packets, uint64_t *cpu_ns)
{
	uint64_t end = clock_ns(CLOCK_MONOTONIC) + TURN_MS * UINT64_C(1000000), begin;

	do {
		rig_reset(r);
		begin = clock_ns(CLOCK_THREAD_CPUTIME_ID);
		rig_unwrap(r);
		*cpu_ns += clock_ns(CLOCK_THREAD_CPUTIME_ID) - begin;
		*packets += r->batch.n;
	} while (clock_ns(CLOCK_MONOTONIC) < end);
}

static int benchmark_run(
        struct rig *const rig[], unsigned seconds, fog_benchmark_going *going, void *ctx,
        struct fog_benchmark_crypto *out
)
{
	uint64_t begin = clock_ns(CLOCK_MONOTONIC), tsc = __rdtsc(), ns = 0;
	uint64_t all = seconds * UINT64_C(1000000000);
	bool goes = true;
	double ghz;

	for (unsigned turn = 0; goes && ns < all; turn = (turn + 1) % out->isas) {
		rig_turn(rig[turn], &out->isa[turn].packets, &out->isa[turn].cpu_ns);
		ns = clock_ns(CLOCK_MONOTONIC) - begin;
		goes = going(ctx, ns < all ? (unsigned)(ns * 100 / all) : 100);
	}
	ghz = ns > 0 ? (double)(__rdtsc() - tsc) / (double)ns : 0;
	for (unsigned i = 0; i < out->isas; i++) {
		double packets = (double)out->isa[i].packets, cpu = (double)out->isa[i].cpu_ns;
		out->isa[i].pps = cpu > 0 ? packets * 1e9 / cpu : 0;
		out->isa[i].cycles = packets > 0 ? cpu * ghz / packets : 0;
	}
	return goes ? 0 : -ECANCELED;
}

static void rig_free(struct rig *r)
{
	if (r != NULL)
		sodium_memzero(r, sizeof(*r));
	free(r);
}

int fog_benchmark_crypto(
        const struct fog_geometry *geo, unsigned seconds, fog_benchmark_going *going, void *ctx,
        struct fog_benchmark_crypto *out
)
{
	static const char *const names[FOG_BENCHMARK_ISAS_MAX] = {"ref", "avx2", "avx512"};
	struct rig *rig[FOG_BENCHMARK_ISAS_MAX] = {NULL};
	int r = seconds >= 1 && seconds <= FOG_BENCHMARK_SECONDS_MAX ? 0 : -EINVAL;

	*out = (struct fog_benchmark_crypto){0};
	for (unsigned i = 0; i < FOG_BENCHMARK_ISAS_MAX && r == 0; i++) {
		const struct fog_crypto_ops *ops = fog_crypto_ops_get(names[i]);
		if (ops == NULL)
			continue;
		out->isa[out->isas].name = ops->name;
		r = rig_make(ops, geo, &rig[out->isas++]);
	}
	if (r == 0)
		r = out->isas > 0 ? benchmark_run(rig, seconds, going, ctx, out) : -EBADMSG;
	for (unsigned i = 0; i < FOG_BENCHMARK_ISAS_MAX; i++)
		rig_free(rig[i]);
	return r;
}
