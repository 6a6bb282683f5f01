// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// /metrics in OpenMetrics 1.0 text. Families come from metrics.def and drops.def; what is not known
// is left out, never 0.
#include <fog_version.h> // made from git describe during the build
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../node_platform.h"
#include "../http.h"
#include "links.h"
#include "mail.h"
#include "metrics.h"

void metrics_family(FILE *f, const char *name, const char *unit, const char *type, const char *help)
{
	char full[96];

	snprintf(full, sizeof(full), "fog_%s%s%s", name, unit[0] ? "_" : "", unit);
	fprintf(f, "# TYPE %s %s\n", full, type);
	if (unit[0])
		fprintf(f, "# UNIT %s %s\n", full, unit);
	fprintf(f, "# HELP %s %s\n", full, help);
}

void metrics_gauge(FILE *f, const char *name, const char *unit, const char *help, double value)
{
	metrics_family(f, name, unit, "gauge", help);
	fprintf(f, "fog_%s%s%s %.15g\n", name, unit[0] ? "_" : "", unit, value);
}

void metrics_counter(FILE *f, const char *name, const char *unit, const char *help, uint64_t value)
{
	metrics_family(f, name, unit, "counter", help);
	fprintf(f, "fog_%s%s%s_total %" PRIu64 "\n", name, unit[0] ? "_" : "", unit, value);
}

// One sample per worker with a readable block. 'field' is the offset in the counters.
static void metrics_per_worker(
        FILE *f, const struct snapshot *s, const char *name, const char *unit, bool counter,
        size_t field, const char *help
)
{
	metrics_family(f, name, unit, counter ? "counter" : "gauge", help);
	for (uint32_t i = 0; i < s->worker_count; i++) {
		uint64_t value;
		memcpy(&value, (const char *)&s->worker[i].counters + field, sizeof(value));
		if (s->worker[i].valid)
			fprintf(f, "fog_%s%s%s%s{worker=\"%u\"} %" PRIu64 "\n", name,
			        unit[0] ? "_" : "", unit, counter ? "_total" : "", i, value);
	}
}

static void metrics_workers(FILE *f, const struct snapshot *s)
{
#define FIELD(member) offsetof(struct fog_worker_counters, member)
#define COUNTER(field, name, unit, text) \
	metrics_per_worker(f, s, name, unit, true, FIELD(field), text);
#define GAUGE(field, name, unit, text) \
	metrics_per_worker(f, s, name, unit, false, FIELD(field), text);
#include "../../../dataplane/api/metrics.def"
	metrics_family(
	        f, "worker_accounting_gap", "packets", "gauge",
	        "packets that no book field explains"
	);
	for (uint32_t i = 0; i < s->worker_count; i++) {
		if (s->worker[i].valid)
			fprintf(f, "fog_worker_accounting_gap_packets{worker=\"%u\"} %" PRId64 "\n",
			        i, fog_books_gap(&s->worker[i].counters));
	}
	metrics_family(f, "drop", "packets", "counter", "packets dropped, by reason");
	for (uint32_t i = 0; i < s->worker_count; i++) {
		for (unsigned d = FOG_DROP_NONE + 1; s->worker[i].valid && d < FOG_DROP_COUNT; d++)
			fprintf(f,
			        "fog_drop_packets_total{worker=\"%u\",reason=\"%s\"} %" PRIu64 "\n",
			        i, fog_drop_label(d), s->worker[i].counters.drop[d]);
	}
}

// Bounds are powers of two of the histogram's unit. Its values are whole units, rounded down, so
// "less than 2^k" is exact.
struct metrics_scale {
	double unit_s; // seconds per unit
	uint8_t exponent[12]; // zero-terminated
};

static void metrics_histogram_one(
        FILE *f, const char *name, unsigned worker, const struct fog_hist *h,
        const struct metrics_scale *scale
)
{
	uint64_t seen = 0;
	unsigned bucket = 0;

	for (const uint8_t *e = scale->exponent; *e != 0; e++) {
		uint64_t bound = UINT64_C(1) << *e;
		while (bucket < FOG_HIST_BUCKETS && fog_hist_upper(bucket) < bound)
			seen += h->bucket[bucket++];
		fprintf(f, "fog_%s_seconds_bucket{worker=\"%u\",le=\"%.9g\"} %" PRIu64 "\n", name,
		        worker, (double)bound * scale->unit_s, seen);
	}
	fprintf(f, "fog_%s_seconds_bucket{worker=\"%u\",le=\"+Inf\"} %" PRIu64 "\n", name, worker,
	        h->count);
	fprintf(f, "fog_%s_seconds_count{worker=\"%u\"} %" PRIu64 "\n", name, worker, h->count);
	fprintf(f, "fog_%s_seconds_sum{worker=\"%u\"} %.15g\n", name, worker,
	        (double)h->sum * scale->unit_s);
}

