// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "interrupt.h"
#include "tell.h"

// Bytes that the kernel could give without swapping; 0 when it doesn't tell.
static uint64_t pool_available(void)
{
	FILE *f = fopen("/proc/meminfo", "re");
	unsigned long long kib = 0;
	char line[128];

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "MemAvailable: %llu", &kib) == 1)
			break;
	if (f != NULL)
		fclose(f);
	return kib << 10;
}

// Whether half of the available memory is enough.
static int pool_fits(const struct pool *p, uint32_t count)
{
	uint64_t need = (uint64_t)count * (p->frame_len + sizeof(p->slot[0]));
	uint64_t have = pool_available() / 2;

	if (need <= have || have == 0)
		return 0;
	tell_error(
	        "%u packets need %llu MiB, and half of the available memory is %llu MiB: lower "
	        "--count or --seconds, or send a smaller --pool again and again with --reuse",
	        count, (unsigned long long)(need >> 20), (unsigned long long)(have >> 20)
	);
	return -ENOMEM;
}

static uint64_t pool_owed(const struct pool_delays *d, const uint8_t (*tag)[32], unsigned hops)
{
	uint64_t owed = 0;

	// The last hop is the sink, which delays nothing.
	for (unsigned i = 0; d != NULL && i + 1 < hops; i++)
		owed += fog_delay_owed(&d->law, &d->key, tag[i], 0);
	return owed;
}

static int pool_fill(struct pool *p, struct maker *m, const struct pool_delays *delays)
{
	for (uint32_t at = 0; at < p->count;) {
		uint8_t *frame[MAKER_BATCH];
		unsigned n = p->count - at < MAKER_BATCH ? p->count - at : MAKER_BATCH;

		for (unsigned i = 0; i < n; i++)
			frame[i] = p->frames + (size_t)(at + i) * p->frame_len;
		int ret = interrupt_seen() ? -EINTR : maker_make(m, frame, n);
		if (ret < 0)
			return ret;
		for (unsigned i = 0; i < n; i++)
			p->slot[at + i].owed_us =
			        pool_owed(delays, (const uint8_t(*)[32])m->tag[i], m->route->hops);
		at += n;
	}
	return 0;
}

int pool_open(struct pool *p, struct maker *m, uint32_t count, const struct pool_delays *delays)
{
	struct timespec before, after;
	int ret;

	memset(p, 0, sizeof(*p));
	p->frame_len = frame_len(&m->frame);
	p->run = m->run;
	if ((ret = pool_fits(p, count)) < 0)
		return ret;
	p->frames = malloc((size_t)count * p->frame_len);
	p->slot = calloc(count, sizeof(p->slot[0]));
	p->count = count;
	if (p->frames == NULL || p->slot == NULL) {
		tell_error(
		        "no memory for %u packets: lower --count, or take --pool and --reuse", count
		);
		pool_close(p);
		return -ENOMEM;
	}
	clock_gettime(CLOCK_MONOTONIC, &before);
	if ((ret = pool_fill(p, m, delays)) < 0) {
		pool_close(p);
		return ret;
	}
	clock_gettime(CLOCK_MONOTONIC, &after);
	p->seconds = (double)(after.tv_sec - before.tv_sec) +
	        (double)(after.tv_nsec - before.tv_nsec) / 1e9;
	return 0;
}

void pool_close(struct pool *p)
{
	free(p->frames);
	free(p->slot);
	memset(p, 0, sizeof(*p));
}
