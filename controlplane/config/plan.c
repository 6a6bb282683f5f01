// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The memory arithmetic for people.
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../mixnet/topology.h"
#include "private.h"
#include "schema.h"

enum {
	PLAN_TAGS = 1000000, // without a rate
	PLAN_EPOCH_S = 20 * 60, // defaults of the topology's keys
	PLAN_OVERLAP_S = 2 * 60,
};

static uint32_t plan_epoch_s(const struct fog_topology *t)
{
	return t != NULL ? t->epoch_s : PLAN_EPOCH_S;
}

static uint32_t plan_overlap_s(const struct fog_topology *t)
{
	return t != NULL ? t->overlap_s : PLAN_OVERLAP_S;
}

uint64_t config_key_seconds(const struct fog_topology *t)
{
	return (uint64_t)plan_epoch_s(t) + plan_overlap_s(t);
}

uint64_t fog_config_tags(const struct fog_config *c, const struct fog_topology *t)
{
	if (c->replay.capacity != 0)
		return c->replay.capacity;
	if (c->workers.max_rate != 0)
		return fog_plan_tags(
		        c->workers.cpu_count, c->workers.max_rate, config_key_seconds(t)
		);
	return PLAN_TAGS;
}

uint64_t config_plan_rest(const struct fog_config *c, const struct fog_plan *p)
{
	return p->total - p->replay_keys * p->replay -
	        (c->memory.hugepages ? (uint64_t)c->memory.mib << 20 : 0);
}

bool config_replay_known(const struct fog_config_host *h)
{
	return h != NULL && (h->replay_huge ? h->replay_page != 0 : h->replay_free != 0);
}

uint64_t fog_config_replay_have(
        const struct fog_config *c, const struct fog_config_host *h, const struct fog_plan *p
)
{
	uint64_t eal = (uint64_t)c->memory.mib << 20, rest = config_plan_rest(c, p), left;

	if (!config_replay_known(h))
		return 0;
	if (h->replay_huge) {
		// Packet buffers come out of the pages of the default size.
		bool shared = c->memory.hugepages && h->replay_page == h->hugepage;
		left = h->replay_free;
		return !shared ? left : left > eal ? left - eal : 0;
	}
	if (h->memory_free == 0)
		return h->replay_free;
	left = h->memory_free > rest ? h->memory_free - rest : 0;
	return left < h->replay_free ? left : h->replay_free;
}

// How many NUMA nodes the workers' CPUs are on.
static uint32_t plan_nodes(const struct fog_config *c, const struct fog_config_host *h)
{
	uint32_t nodes = 0;

	if (h == NULL)
		return 1;
	for (uint32_t i = 0; i < c->workers.cpu_count; i++) {
		bool seen = false;
		for (uint32_t k = 0; k < i && !seen; k++)
			seen = h->node[c->workers.cpu[k] % FOG_CONFIG_CPUS_MAX] ==
			        h->node[c->workers.cpu[i] % FOG_CONFIG_CPUS_MAX];
		nodes += !seen;
	}
	return nodes;
}

void fog_config_plan(
        const struct fog_config *c, const struct fog_topology *t, const struct fog_config_host *h,
        struct fog_plan *p
)
{
	struct fog_blob_launch launch;
	struct fog_geometry geometry;

	config_launch(c, t, &launch);
	if (t != NULL)
		geometry = t->geometry;
	else
		fog_geometry_named(&geometry, "mtu");
	fog_plan(&launch, geometry.packet_len, plan_nodes(c, h), p);
}

static double mib(uint64_t bytes)
{
	return (double)bytes / (1 << 20);
}

struct plan_text {
	char *text;
	size_t len, at;
};

__attribute__((format(printf, 2, 3))) static void plan_add(
        struct plan_text *p, const char *format, ...
)
{
	size_t room = p->at < p->len ? p->len - p->at : 0;
	va_list args;

	va_start(args, format);
	int n = vsnprintf(room > 0 ? p->text + p->at : NULL, room, format, args);
	va_end(args);
	p->at += n > 0 ? (size_t)n : 0;
}

// Three digits: what comes behind them nobody plans. "72 kpps", "758 pps".
static void plan_scaled(struct plan_text *p, double n, const char *unit)
{
	static const char *const prefix[] = {"", "k", "M", "G", "T"};
	unsigned i = 0;

	for (; n >= 999.5 && i < 4; i++)
		n /= 1000;
	plan_add(p, "%.3g%s%s%s", n, *prefix[i] || *unit ? " " : "", prefix[i], unit);
}

static void plan_tags(struct plan_text *p, uint64_t tags)
{
	plan_scaled(p, (double)tags, "");
	plan_add(p, " tags");
}

static void plan_duration(struct plan_text *p, uint64_t s)
{
	double n = s < 120 ? (double)s : s < 7200 ? (double)s / 60 : (double)s / 3600;
	const char *unit = s < 120 ? "s" : s < 7200 ? "min" : "h";

	plan_add(p, n < 999.5 ? "%.3g %s" : "%.0f %s", n, unit);
}

static void plan_bytes(struct plan_text *p, uint64_t bytes)
{
	double n = mib(bytes);
	bool gib = n >= 1023.5;

	plan_add(
	        p, "%.*f %s", gib || n < 99.95 ? 1 + gib : 0, gib ? n / 1024 : n,
	        gib ? "GiB" : "MiB"
	);
}