static void metrics_histogram(
        FILE *f, const struct snapshot *s, const char *name, size_t field,
        const struct metrics_scale *scale, const char *help
)
{
	metrics_family(f, name, "seconds", "histogram", help);
	for (uint32_t i = 0; i < s->worker_count; i++) {
		const struct fog_hist *h =
		        (const void *)((const char *)&s->worker[i].counters + field);
		if (s->worker[i].valid)
			metrics_histogram_one(f, name, i, h, scale);
	}
}

static void metrics_histograms(FILE *f, const struct snapshot *s)
{
	static const struct metrics_scale us = {1e-6, {10, 12, 14, 15, 16, 17, 18, 19, 20, 22, 24}};
	static const struct metrics_scale ns = {1e-9, {10, 12, 14, 16, 17, 18, 20, 22, 24, 27, 30}};

	metrics_histogram(
	        f, s, "delay_owed", FIELD(owed_us), &us, "delay owed to packets at arrival"
	);
	metrics_histogram(
	        f, s, "delay_given", FIELD(given_us), &us, "time from arrival to release"
	);
	metrics_histogram(
	        f, s, "release_lateness", FIELD(late_ns), &ns, "time from due to release"
	);
	metrics_histogram(
	        f, s, "worker_loop_time", FIELD(loop_ns), &ns,
	        "duration of a loop round that found work"
	);
}

static void metrics_peer(
        FILE *f, const struct fog_node *n, const struct snapshot *s,
        const struct fog_worker_counters *sum, bool tx
)
{
	metrics_family(
	        f, tx ? "peer_sent" : "peer_received", "packets", "counter",
	        tx ? "packets sent to a node" : "packets received from a node"
	);
	for (unsigned i = 0; i < FOG_NODES_MAX; i++) {
		const char *name = snapshot_peer_name(n, s, i);
		if (name != NULL)
			fprintf(f, "fog_peer_%s_packets_total{peer=\"%s\"} %" PRIu64 "\n",
			        tx ? "sent" : "received", name,
			        tx ? sum->peer[i].tx : sum->peer[i].rx);
	}
}

static void metrics_peers(FILE *f, struct fog_node *n, const struct snapshot *s)
{
	struct fog_worker_counters *sum = s->workers_valid ? snapshot_sum(s) : NULL;

	if (sum == NULL)
		return;
	pthread_rwlock_rdlock(&n->lock);
	metrics_peer(f, n, s, sum, true);
	metrics_peer(f, n, s, sum, false);
	pthread_rwlock_unlock(&n->lock);
	free(sum);
}

static void metrics_replay_alarm(FILE *f, const struct snapshot *s)
{
	if (s->replay_capacity > 0)
		metrics_gauge(
		        f, "replay_fill", "ratio",
		        "share of the fullest replay table that is in use; full = drop replay_full",
		        (double)s->replay_count / (double)s->replay_capacity
		);
	metrics_gauge(
	        f, "replay_alarm", "", "1 while the replay table is 80 percent full or more",
	        fog_stats_fill(s->replay_count, s->replay_capacity) >= FOG_REPLAY_ALARM
	);
}

static void metrics_data_plane(
        FILE *f, const struct snapshot *s, const struct fog_dpclient_status *d
)
{
	if (d->heartbeat_age_ms != UINT64_MAX) // it left just now
		metrics_gauge(
		        f, "data_plane_heartbeat_age", "seconds",
		        "time since the data plane's heartbeat moved",
		        (double)d->heartbeat_age_ms / 1e3
		);
	metrics_gauge(
	        f, "data_plane_start_time", "seconds", "when the data plane started, since 1970",
	        (double)s->start_unix_ns / 1e9
	);
	metrics_gauge(
	        f, "config_in_force_generation", "", "configuration that the data plane runs",
	        (double)s->generation
	);
	metrics_gauge(
	        f, "key_epoch", "", "epoch of the newest mix key in force",
	        s->key_count > 0 ? (double)s->key[s->key_count - 1].epoch : 0.0
	);
	metrics_gauge(f, "mix_keys", "", "mix keys in force", (double)s->key_count);
	metrics_gauge(
	        f, "replay_tags", "", "packets remembered in the fullest replay table",
	        (double)s->replay_count
	);
	metrics_gauge(
	        f, "replay_tags_max", "", "packets that this table can remember",
	        (double)s->replay_capacity
	);
	metrics_replay_alarm(f, s);
	metrics_gauge(
	        f, "accept_replays", "",
	        "1 while packets seen before are let through: for benches only",
	        s->accept_replays != 0
	);
	metrics_gauge(f, "trace_active", "", "1 while single packets are traced", s->tracing != 0);
	metrics_gauge(f, "buffers", "", "packet buffers", (double)s->mbuf_total);
	metrics_gauge(f, "buffers_free", "", "free packet buffers", (double)s->mbuf_free);
	metrics_gauge(f, "draining", "", "1 while the data plane drains", s->draining != 0);
	metrics_counter(
	        f, "control_faults", "", "control connections closed for breaking the protocol",
	        s->control_faults
	);
}

