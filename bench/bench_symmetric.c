// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The symmetric primitives by instruction set and batch size, on the message lengths of a geometry.
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "../dataplane/sphinx/layout.h"
#include "bench.h"

enum { OPS = 6, SIZES = 3, CASES_MAX = OPS * SIZES * BENCH_ISAS_MAX };

static struct bench_option options[] = {{"--geometry", "mtu|mtu3|jumbo", "mtu"}, {0}};

// Keys, nonces and messages are any bytes; nothing depends on them.
static struct {
	uint8_t key[FOG_CRYPTO_BATCH_MAX][64], out[FOG_CRYPTO_BATCH_MAX][192];
	uint8_t message[FOG_CRYPTO_BATCH_MAX][FOG_SPHINX_PACKET_MAX];
	uint8_t *result[FOG_CRYPTO_BATCH_MAX], *text[FOG_CRYPTO_BATCH_MAX];
	const uint8_t *in[FOG_CRYPTO_BATCH_MAX], *secret[FOG_CRYPTO_BATCH_MAX];
} data;

struct call {
	const struct fog_crypto_ops *isa;
	const char *op;
	unsigned n, bytes;
};

static void run_expand(void *ctx, uint64_t lap[])
{
	const struct call *c = ctx;

	(void)lap;
	c->isa->expand(c->n, data.result, data.secret);
}

static void run_hmac(void *ctx, uint64_t lap[])
{
	const struct call *c = ctx;

	(void)lap;
	c->isa->hmac(c->n, data.result, data.secret, data.in, c->bytes);
}

static void run_ctr(void *ctx, uint64_t lap[])
{
	const struct call *c = ctx;

	(void)lap;
	c->isa->ctr(c->n, data.text, data.in, data.secret, data.secret, c->bytes);
}

static void run_aez_encrypt(void *ctx, uint64_t lap[])
{
	const struct call *c = ctx;

	(void)lap;
	c->isa->aez_encrypt(c->n, data.text, data.secret, data.secret, c->bytes);
}

static void run_aez_decrypt(void *ctx, uint64_t lap[])
{
	const struct call *c = ctx;

	(void)lap;
	c->isa->aez_decrypt(c->n, data.text, data.secret, data.secret, c->bytes);
}

static void run_blind_scalar(void *ctx, uint64_t lap[])
{
	const struct call *c = ctx;

	(void)lap;
	c->isa->blind_scalar(c->n, data.result, data.secret);
}

static void data_init(void)
{
	randombytes_buf(&data, sizeof(data));
	for (unsigned i = 0; i < FOG_CRYPTO_BATCH_MAX; i++) {
		data.result[i] = data.out[i];
		data.secret[i] = data.key[i];
		data.in[i] = data.text[i] = data.message[i];
	}
}

static unsigned cases_make(
        struct bench_case *cases, struct call *call, const struct fog_geometry *geo
)
{
	const struct {
		const char *name;
		unsigned bytes; // of the result of expand and blind_scalar, of the message else
		void (*run)(void *ctx, uint64_t lap[]);
	} op[OPS] = {
	        {"expand", 192, run_expand},
	        {"hmac", layout_mac(geo), run_hmac},
	        {"ctr", geo->routing_len + FOG_SPHINX_SLOT_LEN, run_ctr},
	        {"aez_decrypt", FOG_SPHINX_TAG_LEN + geo->payload_len, run_aez_decrypt},
	        {"aez_encrypt", FOG_SPHINX_TAG_LEN + geo->payload_len, run_aez_encrypt},
	        {"blind_scalar", 32, run_blind_scalar},
	};

	static const unsigned size[SIZES] = {1, 8, FOG_CRYPTO_BATCH_MAX};
	const struct fog_crypto_ops *isa[BENCH_ISAS_MAX];
	unsigned isas = bench_isas(isa), n = 0;

	for (unsigned i = 0; i < OPS; i++) {
		for (unsigned j = 0; j < isas * SIZES; j++, n++) {
			call[n] = (struct call
			){isa[j / SIZES], op[i].name, size[j % SIZES], op[i].bytes};
			cases[n] = (struct bench_case
			){.run = op[i].run, .ctx = &call[n], .ops = call[n].n};
		}
	}
	return n;
}

static int run(struct bench_report *report)
{
	static struct bench_case cases[CASES_MAX];
	static struct call call[CASES_MAX];
	struct fog_geometry geo;

	if (fog_geometry_named(&geo, options[0].value) < 0)
		return bench_option_wrong(&options[0]);
	data_init();
	unsigned n = cases_make(cases, call, &geo);
	int ret = bench_measure(&report->plan, cases, n);
	if (ret < 0)
		return ret;
	for (unsigned i = 0; i < n; i++) {
		json_t *row = bench_row(report);

		json_object_set_new(row, "isa", json_string(call[i].isa->name));
		json_object_set_new(row, "op", json_string(call[i].op));
		json_object_set_new(row, "n", json_integer(call[i].n));
		json_object_set_new(row, "bytes", json_integer(call[i].bytes));
		bench_row_figure(row, "cycles", &cases[i].cycles);
		json_object_set_new(
		        row, "cycles_per_byte", json_real(cases[i].cycles.median / call[i].bytes)
		);
	}
	return 0;
}

const struct bench bench_symmetric = {
        .name = "symmetric",
        .what = "KDF, MAC, CTR, AEZ and blinding scalars by instruction set and batch size",
        .key = (const char *const[]){"isa", "op", "n", "bytes", NULL},
        .options = options,
        .run = run,
};
