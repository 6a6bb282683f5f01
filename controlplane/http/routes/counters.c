// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The data plane's counters as JSON: workers, ports, drops; and the nodes of the network.
#include <stdlib.h>

#include "../../../dataplane/crypto/delay.h"
#include "../http.h"
#include "view.h"

static void counters_cover(json_t *out, const struct fog_worker_counters *c)
{
	json_object_set_new(out, "cover_taken", json_integer((json_int_t)c->cover_taken));
	json_object_set_new(out, "cover_sent", json_integer((json_int_t)c->cover_sent));
	json_object_set_new(out, "cover_starved", json_integer((json_int_t)c->cover_starved));
	json_object_set_new(out, "cover_capped", json_integer((json_int_t)c->cover_capped));
	json_object_set_new(out, "dummies", json_integer((json_int_t)c->dummies));
}

// What could not be read is null.
static void counters_forget(json_t *worker)
{
	for (void *at = json_object_iter(worker); at != NULL;
	     at = json_object_iter_next(worker, at))
		json_object_iter_set_new(worker, at, json_null());
}

static json_t *counters_worker(
        const struct fog_node *n, const struct snapshot *s, const struct snapshot_worker *w,
        unsigned index
)
{
	const struct fog_worker_counters *c = &w->counters;
	json_t *out;

	out = view_books(c);
	json_object_set_new(out, "drops_by_reason", view_drops(c));
	json_object_set_new(out, "loops", json_integer((json_int_t)c->loops));
	json_object_set_new(out, "idle_loops", json_integer((json_int_t)c->idle_loops));
	json_object_set_new(out, "sleeps", json_integer((json_int_t)c->sleeps));
	json_object_set_new(out, "delay_clamped", json_integer((json_int_t)c->delay_clamped));
	json_object_set_new(out, "ring_faults", json_integer((json_int_t)c->ring_faults));
	json_object_set_new(out, "replays_accepted", json_integer((json_int_t)c->replays_accepted));
	json_object_set_new(out, "traced", json_integer((json_int_t)c->traced));
	json_object_set_new(out, "trace_lost", json_integer((json_int_t)c->trace_lost));
	counters_cover(out, c);
	json_object_set_new(out, "capacity_pps", view_known(c->capacity));
	json_object_set_new(out, "buffers_free", json_integer((json_int_t)c->buffers_free));
	json_object_set_new(out, "overflow", json_integer((json_int_t)c->overflow));
	json_object_set_new(out, "owed_us", view_hist(&c->owed_us));
	json_object_set_new(out, "given_us", view_hist(&c->given_us));
	json_object_set_new(out, "late_ns", view_hist(&c->late_ns));
	json_object_set_new(out, "loop_ns", view_hist(&c->loop_ns));
	json_object_set_new(out, "peers", view_peers(n, s, c));
	if (!w->valid)
		counters_forget(out);
	json_object_set_new(out, "worker", json_integer(index));
	json_object_set_new(out, "cpu", json_integer(w->cpu));
	return out;
}

void http_get_workers(struct fog_node *n, const struct http_request *req, struct http_response *res)
{
	struct snapshot *s = snapshot_take(n->dp);
	json_t *workers = s != NULL ? json_array() : json_null();
	json_t *sum = json_null();

	pthread_rwlock_rdlock(&n->lock);
	for (uint32_t i = 0; s != NULL && i < s->worker_count; i++)
		json_array_append_new(workers, counters_worker(n, s, &s->worker[i], i));
	struct fog_worker_counters *all = s != NULL && s->workers_valid ? snapshot_sum(s) : NULL;
	if (all != NULL) {
		sum = view_books(all);
		json_object_set_new(sum, "owed_us", view_hist(&all->owed_us));
		json_object_set_new(sum, "given_us", view_hist(&all->given_us));
		json_object_set_new(sum, "late_ns", view_hist(&all->late_ns));
		json_object_set_new(sum, "loop_ns", view_hist(&all->loop_ns));
		json_object_set_new(sum, "peers", view_peers(n, s, all));
	}
	pthread_rwlock_unlock(&n->lock);
	free(all);
	free(s);
	http_reply_json(res, 200, json_pack("{s:o s:o}", "workers", workers, "sum", sum));
}

// The device's own counters, by the names that its driver gives them; none = empty.
static json_t *counters_device(const struct fog_stats_device *d)
{
	json_t *out = json_object();

	for (uint32_t i = 0; i < d->count; i++)
		json_object_set_new(out, d->name[i], json_integer((json_int_t)d->value[i]));
	return out;
}

// Frames by verdict of the XDP program; null on a port that has none.
static json_t *counters_steer(const struct fog_stats_port *p)
{
	if (!snapshot_port_steered(p))
		return json_null();
	json_t *out = json_object();
	for (unsigned v = 0; v < FOG_STEER_VERDICTS; v++)
		json_object_set_new(out, fog_steer_label(v), json_integer((json_int_t)p->steer[v]));
	return out;
}