// "(20 + 2) min", in the largest unit that makes both of them whole.
static void plan_key_time(struct plan_text *p, const struct fog_topology *t)
{
	uint32_t epoch = plan_epoch_s(t), overlap = plan_overlap_s(t);
	uint32_t unit = 1;

	if (epoch % 3600 == 0 && overlap % 3600 == 0)
		unit = 3600;
	else if (epoch % 60 == 0 && overlap % 60 == 0)
		unit = 60;
	plan_add(
	        p, "(%u + %u) %s", epoch / unit, overlap / unit,
	        unit == 1            ? "s"
	                : unit == 60 ? "min"
	                             : "h"
	);
}

static void plan_rate(struct plan_text *p, const struct fog_config *c)
{
	if (c->workers.cpu_count > 1)
		plan_add(p, "%u workers x ", c->workers.cpu_count);
	plan_scaled(p, c->workers.max_rate, "pps");
}

// Whether what the limit lets through at once shows in three digits.
static bool plan_burst_shows(const struct fog_config *c, uint64_t seconds, uint64_t admitted)
{
	char steady[32] = "", all[32] = "";
	struct plan_text a = {.text = steady, .len = sizeof(steady)};
	struct plan_text b = {.text = all, .len = sizeof(all)};

	plan_tags(&a, (uint64_t)c->workers.cpu_count * c->workers.max_rate * seconds);
	plan_tags(&b, admitted);
	return strcmp(steady, all) != 0;
}

void config_replay_say(
        const struct fog_config *c, const struct fog_topology *t, const struct fog_config_host *h,
        const struct fog_plan *p, char *text, size_t len
)
{
	uint64_t admitted =
	        fog_plan_tags(c->workers.cpu_count, c->workers.max_rate, config_key_seconds(t));
	struct plan_text out = {.text = text, .len = len};

	if (c->workers.max_rate != 0) {
		plan_rate(&out, c);
		plan_add(&out, " x ");
		plan_key_time(&out, t);
		plan_add(
		        &out, "%s = ",
		        plan_burst_shows(c, config_key_seconds(t), admitted) ? " + burst" : ""
		);
		plan_tags(&out, admitted);
		if (c->replay.capacity != 0)
			plan_add(&out, ", replay.capacity is ");
	}
	if (c->workers.max_rate == 0 || c->replay.capacity != 0)
		plan_tags(&out, fog_config_tags(c, t));
	plan_add(&out, " = ");
	plan_bytes(&out, p->replay);
	plan_add(&out, " per key; %u keys", p->replay_keys);
	if (config_replay_known(h)) {
		plan_add(&out, "; have ");
		plan_bytes(&out, fog_config_replay_have(c, h, p));
	}
}

// What a table of this size is good for, and what differs where keys are never renewed.
static void plan_replay_notes(
        struct plan_text *out, const struct fog_config *c, const struct fog_topology *t
)
{
	uint64_t tags = fog_config_tags(c, t);
	uint64_t rate = (uint64_t)c->workers.cpu_count * c->workers.max_rate;

	if (rate == 0) {
		plan_add(out, "          no workers.max_rate: enough for ");
		plan_scaled(out, (double)tags / (double)config_key_seconds(t), "pps");
		plan_add(out, " on average over ");
		plan_key_time(out, t);
		plan_add(out, "\n");
	}
	if (t != NULL && t->links == FOG_LINKS_NOISE)
		return;
	plan_add(out, "          with 'links: none' the key is for good: one table is made");
	if (rate != 0) {
		plan_add(out, ", and at this rate it is full after ");
		plan_duration(out, tags / rate);
	}
	plan_add(out, "\n");
}

size_t fog_config_plan_print(
        const struct fog_config *c, const struct fog_topology *t, const struct fog_config_host *h,
        const struct fog_plan *p, char *text, size_t len
)
{
	struct plan_text out = {.text = text, .len = len};
	char replay[256];

	config_replay_say(c, t, h, p, replay, sizeof(replay));
	plan_add(
	        &out,
	        "buffers   parked %u + device queues %u + caches %u + in work %u = %u of %u\n"
	        "memory    %u buffers x %" PRIu64
	        " B = %.1f MiB in whole pages, queues of links %.1f MiB, EAL and devices %.1f MiB: "
	        "%.1f of memory.mib %u\n",
	        p->parked, p->queued, p->cached, p->held, p->buffers_need, c->memory.packet_buffers,
	        c->memory.packet_buffers, p->buffer_size, mib(p->pool), mib(p->queues),
	        mib(FOG_PLAN_EAL), mib(p->eal_need), c->memory.mib
	);
	if (p->nodes > 1)
		plan_add(
		        &out, "          in %u pools, one for each NUMA node of the workers\n",
		        p->nodes
		);
	plan_add(&out, "replay    %s\n", replay);
	plan_replay_notes(&out, c, t);
	plan_add(
	        &out,
	        "beside    rings %.1f MiB, calendars %.1f MiB, cover %.1f MiB, statistics %.1f MiB, AF_XDP "
	        "frames %.1f MiB\n"
	        "together  %.1f MiB, %u replay tables included\n",
	        mib(p->rings), mib(p->calendars), mib(p->cover), mib(p->stats), mib(p->umem),
	        mib(p->total), p->replay_keys
	);
	for (unsigned i = 0; h != NULL && i < c->port_count; i++)
		if (h->choice[i].driver != 0)
			plan_add(
			        &out, "port      %s: driver auto takes %s: %s\n", c->port[i].name,
			        config_word(KIND_DRIVER, h->choice[i].driver), h->choice[i].why
			);
	return out.at;
}
