// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Is it alive, is it ready, and what state is it in.
#include <errno.h>
#include <fog_version.h> // made from git describe during the build
#include <stdlib.h>
#include <string.h>

#include "../../node_epochs.h"
#include "../http.h"
#include "mail.h"
#include "view.h"

void http_get_healthz(struct fog_node *n, const struct http_request *req, struct http_response *res)
{
	http_reply_json(res, 200, json_pack("{s:s}", "status", "alive"));
}

static void status_collect(void *ctx, const char *code, const char *text)
{
	// A sentence with bytes that are no UTF-8 is left out, its code never.
	json_t *sentence = json_string(text);

	json_array_append_new(
	        ctx,
	        json_pack(
	                "{s:s s:o}", "code", code, "text", sentence != NULL ? sentence : json_null()
	        )
	);
}

void http_get_readyz(struct fog_node *n, const struct http_request *req, struct http_response *res)
{
	json_t *reasons = json_array();
	unsigned count = fog_node_unready(n, status_collect, reasons);

	http_reply_json(
	        res, count == 0 ? 200 : 503,
	        json_pack("{s:b s:o}", "ready", count == 0, "reasons", reasons)
	);
	if (count > 0)
		res->retry_after_s = 1;
}

static const char *status_ack_word(int status)
{
	return status == 0               ? "in_force"
	        : status == -EINPROGRESS ? "pending"
	        : status == -ENODATA     ? "none"
	                                 : "refused";
}

static json_t *status_ack(const struct fog_dpclient_ack *ack)
{
	return json_pack(
	        "{s:s s:s?}", "state", status_ack_word(ack->status), "text",
	        ack->text[0] != '\0' ? ack->text : NULL
	);
}

static json_t *status_keys(const struct snapshot *s)
{
	json_t *keys = json_array();

	for (unsigned i = 0; i < s->key_count; i++)
		json_array_append_new(
		        keys,
		        json_pack(
		                "{s:I s:o s:I s:I}", "epoch", (json_int_t)s->key[i].epoch,
		                "mix_public_key", view_hex(s->key[i].public_key, 32),
		                "replay_count", (json_int_t)s->key[i].replay_count,
		                "replay_capacity", (json_int_t)s->key[i].replay_capacity
		        )
		);
	return keys;
}

static json_t *status_data_plane(const struct fog_dpclient_status *d, const struct snapshot *s)
{
	if (d->state != FOG_DPCLIENT_ATTACHED || d->heartbeat_age_ms == UINT64_MAX || s == NULL)
		return json_null();
	// The newest key: the one that most packets are made for, or will be next.
	const struct fog_stats_key none = {0},
	                           *key = s->key_count > 0 ? &s->key[s->key_count - 1] : &none;
	return json_pack(
	        "{s:s s:o s:o s:s s:I s:I s:o s:o s:o s:I s:I s:I s:I s:I s:b s:I s:I s:b s:b "
	        "s:o s:b s:o}",
	        "build", d->peer_build, "boot_id", view_hex(s->boot_id, sizeof(s->boot_id)),
	        "started_at", view_time_us((int64_t)(s->start_unix_ns / 1000)), "crypto", s->crypto,
	        "heartbeat_age_ms", (json_int_t)d->heartbeat_age_ms, "generation",
	        (json_int_t)s->generation, "checksum", view_hex(s->checksum, sizeof(s->checksum)),
	        "mix_public_key", view_hex_or_null(key->public_key, 32), "key_epoch",
	        s->key_count > 0 ? json_integer((json_int_t)key->epoch) : json_null(),
	        "replay_count", (json_int_t)s->replay_count, "replay_capacity",
	        (json_int_t)s->replay_capacity, "buffers_total", (json_int_t)s->mbuf_total,
	        "buffers_free", (json_int_t)s->mbuf_free, "control_faults",
	        (json_int_t)s->control_faults, "draining", s->draining != 0, "next_hops",
	        (json_int_t)s->next_hops, "next_hops_ready", (json_int_t)s->next_hops_ready,
	        "replay_alarm",
	        fog_stats_fill(s->replay_count, s->replay_capacity) >= FOG_REPLAY_ALARM,
	        "accept_replays", s->accept_replays != 0, "capacity_pps",
	        view_known(snapshot_capacity(s)), "tracing", s->tracing != 0, "mix_keys",
	        status_keys(s)
	);
}

static json_t *status_books(const struct snapshot *s)
{
	struct fog_worker_counters *sum;
	uint64_t lost = 0;
	json_t *books;

	if (s == NULL || !s->workers_valid || (sum = snapshot_sum(s)) == NULL)
		return json_null();
	for (unsigned i = 0; i < s->port_count; i++)
		lost += snapshot_port_lost(&s->port[i]);
	books = view_books(sum);
	json_object_set_new(books, "port_lost", json_integer((json_int_t)lost));
	free(sum);
	return books;
}

