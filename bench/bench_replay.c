// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Claims in the replay table, by size and fill. A table is filled up by real claims of random tags,
// from one fill to the next; what is timed are claims of tags not seen before, the way a worker
// makes them (prefetch a batch, then claim it) and one by one.
#include <errno.h>
#include <linux/magic.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "../dataplane/replay.h"
#include "bench.h"

enum {
	LIST_MAX = 16,
	BATCH_MAX = 64,
	TAGS_MAX = 1024, // of one timed run
	ID = 7, // any key
};

enum { SIZE, FILL, BATCH, DIR };

static struct bench_option options[] = {
        {"--size", "MiB, from 1 to 1048576", "16,64,256,1024,4096"},
        {"--fill", "% of what the table may hold, rising", "1,10,25,50,75,90"},
        {"--batch", "tags prefetched together, 1 to 64", "16"},
        {"--dir", "a folder on tmpfs or hugetlbfs", "/dev/shm"},
        {0},
};

struct table {
	struct fog_replay *replay;
	uint64_t bytes, page, capacity;
	unsigned batch, tags; // of one run
	uint64_t state; // of the generator of tags
	uint64_t failed;
	uint8_t tag[TAGS_MAX][FOG_REPLAY_TAG_LEN];
};

// The one place that knows how claims are made. Returns how many were not new.
static unsigned claim(
        struct fog_replay *r, uint8_t tag[][FOG_REPLAY_TAG_LEN], unsigned n, bool ahead
)
{
	unsigned failed = 0, step = ahead ? BATCH_MAX : 1;

	for (unsigned i = 0; i < n; i += step) {
		const uint8_t *from[BATCH_MAX];
		struct fog_replay_place place[BATCH_MAX];
		unsigned m = n - i < step ? n - i : step;
		for (unsigned k = 0; k < m; k++)
			from[k] = tag[i + k];
		fog_replay_prefetch(r, m, from, place);
		for (unsigned k = 0; k < m; k++)
			failed += fog_replay_claim(r, &place[k]) != 0;
	}
	return failed;
}

// The table makes its own randomness of tags; they only have to differ (splitmix64).
static void tags_make(struct table *t, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		for (unsigned j = 0; j < FOG_REPLAY_TAG_LEN; j += 8) {
			uint64_t z = t->state += UINT64_C(0x9e3779b97f4a7c15);
			z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
			z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
			z ^= z >> 31;
			memcpy(t->tag[i] + j, &z, sizeof(z));
		}
	}
}

static void tags_fresh(void *ctx)
{
	struct table *t = ctx;

	tags_make(t, t->tags);
}

static void run_batched(void *ctx, uint64_t lap[])
{
	struct table *t = ctx;

	(void)lap;
	for (unsigned i = 0; i < t->tags; i += t->batch)
		t->failed += claim(t->replay, t->tag + i, t->batch, true);
}

static void run_single(void *ctx, uint64_t lap[])
{
	struct table *t = ctx;

	(void)lap;
	t->failed += claim(t->replay, t->tag, t->tags, false);
}

static void fill_to(struct table *t, uint64_t count)
{
	while (fog_replay_count(t->replay) + BATCH_MAX < count) {
		uint64_t missing = count - fog_replay_count(t->replay);
		// Counting is slower than claiming: count rarely.
		for (; missing >= BATCH_MAX; missing -= BATCH_MAX) {
			tags_make(t, BATCH_MAX);
			t->failed += claim(t->replay, t->tag, BATCH_MAX, true);
		}
	}
}

// The most tags whose table needs at most 'bytes' besides its header page.
static uint64_t capacity_for(uint64_t bytes)
{
	uint64_t low = 1, high = bytes;

	while (low < high) {
		uint64_t middle = low + (high - low + 1) / 2, need = fog_replay_footprint(middle);
		if (need != 0 && need <= bytes + 4096)
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}

// Bytes of the pages that really map the file at 'path' in this process; 0 when unknown.
static uint64_t page_size(const char *path)
{
	char line[512];
	unsigned long long kib = 0, size = 0, huge = 0;
	bool ours = false;
	FILE *f = fopen("/proc/self/smaps", "r");

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (strstr(line, path) != NULL)
			ours = true;
		if (!ours)
			continue;
		sscanf(line, "Size: %llu", &size);
		sscanf(line, "KernelPageSize: %llu", &kib);
		sscanf(line, "ShmemPmdMapped: %llu", &huge);
		if (strncmp(line, "VmFlags", 7) == 0)
			break;
	}
	if (f != NULL)
		fclose(f);
	return (huge > size / 2 ? 2048 : kib) * 1024;
}

// The number behind the first 'format' that fits a line of the file at 'path'; 0 when there is none.
static uint64_t number_in(const char *path, const char *format)
{
	unsigned long long value = 0;
	char line[128];
	FILE *f = fopen(path, "r");

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, format, &value) == 1)
			break;
	}
	if (f != NULL)
		fclose(f);
	return value;
}

