// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "report.h"

#include <jansson.h>

#include "tell.h"

enum { EXIT_FAULTS = 3 };

static double report_seconds(const struct io *io)
{
	return io->sent > 1 ? (double)(io->last - io->first) / (double)io->tsc_hz : 0;
}

// The first and the last packet stand at the ends of the time, so there is one distance less.
static double report_rate(const struct io *io)
{
	double seconds = report_seconds(io);

	return seconds > 0 ? (double)(io->sent - 1) / seconds : 0;
}

static uint64_t report_lost(const struct io *io, const struct sink *s)
{
	return io->sent - s->received;
}

// What did not fit into the ring counts for what it was.
static uint64_t report_corrupt(const struct io *io, const struct sink *s)
{
	return s->corrupt + io->sink_full[ARRIVAL_BROKEN];
}

static uint64_t report_other(const struct io *io, const struct sink *s)
{
	return s->other + io->sink_full[ARRIVAL_OTHER];
}

static void report_hist(const char *name, const struct fog_hist *h)
{
	printf("%s p50/p99/max: %.2f/%.2f/%.2f ms\n", name,
	       (double)fog_hist_quantile(h, 0.5) / 1000, (double)fog_hist_quantile(h, 0.99) / 1000,
	       (double)h->max / 1000);
}

static void report_people(
        const struct options *o, const struct route *r, const struct pool *p, const struct io *io,
        const struct sink *s
)
{
	printf("way: %s, %u hops, to %s; %u distinct packets%s, made at %.0f/s by %s\n",
	       r->first->name, r->hops, r->last->name, p->count, o->reuse ? ", sent again" : "",
	       (double)p->count / p->seconds, s->ops->name);
	printf("sent %llu of %llu in %.2f s: %.0f packets/s, wanted %u, %s; behind at most %.2f ms\n",
	       (unsigned long long)io->sent, (unsigned long long)io->total, report_seconds(io),
	       report_rate(io), o->rate, o->poisson ? "Poisson" : "constant",
	       (double)io->behind_max * 1e3 / (double)io->tsc_hz);
	printf("received %llu  lost %llu  duplicates %llu  corrupt %llu  reordered %llu  "
	       "foreign %llu  other frames %llu\n",
	       (unsigned long long)s->received, (unsigned long long)report_lost(io, s),
	       (unsigned long long)s->duplicates, (unsigned long long)report_corrupt(io, s),
	       (unsigned long long)s->reordered, (unsigned long long)s->foreign,
	       (unsigned long long)report_other(io, s));
	for (unsigned i = 0; i < FOG_DROP_COUNT; i++)
		if (s->reason[i] > 0)
			printf("  %llu corrupt: %s\n", (unsigned long long)s->reason[i],
			       fog_drop_text(i));
	if (io->sink_full[ARRIVAL_PACKET] > 0)
		printf("  %llu mix packets arrived, but this host could not open them in time\n",
		       (unsigned long long)io->sink_full[ARRIVAL_PACKET]);
	if (io->no_buffer > 0)
		printf("  %llu times a packet waited for a buffer\n",
		       (unsigned long long)io->no_buffer);
	if (s->latency_us.count > 0)
		report_hist("latency", &s->latency_us);
	if (s->unclear > 0)
		printf("  %llu were sent again before they came back: without latency\n",
		       (unsigned long long)s->unclear);
	if (s->owed_us.count > 0) {
		report_hist("owed   ", &s->owed_us);
		report_hist("over   ", &s->over_us);
		printf("early %llu\n", (unsigned long long)s->early);
	}
}

static json_t *report_hist_json(const struct fog_hist *h)
{
	if (h->count == 0)
		return json_null();
	return json_pack(
	        "{s:I, s:I, s:I, s:I, s:f}", "count", (json_int_t)h->count, "p50",
	        (json_int_t)fog_hist_quantile(h, 0.5), "p99",
	        (json_int_t)fog_hist_quantile(h, 0.99), "max", (json_int_t)h->max, "mean",
	        fog_hist_mean(h)
	);
}

static int report_json(
        const struct options *o, const struct route *r, const struct pool *p, const struct io *io,
        const struct sink *s
)
{
	json_t *reasons = json_object();

	for (unsigned i = 0; i < FOG_DROP_COUNT; i++)
		if (s->reason[i] > 0)
			json_object_set_new(
			        reasons, fog_drop_label(i), json_integer((json_int_t)s->reason[i])
			);
	json_t *j = json_pack(
	        "{s:s, s:s, s:s, s:i, s:I, s:f, s:s, s:b, s:i, s:s}", "schema",
	        "fogline-trafficgen-run-1", "first", r->first->name, "last", r->last->name, "hops",
	        (int)r->hops, "pool", (json_int_t)p->count, "made_per_second",
	        (double)p->count / p->seconds, "isa", s->ops->name, "reuse", o->reuse,
	        "wanted_rate", (int)o->rate, "spacing", o->poisson ? "poisson" : "constant"
	);
	int ret = json_object_update_new(
	        j,
	        json_pack(
	                "{s:I, s:I, s:f, s:f, s:f, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
	                "wanted", (json_int_t)io->total, "sent", (json_int_t)io->sent, "seconds",
	                report_seconds(io), "rate", report_rate(io), "behind_max_us",
	                (double)io->behind_max * 1e6 / (double)io->tsc_hz, "received",
	                (json_int_t)s->received, "lost", (json_int_t)report_lost(io, s),
	                "lost_here", (json_int_t)io->sink_full[ARRIVAL_PACKET], "no_buffer",
	                (json_int_t)io->no_buffer, "duplicates", (json_int_t)s->duplicates,
	                "corrupt", (json_int_t)report_corrupt(io, s), "reordered",
	                (json_int_t)s->reordered, "foreign", (json_int_t)s->foreign, "other_frames",
	                (json_int_t)report_other(io, s)
	        )
	);
	json_object_set_new(j, "corrupt_reasons", reasons);
	json_object_set_new(j, "latency_us", report_hist_json(&s->latency_us));
	json_object_set_new(j, "owed_us", report_hist_json(&s->owed_us));
	json_object_set_new(j, "over_us", report_hist_json(&s->over_us));
	json_object_set_new(
	        j, "early", s->owed_known ? json_integer((json_int_t)s->early) : json_null()
	);
	if (ret == 0 && (ret = json_dumpf(j, stdout, JSON_INDENT(2))) == 0)
		putchar('\n');
	else
		tell_error("the report cannot be written as JSON: leave --json out");
	json_decref(j);
	return ret;
}

int report_run(
        const struct options *o, const struct route *r, const struct pool *p, const struct io *io,
        const struct sink *s
)
{
	if (o->json && report_json(o, r, p, io, s) < 0)
		return 1;
	if (!o->json)
		report_people(o, r, p, io, s);
	bool fault = io->sent < io->total || report_lost(io, s) > 0 || s->duplicates > 0 ||
	        report_corrupt(io, s) > 0 || s->early > 0;
	return fault ? EXIT_FAULTS : 0;
}