static json_t *status_messages(struct fog_node *n, const struct fog_dpclient_status *d)
{
	struct fog_inbox_counts c;

	fog_inbox_counts(n->inbox, &c);
	return json_pack(
	        "{s:I s:I s:I s:I s:I s:I s:I s:I s:I s:I s:I s:I s:I s:I}", "received",
	        (json_int_t)c.received, "replies", (json_int_t)c.replies, "duplicates",
	        (json_int_t)c.duplicates, "malformed", (json_int_t)c.malformed, "unknown_surb",
	        (json_int_t)c.unknown_surb, "bad_reply", (json_int_t)c.bad_reply, "delivered",
	        (json_int_t)d->delivered, "injected", (json_int_t)d->injected, "deliver_missing",
	        (json_int_t)d->deliver_missing, "inject_lost", (json_int_t)d->inject_lost,
	        "dropped", (json_int_t)c.dropped, "echoed", (json_int_t)c.echoed, "echo_refused",
	        (json_int_t)c.echo_refused, "answers_limited", (json_int_t)c.answers_limited
	);
}

static json_t *status_tls(struct fog_node *n)
{
	struct fog_certificate_view v;

	if (n->certificate == NULL)
		return json_null();
	fog_certificate_look(n->certificate, &v);
	return json_pack(
	        "{s:o s:o s:o s:o}", "fingerprint", view_hex(v.key_sha256, sizeof(v.key_sha256)),
	        "certificate_sha256", view_hex(v.sha256, sizeof(v.sha256)), "valid_from",
	        view_time_us(v.from * 1000000), "valid_until", view_time_us(v.until * 1000000)
	);
}

// Our own part of the status, under node->lock.
static void status_node(struct fog_node *n, json_t *out)
{
	const struct fog_topology_node *self;
	uint8_t key[32];

	pthread_rwlock_rdlock(&n->lock);
	self = fog_node_self(n);
	json_object_set_new(out, "instance", json_string(n->config->instance));
	json_object_set_new(out, "version", json_string(FOG_VERSION));
	json_object_set_new(out, "node_id", view_hex(n->identity->node_id, FOG_ID_LEN));
	json_object_set_new(out, "identity_public_key", view_hex(n->identity->public_key, 32));
	json_object_set_new(out, "link_key", view_hex(n->identity->link_public, 32));
	json_object_set_new(out, "vrf_key", view_hex(n->identity->vrf_public, 32));
	bool has_key = node_epochs_key(n, key);
	json_object_set_new(out, "mix_public_key", has_key ? view_hex(key, 32) : json_null());
	json_object_set_new(
	        out, "key_epoch",
	        has_key ? json_integer((json_int_t)node_epoch_now(n)) : json_null()
	);
	json_object_set_new(
	        out, "network", n->topology != NULL ? json_string(n->topology->name) : json_null()
	);
	json_object_set_new(out, "name", self != NULL ? json_string(self->name) : json_null());
	json_object_set_new(
	        out, "role", self != NULL ? json_string(fog_role_name(self->role)) : json_null()
	);
	json_object_set_new(
	        out, "layer",
	        self != NULL && self->layer > 0 ? json_integer(self->layer) : json_null()
	);
	json_object_set_new(
	        out, "generation",
	        n->generation > 0 ? json_integer((json_int_t)n->generation) : json_null()
	);
	json_object_set_new(out, "checksum", view_hex_or_null(n->checksum, sizeof(n->checksum)));
	pthread_rwlock_unlock(&n->lock);
}

void http_get_status(struct fog_node *n, const struct http_request *req, struct http_response *res)
{
	struct fog_dpclient_status dp;
	struct fog_dpclient_ack ack;
	struct snapshot *s = snapshot_take(n->dp);
	json_t *out = json_object(), *reasons = json_array(), *warnings = json_array();

	fog_dpclient_status(n->dp, &dp);
	status_node(n, out);
	json_object_set_new(out, "attached", json_boolean(dp.state == FOG_DPCLIENT_ATTACHED));
	json_object_set_new(
	        out, "ready", json_boolean(fog_node_unready(n, status_collect, reasons) == 0)
	);
	json_object_set_new(out, "reasons", reasons);
	fog_dpclient_config_ack(n->dp, &ack);
	json_object_set_new(out, "config_ack", status_ack(&ack));
	node_epochs_key_ack(n, &ack);
	json_object_set_new(out, "key_ack", status_ack(&ack));
	json_object_set_new(out, "data_plane", status_data_plane(&dp, s));
	json_object_set_new(out, "books", status_books(s));
	json_object_set_new(out, "messages", status_messages(n, &dp));
	json_object_set_new(out, "mail", view_mail(n));
	json_object_set_new(out, "tls", status_tls(n));
	fog_node_warnings(n, status_collect, warnings);
	json_object_set_new(out, "warnings", warnings);
	free(s);
	http_reply_json(res, 200, out);
}
