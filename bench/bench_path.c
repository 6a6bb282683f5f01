// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What one packet costs on one core, object by object, without any I/O: Sphinx stage by stage,
// X25519 by implementation, replay table, delay law, calendar. Nothing here is wire rate.
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../dataplane/calendar.h"
#include "../dataplane/delay.h"
#include "../dataplane/replay.h"
#include "../dataplane/sphinx/sphinx.h"
#include "clock.h"

enum { BATCH = 8, TAGS = 4096 };

struct rig {
	struct fog_geometry geo;
	const struct fog_crypto_ops *ops;
	uint8_t private_key[32];
	uint8_t original[BATCH][FOG_SPHINX_PACKET_MAX], packet[BATCH][FOG_SPHINX_PACKET_MAX];
	struct fog_sphinx_hop hop[BATCH];
	struct fog_sphinx_route route[BATCH];
	struct fog_sphinx_batch batch;
	struct fog_sphinx_path_hop path[2];
	uint8_t tag[TAGS][32];
	struct fog_replay *replay;
	struct fog_delay_law law;
	struct fog_aes_key delay_key;
	struct fog_calendar *calendar;
	uint64_t now;
	volatile uint64_t sink;
};

// Multiplications of one implementation; scalars and points are any bytes.
struct curve {
	const struct fog_crypto_ops *ops;
	unsigned n;
	uint8_t mem[3][FOG_CRYPTO_BATCH_MAX][32];
	uint8_t *out[FOG_CRYPTO_BATCH_MAX];
	const uint8_t *scalar[FOG_CRYPTO_BATCH_MAX], *point[FOG_CRYPTO_BATCH_MAX];
};

static void curve_init(struct curve *c, const char *name, unsigned n)
{
	c->ops = fog_crypto_ops_get(name);
	c->n = n;
	randombytes_buf(c->mem, sizeof(c->mem));
	for (unsigned i = 0; i < n; i++) {
		c->out[i] = c->mem[0][i];
		c->scalar[i] = c->mem[1][i];
		c->point[i] = c->mem[2][i];
	}
}

static void run_x25519(void *ctx)
{
	struct curve *c = ctx;

	c->ops->x25519(c->n, c->out, c->scalar, c->point);
}

static void packets_reset(void *ctx)
{
	struct rig *r = ctx;

	memcpy(r->packet, r->original, sizeof(r->packet));
	for (int i = 0; i < BATCH; i++)
		r->batch.drop[i] = FOG_DROP_NONE;
}

static void run_key(void *ctx)
{
	struct rig *r = ctx;

	fog_sphinx_key(&r->batch, r->private_key);
}

static void run_mac(void *ctx)
{
	fog_sphinx_mac(&((struct rig *)ctx)->batch);
}

static void run_open(void *ctx)
{
	fog_sphinx_open(&((struct rig *)ctx)->batch);
}

static void run_payload(void *ctx)
{
	fog_sphinx_payload(&((struct rig *)ctx)->batch);
}

static void run_blind(void *ctx)
{
	fog_sphinx_blind(&((struct rig *)ctx)->batch);
}

static void key_done(void *ctx)
{
	packets_reset(ctx);
	run_key(ctx);
}

static void open_done(void *ctx)
{
	key_done(ctx);
	run_open(ctx);
}

static void run_unwrap(void *ctx)
{
	struct rig *r = ctx;

	run_key(r);
	run_mac(r);
	run_open(r);
	run_payload(r);
	run_blind(r);
}

static void run_wrap(void *ctx)
{
	struct rig *r = ctx;
	static const uint8_t payload[FOG_SPHINX_PACKET_MAX];

	fog_sphinx_wrap(r->ops, &r->geo, r->path, 2, payload, r->packet[0], NULL, NULL);
}

static void tags_reset(void *ctx)
{
	struct rig *r = ctx;

	randombytes_buf(r->tag, sizeof(r->tag));
}

static void run_replay(void *ctx)
{
	struct rig *r = ctx;

	for (int i = 0; i < TAGS; i += BATCH) {
		for (int j = i; j < i + BATCH; j++)
			fog_replay_prefetch(r->replay, r->tag[j]);
		for (int j = i; j < i + BATCH; j++)
			r->sink += (uint64_t)fog_replay_claim(r->replay, r->tag[j]);
	}
}