static json_t *counters_port(const struct fog_stats_port *p)
{
	char name[sizeof(p->name) + 1] = "", mode[sizeof(p->mode) + 1] = "";
	char mode_why[sizeof(p->xdp_why) + 1] = "", driver_why[sizeof(p->driver_why) + 1] = "";

	memcpy(name, p->name, sizeof(p->name));
	memcpy(mode, p->mode, sizeof(p->mode));
	memcpy(mode_why, p->xdp_why, sizeof(p->xdp_why));
	memcpy(driver_why, p->driver_why, sizeof(p->driver_why));
	json_t *out = json_pack(
	        "{s:s s:s s:i s:b s:I s:I s:I s:I s:I s:I s:I s:I s:I s:I s:I}", "name", name,
	        "mode", mode, "queues", (int)p->queues, "link_up", p->link_up != 0, "rx_frames",
	        (json_int_t)p->rx_frames, "tx_frames", (json_int_t)p->tx_frames, "rx_bytes",
	        (json_int_t)p->rx_bytes, "tx_bytes", (json_int_t)p->tx_bytes, "lost_rx_ring",
	        (json_int_t)p->lost_rx_ring, "lost_no_buffer", (json_int_t)p->lost_no_buffer,
	        "lost_invalid", (json_int_t)p->lost_invalid, "lost_steer",
	        (json_int_t)p->lost_steer, "port_lost", (json_int_t)snapshot_port_lost(p),
	        "to_kernel", (json_int_t)p->to_kernel, "tx_failed", (json_int_t)p->tx_failed
	);
	json_object_set_new(out, "driver_why", json_string(driver_why));
	json_object_set_new(
	        out, "mode_why", mode_why[0] != '\0' ? json_string(mode_why) : json_null()
	);
	json_object_set_new(out, "steer", counters_steer(p));
	return out;
}

void http_get_ports(struct fog_node *n, const struct http_request *req, struct http_response *res)
{
	struct snapshot *s = snapshot_take(n->dp);
	json_t *ports = s != NULL && s->ports_valid ? json_array() : json_null();

	for (uint32_t i = 0; json_is_array(ports) && i < s->port_count; i++) {
		json_t *port = counters_port(&s->port[i]);
		json_object_set_new(
		        port, "device",
		        s->devices_valid ? counters_device(&s->device[i]) : json_null()
		);
		json_array_append_new(ports, port);
	}
	free(s);
	http_reply_json(res, 200, json_pack("{s:o}", "ports", ports));
}

void http_get_drops(struct fog_node *n, const struct http_request *req, struct http_response *res)
{
	struct snapshot *s = snapshot_take(n->dp);
	struct fog_worker_counters *sum = s != NULL && s->workers_valid ? snapshot_sum(s) : NULL;
	json_t *reasons = json_array();

	for (unsigned i = FOG_DROP_NONE + 1; i < FOG_DROP_COUNT; i++) {
		json_t *count = sum != NULL ? json_integer((json_int_t)sum->drop[i]) : json_null();
		json_array_append_new(
		        reasons,
		        json_pack(
		                "{s:s s:s s:o}", "reason", fog_drop_label(i), "text",
		                fog_drop_text(i), "packets", count
		        )
		);
	}
	json_t *total = sum != NULL ? json_integer((json_int_t)sum->drops) : json_null();
	free(sum);
	free(s);
	http_reply_json(res, 200, json_pack("{s:o s:o}", "total", total, "reasons", reasons));
}

static json_t *counters_node(const struct fog_topology_node *node, const uint8_t self[FOG_ID_LEN])
{
	return json_pack(
	        "{s:s s:o s:o s:o s:o s:i s:s s:o s:b s:b}", "name", node->name, "node_id",
	        view_hex(node->id, FOG_ID_LEN), "mix_public_key",
	        view_hex_or_null(node->mix_key, 32), "vrf_public_key",
	        view_hex_or_null(node->vrf_key, 32), "address", view_ip(&node->address), "port",
	        node->port, "role", fog_role_name(node->role), "layer",
	        node->layer > 0 ? json_integer(node->layer) : json_null(), "self",
	        memcmp(node->id, self, FOG_ID_LEN) == 0, "off_path", node->off_path
	);
}

static json_t *counters_network(const struct fog_topology *t)
{
	uint8_t hash[32];

	fog_network_hash(t, hash);
	return json_pack(
	        "{s:s s:o s:i s:i s:i s:i s:i s:I s:I s:I s:s s:i s:I s:I}", "name", t->name,
	        "hash", view_hex(hash, sizeof(hash)), "delay_tick_max_us", FOG_DELAY_TICK_MAX_US,
	        "slots", t->geometry.slots, "payload_bytes", t->geometry.payload_len,
	        "packet_bytes", t->geometry.packet_len, "mix_port", t->mix_port, "delay_mean_us",
	        (json_int_t)t->delay_mean_us, "delay_max_us", (json_int_t)t->delay_max_us,
	        "delay_cap_ms", (json_int_t)t->delay_cap_ms, "links",
	        t->links == FOG_LINKS_NONE ? "none" : "noise", "layers", (int)t->layers,
	        "mix_key_epoch_s", (json_int_t)t->epoch_s, "mix_key_overlap_s",
	        (json_int_t)t->overlap_s
	);
}

void http_get_nodes(struct fog_node *n, const struct http_request *req, struct http_response *res)
{
	json_t *nodes = json_null(), *network = json_null();

	pthread_rwlock_rdlock(&n->lock);
	const struct fog_topology *t = n->topology;
	if (t != NULL) {
		nodes = json_array();
		network = counters_network(t);
		for (unsigned i = 0; i < t->node_count; i++)
			json_array_append_new(
			        nodes, counters_node(&t->node[i], n->identity->node_id)
			);
	}
	pthread_rwlock_unlock(&n->lock);
	http_reply_json(res, 200, json_pack("{s:o s:o}", "network", network, "nodes", nodes));
}