// Memory that can be had without trouble: huge pages that are free, or three quarters of what is
// free, and no more than the file system has.
static uint64_t memory_left(const char *dir)
{
	struct statfs fs;
	char path[96];

	if (statfs(dir, &fs) < 0)
		return 0;
	if (fs.f_type == HUGETLBFS_MAGIC) {
		snprintf(
		        path, sizeof(path),
		        "/sys/kernel/mm/hugepages/hugepages-%lukB/free_hugepages",
		        (unsigned long)fs.f_bsize / 1024
		);
		return number_in(path, "%llu") * (uint64_t)fs.f_bsize;
	}
	uint64_t left = number_in("/proc/meminfo", "MemAvailable: %llu") * 1024 / 4 * 3;
	uint64_t room = fs.f_bavail * (uint64_t)fs.f_bsize;
	return room < left ? room : left;
}

// Timed claims fill the table, too: few enough that the fill moves by less than a hundredth of the
// capacity, centred on what was asked for.
static int fill_measure(struct bench_report *report, struct table *t, double fill)
{
	struct bench_case cases[2] = {
	        {.prepare = tags_fresh, .run = run_batched, .ctx = t, .runs = 1},
	        {.prepare = tags_fresh, .run = run_single, .ctx = t, .runs = 1}};
	uint64_t runs = 2 * 2 * report->plan.windows; // one of each two warms up
	uint64_t tags = t->capacity / 128 / runs / t->batch * t->batch;

	t->tags = tags < t->batch ? t->batch : tags > TAGS_MAX ? TAGS_MAX : (unsigned)tags;
	t->tags -= t->tags % t->batch;
	cases[0].ops = cases[1].ops = t->tags;
	uint64_t middle = (uint64_t)(fill / 100 * (double)t->capacity), half = runs * t->tags / 2;
	fill_to(t, middle > half ? middle - half : 0);
	uint64_t before = fog_replay_count(t->replay);
	t->failed = 0;
	int ret = bench_measure(&report->plan, cases, 2);
	if (ret < 0)
		return ret;
	uint64_t after = fog_replay_count(t->replay);
	json_t *row = bench_row(report);
	json_object_set_new(row, "table_bytes", json_integer((json_int_t)t->bytes));
	json_object_set_new(row, "fill", json_real(fill / 100));
	json_object_set_new(
	        row, "fill_mean", json_real((double)(before + after) / 2 / (double)t->capacity)
	);
	json_object_set_new(row, "page_bytes", json_integer((json_int_t)t->page));
	json_object_set_new(row, "batch", json_integer(t->batch));
	bench_row_figure(row, "cycles", &cases[0].cycles);
	bench_row_figure(row, "cycles_unprefetched", &cases[1].cycles);
	if (t->failed > 0)
		bench_note(
		        report, "%llu claims of new tags failed at %g %%",
		        (unsigned long long)t->failed, fill
		);
	return 0;
}

static int table_measure(
        struct bench_report *report, struct table *t, const double *fill, int fills
)
{
	static const uint8_t id[FOG_REPLAY_ID_LEN] = {ID};
	char path[256];
	int found, ret;

	if (t->bytes > memory_left(options[DIR].value)) {
		bench_note(
		        report, "no table of %llu MiB: not enough memory free, or in %s",
		        (unsigned long long)t->bytes >> 20, options[DIR].value
		);
		return 0;
	}
	snprintf(path, sizeof(path), "%s/fogline-bench-%d", options[DIR].value, (int)getpid());
	t->capacity = capacity_for(t->bytes);
	if ((ret = fog_replay_open(path, id, t->capacity, &t->replay, &found)) < 0) {
		fprintf(stderr, "bench: no replay table at %s: %s; --dir names a tmpfs\n", path,
		        strerror(-ret));
		return ret == -EINVAL ? -EIO : ret;
	}
	t->page = page_size(path);
	unlink(path); // the mapping stays: whatever ends this process, no memory is left behind
	for (int i = 0; i < fills && ret == 0; i++)
		ret = fill_measure(report, t, fill[i]);
	fog_replay_close(t->replay);
	return ret;
}

static int run(struct bench_report *report)
{
	static struct table t;
	double size[LIST_MAX], fill[LIST_MAX], batch;
	int sizes = bench_option_list(&options[SIZE], 1, 1048576, size, LIST_MAX);
	int fills = sizes < 0 ? sizes : bench_option_list(&options[FILL], 0.1, 95, fill, LIST_MAX);
	int ret = fills < 0 ? fills : bench_option_list(&options[BATCH], 1, BATCH_MAX, &batch, 1);

	if (ret < 0)
		return ret;
	for (int i = 1; i < fills; i++) {
		if (fill[i] <= fill[i - 1])
			return bench_option_wrong(&options[FILL]);
	}
	t.batch = (unsigned)batch;
	randombytes_buf(&t.state, sizeof(t.state));
	if (report->plan.quick) {
		sizes = 1;
		fills = fills < 2 ? fills : 2;
	}
	ret = 0;
	for (int i = 0; i < sizes && ret == 0; i++) {
		t.bytes = (uint64_t)size[i] << 20;
		ret = table_measure(report, &t, fill, fills);
	}
	return ret;
}

const struct bench bench_replay = {
        .name = "replay",
        .what = "claims in the replay table, by size and fill",
        .key = (const char *const[]){"table_bytes", "fill", NULL},
        .options = options,
        .run = run,
};