static void metrics_hashes(FILE *f, const struct fog_node *n)
{
	struct fog_accounts *accounts = node_platform_accounts(n);

	if (accounts != NULL)
		metrics_counter(
		        f, "password_hashes", "",
		        "runs of Argon2id: logins of anybody, known or not, and new passwords",
		        fog_accounts_hashes(accounts)
		);
}

static void metrics_control_plane(FILE *f, struct fog_node *n, const struct fog_dpclient_status *d)
{
	struct fog_inbox_counts c;

	fog_inbox_counts(n->inbox, &c);
	metrics_family(f, "build", "", "info", "version of the control plane");
	fprintf(f, "fog_build_info{version=\"" FOG_VERSION "\"} 1\n");
	metrics_gauge(
	        f, "data_plane_attached", "", "1 while a data plane is attached",
	        d->state == FOG_DPCLIENT_ATTACHED
	);
	pthread_rwlock_rdlock(&n->lock);
	uint64_t generation = n->generation;
	bool test_keys = n->started->test.key_seed != 0;
	bool known = n->topology != NULL, bare = known && n->topology->links == FOG_LINKS_NONE;
	pthread_rwlock_unlock(&n->lock);
	if (known) {
		metrics_gauge(
		        f, "config_wanted_generation", "",
		        "configuration that the control plane wants", (double)generation
		);
		metrics_gauge(f, "links_unencrypted", "", "1 while links are none", bare);
	}
	metrics_gauge(f, "test_keys", "", "1 while everybody knows this node's keys", test_keys);
	metrics_hashes(f, n);
	metrics_counter(
	        f, "data_plane_attaches", "", "connections made to a data plane", d->attaches
	);
	metrics_counter(
	        f, "data_plane_faults", "",
	        "connections closed because the data plane broke the protocol", d->faults
	);
	metrics_counter(
	        f, "deliver_missing", "packets", "deliveries that were skipped by the data plane",
	        d->deliver_missing
	);
	metrics_counter(
	        f, "inject_lost", "packets", "injected packets that no data plane will take",
	        d->inject_lost
	);
	metrics_counter(f, "messages_received", "", "messages stored", c.received);
	metrics_counter(f, "messages_replies", "", "of these, replies by SURB", c.replies);
	metrics_counter(
	        f, "messages_duplicate", "", "deliveries that had been stored before", c.duplicates
	);
	metrics_counter(f, "messages_malformed", "", "deliveries that are no message", c.malformed);
	metrics_counter(
	        f, "messages_unknown_surb", "", "replies to a SURB whose keys are gone",
	        c.unknown_surb
	);
	metrics_counter(f, "messages_bad_reply", "", "replies changed on their way", c.bad_reply);
}

static void metrics_audit(FILE *f, const struct fog_node *n)
{
	struct fog_audit_chain *chain = node_platform_audit(n);
	struct fog_audit_state state;

	if (chain == NULL)
		return;
	fog_audit_chain_state(chain, &state);
	metrics_gauge(f, "audit_away", "", "1 while the audit takes no rows", state.away);
	metrics_gauge(
	        f, "audit_waiting", "", "rows of refusals that wait for the store",
	        (double)state.waiting
	);
	metrics_counter(
	        f, "audit_lost", "", "rows of refusals that there was no place for", state.lost
	);
}

void http_get_metrics(struct fog_node *n, const struct http_request *req, struct http_response *res)
{
	struct fog_dpclient_status dp;
	struct snapshot *s = snapshot_take(n->dp);
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	if (f == NULL) {
		free(s);
		http_reply_problem(res, 500, "no_memory", NULL, "out of memory");
		return;
	}
	fog_dpclient_status(n->dp, &dp);
	metrics_control_plane(f, n, &dp);
	metrics_audit(f, n);
	metrics_filter(f, n);
	metrics_links(f, n);
	metrics_epochs(f, n);
	metrics_cover(f, n);
	metrics_mail(f, n);
	metrics_timing(f, n);
	if (s != NULL) {
		metrics_data_plane(f, s, &dp);
		metrics_workers(f, s);
		metrics_histograms(f, s);
		if (s->ports_valid) {
			metrics_ports(f, s);
			metrics_peers(f, n, s);
		}
	}
	fputs("# EOF\n", f);
	free(s);
	if (fclose(f) != 0) {
		free(text);
		http_reply_problem(res, 500, "no_memory", NULL, "out of memory");
		return;
	}
	res->status = 200;
	res->body = text;
	res->body_len = len;
	res->type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
}