static void run_delay(void *ctx)
{
	struct rig *r = ctx;

	for (int i = 0; i < TAGS; i++)
		r->sink += fog_delay_owed(&r->law, &r->delay_key, r->tag[i], 0);
}

static void run_calendar(void *ctx)
{
	struct rig *r = ctx;
	struct fog_calendar_item out[32];

	for (int i = 0; i < TAGS; i++) {
		uint64_t due = r->now +
		        2600u * fog_delay_owed(&r->law, &r->delay_key, r->tag[i], 0);
		fog_calendar_insert(r->calendar, r, due, r->now);
		r->now += 39000; // 15 us: a packet at 66,000 a second
		r->sink += fog_calendar_take(r->calendar, r->now, out, 32);
	}
}

static int rig_init(struct rig *r, const char *geometry)
{
	struct fog_calendar_config cal = {
	        .tsc_hz = 2600000000u, .start = 1, .slots = 1 << 16, .capacity = 1 << 18};
	uint8_t key[32] = {1}, id[32] = {2};
	char path[64];
	int found;

	if (fog_crypto_init() < 0 || fog_geometry_named(&r->geo, geometry) < 0)
		return -1;
	r->ops = fog_crypto_ops_get(NULL);
	randombytes_buf(r->private_key, 32);
	for (int i = 0; i < 2; i++) {
		randombytes_buf(r->path[i].id, 32);
		crypto_scalarmult_base(r->path[i].public_key, r->private_key);
	}
	r->path[1].has_recipient = 1;
	for (int i = 0; i < BATCH; i++) {
		run_wrap(r);
		memcpy(r->original[i], r->packet[0], r->geo.packet_len);
	}
	r->batch = (struct fog_sphinx_batch
	){.ops = r->ops, .geo = &r->geo, .n = BATCH, .hop = r->hop, .route = r->route};
	for (int i = 0; i < BATCH; i++)
		r->batch.pkt[i] = r->packet[i];
	snprintf(path, sizeof(path), "/dev/shm/fogline-bench-%d", (int)getpid());
	if (fog_replay_open(path, id, 4u << 20, &r->replay, &found) < 0)
		return -1;
	fog_aes_key_init(&r->delay_key, key, sizeof(key));
	return fog_delay_law_init(&r->law, 50000, 500000, 0) < 0 ||
	                fog_calendar_create(&cal, &r->calendar) < 0
	        ? -1
	        : 0;
}

int main(int argc, char **argv)
{
	static struct curve ref, wide8, wide64;
	const char *geometry = argc > 1 ? argv[1] : "mtu";
	struct rig *r = calloc(1, sizeof(*r));

	if (r == NULL || rig_init(r, geometry) < 0) {
		fprintf(stderr, "usage: bench_path [mtu|mtu3|jumbo]; needs tmpfs on /dev/shm\n");
		return 1;
	}
	curve_init(&ref, "ref", 8);
	curve_init(&wide8, "avx512", 8);
	curve_init(&wide64, "avx512", 64);
	const struct bench_case cases[] = {
	        {"unwrap, whole", BATCH, run_unwrap, packets_reset, r},
	        {"  key agreement and KDF", BATCH, run_key, packets_reset, r},
	        {"  header MAC", BATCH, run_mac, key_done, r},
	        {"  routing information", BATCH, run_open, key_done, r},
	        {"  payload (AEZ)", BATCH, run_payload, open_done, r},
	        {"  blinding", BATCH, run_blind, open_done, r},
	        {"wrap, 2 hops", 1, run_wrap, NULL, r},
	        {"replay claim", TAGS, run_replay, tags_reset, r},
	        {"delay law", TAGS, run_delay, NULL, r},
	        {"delay law, calendar in and out", TAGS, run_calendar, NULL, r},
	        {"X25519, ref", 8, run_x25519, NULL, &ref},
	        // Last, because not every CPU has it.
	        {"X25519, avx512, batch of 8", 8, run_x25519, NULL, &wide8},
	        {"X25519, avx512, batch of 64", 64, run_x25519, NULL, &wide64},
	};
	unsigned count = sizeof(cases) / sizeof(cases[0]) - (wide8.ops == NULL ? 2 : 0);

	printf("geometry %s, %u-byte packets, crypto %s, one core, no I/O\n", geometry,
	       r->geo.packet_len, r->ops->name);
	bench_run(cases, count);
	fog_calendar_destroy(r->calendar);
	fog_replay_destroy(r->replay);
	free(r);
	return 0;
}
