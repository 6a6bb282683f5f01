// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Encrypted links: what sealing a packet and opening its frame cost, with counter, header, lookup and
// window, by instruction set and burst. A session with itself: what it seals it opens.
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "../dataplane/crypto/link.h"
#include "../dataplane/link/table.h"
#include "../dataplane/sphinx/sphinx.h"
#include "bench.h"

enum {
	SIZES = 2,
	BURST_MAX = 32,
	BUFFER = 2304, // as mbufs lie: their bytes share no cache line
	SEAL = 0, // laps
	OPEN = 1,
	LAPS = 2,
};

static struct bench_option options[] = {{"--geometry", "mtu|mtu3|jumbo", "mtu"}, {0}};

static uint8_t frame[BURST_MAX][2 * BUFFER];

struct burst {
	const char *isa;
	struct fog_link_table *table;
	uint32_t index;
	unsigned n;
	uint32_t len; // of a packet
	uint64_t wrong;
};

static void job_fill(
        struct fog_gcm_job *job, const struct fog_gcm_key *key, uint8_t *f, uint32_t len
)
{
	*job = (struct fog_gcm_job){
	        .key = key,
	        .aad = f,
	        .text = f + FOG_FRAME_HEADER,
	        .tag = f + FOG_FRAME_HEADER + len,
	};
	memcpy(job->nonce + 4, f + 8, 8);
}

static void seal(struct burst *b)
{
	struct fog_link *l = fog_link_find(b->table, b->index);
	struct fog_gcm_job job[BURST_MAX];
	uint64_t counter;

	for (unsigned i = 0; i < b->n; i++) {
		b->wrong += !fog_link_counter(l, 0, &counter);
		fog_frame_header_put(frame[i], FOG_FRAME_DATA, l->tx_index, counter);
		job_fill(&job[i], &l->lane[0].key, frame[i], b->len);
	}
	b->table->crypto->gcm_seal(b->n, job, b->len);
}

static uint64_t counter_of(const uint8_t *f)
{
	uint64_t counter;

	memcpy(&counter, f + 8, sizeof(counter));
	return __builtin_bswap64(counter);
}

static void open_frames(struct burst *b)
{
	struct fog_gcm_job job[BURST_MAX];
	struct fog_link *l = NULL;

	for (unsigned i = 0; i < b->n; i++) {
		uint32_t index;
		memcpy(&index, frame[i] + 4, sizeof(index));
		l = fog_link_find(b->table, __builtin_bswap32(index));
		job_fill(&job[i], &l->rx[0].key, frame[i], b->len);
		b->wrong += fog_window_look(&l->rx[0].window, counter_of(frame[i])) !=
		        FOG_WINDOW_NEW;
	}
	b->wrong += b->table->crypto->gcm_open(b->n, job, b->len) != 0;
	for (unsigned i = 0; i < b->n; i++) {
		b->wrong += fog_window_claim(&l->rx[0].window, counter_of(frame[i])) >
		        FOG_WINDOW_NEWEST;
		fog_link_heard(b->table, l, 0);
	}
}

static void run_burst(void *ctx, uint64_t lap[])
{
	struct burst *b = ctx;
	uint64_t start = bench_ticks();

	seal(b);
	uint64_t sealed = bench_ticks();
	open_frames(b);
	lap[SEAL] += sealed - start;
	lap[OPEN] += bench_ticks() - sealed;
}

static int table_make(const struct fog_crypto_ops *ops, struct burst *b)
{
	struct fog_link_session s = {
	        .class = FOG_LINK_NODE,
	        .rx_index = 77u << FOG_LINK_SUB_BITS,
	        .tx_index = 77u << FOG_LINK_SUB_BITS,
	        .rx_count = 1,
	        .initiator = 1,
	        .ip = {.family = 4},
	        .port = 9001,
	        .rekey_packets = UINT64_MAX,
	        .reject_packets = UINT64_MAX,
	};

	b->isa = ops->name;
	b->table = fog_link_table_create(ops, 1, 1000000000);
	b->index = s.rx_index;
	randombytes_buf(s.rx_key, sizeof(s.rx_key));
	memcpy(s.tx_key, s.rx_key, sizeof(s.tx_key));
	return b->table == NULL ? -ENOMEM : fog_link_install(b->table, &s, 0);
}

static int rows_fill(struct bench_report *report, const struct bench_case *c, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const struct burst *b = c[i].ctx;
		json_t *row = bench_row(report);

		if (b->wrong > 0)
			return -EBADMSG;
		json_object_set_new(row, "isa", json_string(b->isa));
		json_object_set_new(row, "burst", json_integer(b->n));
		json_object_set_new(row, "bytes", json_integer(b->len));
		bench_row_figure(row, "cycles", &c[i].cycles);
		bench_row_figure(row, "seal_cycles", &c[i].lap[SEAL]);
		bench_row_figure(row, "open_cycles", &c[i].lap[OPEN]);
	}
	return 0;
}

static int run(struct bench_report *report)
{
	static const unsigned size[SIZES] = {1, BURST_MAX};
	struct bench_case cases[SIZES * BENCH_ISAS_MAX];
	struct burst burst[SIZES * BENCH_ISAS_MAX] = {0};
	const struct fog_crypto_ops *isa[BENCH_ISAS_MAX];
	unsigned n = bench_isas(isa) * SIZES;
	struct fog_geometry geo;
	int ret = 0;

	if (fog_geometry_named(&geo, options[0].value) < 0)
		return bench_option_wrong(&options[0]);
	for (unsigned i = 0; i < n && ret == 0; i++) {
		burst[i].n = size[i % SIZES];
		burst[i].len = geo.packet_len;
		cases[i] = (struct bench_case
		){.run = run_burst, .ctx = &burst[i], .ops = burst[i].n, .laps = LAPS};
		ret = table_make(isa[i / SIZES], &burst[i]);
	}
	if (ret == 0)
		ret = bench_measure(&report->plan, cases, n);
	if (ret == 0)
		ret = rows_fill(report, cases, n);
	for (unsigned i = 0; i < n; i++)
		fog_link_table_destroy(burst[i].table);
	if (ret < 0)
		fprintf(stderr, "bench: link: %s\n", strerror(-ret));
	return ret;
}

const struct bench bench_link = {
        .name = "link",
        .what = "sealing and opening frames of encrypted links (under forged handshakes: flood)",
        .key = (const char *const[]){"isa", "burst", "bytes", NULL},
        .options = options,
        .run = run,
};
