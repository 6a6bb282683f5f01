// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "sim.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "../../../controlplane/link/hello.h"
#include "../../../dataplane/crypto/link.h"
#include "../core/check.h"

enum { EVENTS = 1 << 16, KEPT = 4096, LOOK_MS = 1000, TICK_MS = 250, TRAFFIC_MS = 20 };

enum sim_what { SIM_HANDSHAKE, SIM_FRAME, SIM_ACK };

struct sim_event {
	uint64_t due_ms;
	enum sim_what what;
	unsigned to, from;
	struct fog_link_punt punt; // SIM_HANDSHAKE
	uint32_t index; // SIM_FRAME: at the receiver; SIM_ACK
	uint8_t key[32], kind; // SIM_FRAME
	int status; // SIM_ACK
};

struct sim_node sim[SIM_NODES];
unsigned sim_loss;
uint64_t sim_ms;
uint32_t sim_datagrams;

static struct sim_event *event; // [EVENTS], in no order
static unsigned events;
static struct fog_topology topology;
static struct fog_topology_node topology_node[SIM_NODES];
static uint8_t network_hash[32];
static struct sim_event *kept; // [KEPT] initiations
static unsigned kept_count;
static bool remember;
static uint64_t random_state = 1;

static uint32_t sim_random(uint32_t below)
{
	return (uint32_t)(check_random(&random_state) % below);
}

static const char *sim_random_name(void)
{
	return "simulation";
}

static uint32_t sim_random32(void)
{
	return (uint32_t)check_random(&random_state);
}

static void sim_random_buf(void *const buf, const size_t size)
{
	for (size_t i = 0; i < size; i++)
		((uint8_t *)buf)[i] = (uint8_t)check_random(&random_state);
}

static struct randombytes_implementation sim_randomness = {
        .implementation_name = sim_random_name, .random = sim_random32, .buf = sim_random_buf};

static struct sim_event *sim_add(enum sim_what what, unsigned from, unsigned to, uint64_t after_ms)
{
	if (events == EVENTS)
		abort();
	struct sim_event *e = &event[events++];
	*e = (struct sim_event){.due_ms = sim_ms + after_ms, .what = what, .from = from, .to = to};
	return e;
}

// Lost, late, twice: what a datagram must expect.
static void sim_transmit(const struct sim_event *e)
{
	sim_datagrams++;
	if (sim[e->from].cut || sim[e->to].cut || sim_random(100) < sim_loss)
		return;
	for (unsigned copies = sim_loss > 0 && sim_random(20) == 0 ? 2 : 1; copies > 0; copies--) {
		struct sim_event *to = sim_add(e->what, e->from, e->to, 0);
		*to = *e;
		to->due_ms = sim_ms + 1 + sim_random(sim_loss > 0 ? 80 : 10);
	}
}

static int sim_by_ip(const struct fog_ip *ip)
{
	return ip->addr[3] < SIM_NODES && sim[ip->addr[3]].self.link_private != NULL ? ip->addr[3]
	                                                                             : -1;
}

// What goes from the control plane to the data plane.
static int sim_install(void *ctx, const struct fog_link_session *s)
{
	struct sim_node *n = ctx;
	struct sim_slot *slot = &n->slot[fog_link_slot(s->rx_index)];
	int status = slot->used ? -EEXIST : n->refusal;
	struct sim_event *ack;

	if (!n->data_plane)
		return -ENOTCONN;
	ack = sim_add(SIM_ACK, 0, (unsigned)(n - sim), 1 + sim_random(5));
	ack->index = s->rx_index;
	ack->status = status;
	n->installs++;
	for (unsigned i = 0; i < n->key_count; i++)
		n->key_twice |= memcmp(n->keys[i], s->tx_key, 32) == 0;
	if (n->key_count < 4096)
		memcpy(n->keys[n->key_count++], s->tx_key, 32);
	if (status < 0)
		return 0;
	*slot = (struct sim_slot){.used = true, .session = *s, .state = FOG_LINK_WAITING};
	if (s->initiator == 0)
		return 0;
	for (unsigned i = 0; i < FOG_LINK_SLOTS; i++) {
		struct sim_slot *o = &n->slot[i];
		if (o->used && o->state == FOG_LINK_SENDING &&
		    memcmp(o->session.static_key, s->static_key, 32) == 0)
			o->state = FOG_LINK_OLD;
	}
	slot->state = FOG_LINK_SENDING;
	return 0;
}

static int sim_remove(void *ctx, uint32_t rx_index)
{
	struct sim_node *n = ctx;
	struct sim_slot *slot = &n->slot[fog_link_slot(rx_index)];
	struct sim_event *ack;

	if (!n->data_plane)
		return -ENOTCONN;
	ack = sim_add(SIM_ACK, 0, (unsigned)(n - sim), 1);
	ack->index = rx_index;
	ack->status = slot->used && slot->session.rx_index == rx_index ? 0 : -ENOENT;
	if (ack->status == 0)
		slot->used = false;
	n->removes++;
	return 0;
}

static void sim_frame(unsigned from, struct sim_slot *slot, uint8_t kind)
{
	int to = sim_by_ip(&slot->session.ip);
	struct sim_event e = {.what = SIM_FRAME, .from = from, .kind = kind};

	slot->tx++;
	if (to < 0)
		return;
	e.to = (unsigned)to;
	e.index = slot->session.tx_index;
	memcpy(e.key, slot->session.tx_key, 32);
	sim_transmit(&e);
}

static int sim_send(void *ctx, const struct fog_link_send *s)
{
	struct sim_node *n = ctx;
	struct sim_event e = {.what = SIM_HANDSHAKE, .from = (unsigned)(n - sim)};
	int to;

	if (!n->data_plane)
		return -ENOTCONN;
	if (s->type == FOG_FRAME_DATA) {
		struct sim_slot *slot = &n->slot[fog_link_slot(s->rx_index)];
		if (slot->used && slot->session.rx_index == s->rx_index)
			sim_frame(e.from, slot, (uint8_t)s->kind);
		return 0;
	}
	to = sim_by_ip(&s->ip);
	if (to < 0)
		return 0;
	e.to = (unsigned)to;
	e.punt.type = s->type;
	e.punt.len = s->len;
	e.punt.ip = n->entry.address;
	e.punt.port = n->entry.port;
	memcpy(e.punt.data, s->data, s->len);
	if (remember && s->type == FOG_FRAME_INITIATION && kept_count < KEPT)
		kept[kept_count++] = e;
	sim_transmit(&e);
	return 0;
}

static void sim_notice(void *ctx, const uint8_t id[32], const uint8_t *data, size_t len)
{
	((struct sim_node *)ctx)->notices++;
}

static void sim_came_up(void *ctx, const uint8_t id[32])
{
	struct sim_node *n = ctx;

	n->ups++;
	fog_links_notice(n->links, id, (const uint8_t *)"notice", 6);
}

static uint64_t sim_now(void *ctx)
{
	return UINT64_C(1800000000000000000) + sim_ms * 1000000 +
	        (uint64_t)((struct sim_node *)ctx)->clock_ns;
}

static const struct fog_links_ops sim_ops = {
        .install = sim_install,
        .remove = sim_remove,
        .send = sim_send,
        .notice = sim_notice,
        .up = sim_came_up,
        .now_unix_ns = sim_now,
};

void sim_configure(unsigned i, unsigned nodes, unsigned clients)
{
	struct fog_links_wanted w = {
	        .topology = &topology, .clients = clients, .client_rate = 200, .client_burst = 400};

	topology.node_count = nodes;
	memcpy(w.network, network_hash, 32);
	CU_ASSERT_EQUAL_FATAL(fog_links_configure(sim[i].links, &w, sim_ms), 0);
}

void sim_limits(unsigned nodes, uint32_t rekey_s, uint64_t rekey_packets)
{
	topology.rekey_s = rekey_s;
	topology.rekey_packets = rekey_packets;
	for (unsigned i = 0; i < nodes; i++)
		sim_configure(i, nodes, 0);
}

void sim_control_start(unsigned i)
{
	struct sim_node *n = &sim[i];

	CU_ASSERT_EQUAL_FATAL(fog_links_create(&n->self, &sim_ops, n, &n->links), 0);
	n->ticks_ms = sim_ms + sim_random(TICK_MS);
	n->looks_ms = sim_ms;
	if (n->data_plane)
		fog_links_attached(n->links, n->boot_id, 2, sim_ms);
}

void sim_control_stop(unsigned i)
{
	fog_links_destroy(sim[i].links);
	sim[i].links = NULL;
}

void sim_data_plane_start(unsigned i)
{
	struct sim_node *n = &sim[i];

	memset(n->slot, 0, sizeof(n->slot));
	randombytes_buf(n->boot_id, sizeof(n->boot_id));
	randombytes_buf(n->cookie_secret, sizeof(n->cookie_secret));
	n->data_plane = true;
	n->looks_ms = sim_ms;
	if (n->links == NULL)
		return;
	fog_links_detached(n->links);
	fog_links_attached(n->links, n->boot_id, 2, sim_ms);
}

static void sim_make(unsigned i)
{
	struct sim_node *n = &sim[i];

	memset(n, 0, sizeof(*n));
	randombytes_buf(n->private_key, 32);
	crypto_scalarmult_base(n->self.link_public, n->private_key);
	memset(n->self.node_id, (int)i + 1, 32);
	n->self.link_private = n->private_key;
	n->self.minor = 2;
	memcpy(n->entry.id, n->self.node_id, 32);
	memcpy(n->entry.link_key, n->self.link_public, 32);
	n->entry.name[0] = (char)('a' + i);
	n->entry.address = (struct fog_ip){.family = 4, .addr = {10, 0, 0, (uint8_t)i}};
	n->entry.port = 9001;
}

void sim_begin(unsigned nodes, unsigned clients)
{
	randombytes_set_implementation(&sim_randomness);
	event = calloc(EVENTS, sizeof(*event));
	kept = calloc(KEPT, sizeof(*kept));
	events = kept_count = 0;
	remember = false;
	sim_ms = 1000;
	sim_loss = 0;
	sim_datagrams = 0;
	memset(sim, 0, sizeof(sim));
	topology = (struct fog_topology
	){.links = FOG_LINKS_NOISE,
	  .tolerance_ms = 2000,
	  .rekey_s = 60,
	  .rekey_packets = 1000000,
	  .node_count = nodes,
	  .node = topology_node};
	memset(network_hash, 7, sizeof(network_hash));
	for (unsigned i = 0; i < nodes; i++) {
		sim_make(i);
		topology_node[i] = sim[i].entry;
	}
	for (unsigned i = 0; i < nodes; i++) {
		sim_data_plane_start(i);
		sim_control_start(i);
		sim_configure(i, nodes, i == 0 ? clients : 0);
	}
}

void sim_end(void)
{
	for (unsigned i = 0; i < SIM_NODES; i++) {
		CU_ASSERT_FALSE(sim[i].key_twice);
		sim_control_stop(i);
	}
	free(event);
	free(kept);
}

void sim_outsider(unsigned i, unsigned to)
{
	struct fog_topology_node all = topology_node[0];
	unsigned count = topology.node_count;

	sim_make(i);
	sim_data_plane_start(i);
	sim_control_start(i);
	topology_node[0] = sim[to].entry;
	sim_configure(i, 1, 0);
	topology_node[0] = all;
	topology.node_count = count;
}

void sim_network(unsigned i, uint8_t network)
{
	unsigned count = topology.node_count;

	network_hash[0] = network;
	sim_configure(i, count, 0);
	network_hash[0] = 7;
}

void sim_remember(bool on)
{
	remember = on;
}

void sim_replay(void)
{
	for (unsigned i = 0; i < kept_count; i++) {
		struct sim_event *e = sim_add(SIM_HANDSHAKE, kept[i].from, kept[i].to, 0);
		*e = kept[i];
		e->due_ms = sim_ms;
	}
}

// MAC1 by the data plane, under load MAC2; a cookie for who has none.
static bool sim_admit(struct sim_node *n, const struct fog_link_punt *p)
{
	uint8_t key[32], mac[16], cookie[16];
	uint32_t at = p->type == FOG_FRAME_INITIATION ? FOG_INITIATION_LEN : FOG_RESPONSE_LEN;
	struct sim_event e = {.what = SIM_HANDSHAKE, .from = (unsigned)(n - sim)};

	if (p->type == FOG_FRAME_COOKIE)
		return true;
	fog_link_mac1_key(n->self.link_public, key);
	fog_link_mac(key, 32, p->data, at - 32, mac);
	if (memcmp(mac, p->data + at - 32, 16) != 0)
		return false;
	if (!n->load || p->type != FOG_FRAME_INITIATION)
		return true;
	fog_link_cookie(n->cookie_secret, &p->ip, p->port, cookie);
	fog_link_mac(cookie, 16, p->data, at - 16, mac);
	if (memcmp(mac, p->data + at - 16, 16) == 0)
		return true;
	int to = sim_by_ip(&p->ip);
	uint8_t nonce[24];
	n->cookies++;
	randombytes_buf(nonce, sizeof(nonce));
	fog_link_cookie_key(n->self.link_public, key);
	fog_frame_header_put(
	        e.punt.data, FOG_FRAME_COOKIE,
	        (uint32_t)p->data[4] << 24 | (uint32_t)p->data[5] << 16 |
	                (uint32_t)p->data[6] << 8 | p->data[7],
	        0
	);
	fog_link_cookie_seal(key, nonce, cookie, p->data + at - 32, e.punt.data + FOG_FRAME_HEADER);
	e.punt.type = FOG_FRAME_COOKIE;
	e.punt.len = FOG_COOKIE_LEN;
	e.to = (unsigned)to;
	sim_transmit(&e);
	return false;
}

static void sim_receive_frame(struct sim_node *n, const struct sim_event *e)
{
	struct sim_slot *slot = &n->slot[fog_link_slot(e->index)];

	if (!slot->used || slot->session.rx_index != e->index ||
	    memcmp(slot->session.rx_key, e->key, 32) != 0) {
		n->no_session += e->kind == FOG_KIND_SPHINX;
		return;
	}
	slot->rx++;
	n->received += e->kind == FOG_KIND_SPHINX;
	if (slot->state == FOG_LINK_WAITING) {
		for (unsigned i = 0; i < FOG_LINK_SLOTS; i++) {
			struct sim_slot *o = &n->slot[i];
			if (o->used && o->state == FOG_LINK_SENDING &&
			    memcmp(o->session.static_key, slot->session.static_key, 32) == 0)
				o->state = FOG_LINK_OLD;
		}
		slot->state = FOG_LINK_SENDING;
	}
	if (e->kind == FOG_KIND_NOTICE && n->links != NULL) {
		struct fog_link_punt p = {.type = FOG_FRAME_DATA, .rx_index = e->index, .len = 6};
		memcpy(p.data, "notice", 6);
		fog_links_punt(n->links, &p, sim_ms);
	}
}

static void sim_happen(const struct sim_event *e)
{
	struct sim_node *n = &sim[e->to];

	if (!n->data_plane)
		return;
	if (e->what == SIM_ACK && n->links != NULL)
		fog_links_link_ack(n->links, e->index, e->status, sim_ms);
	else if (e->what == SIM_FRAME)
		sim_receive_frame(n, e);
	else if (e->what == SIM_HANDSHAKE && sim_admit(n, &e->punt) && n->links != NULL)
		fog_links_punt(n->links, &e->punt, sim_ms);
}

static void sim_look(struct sim_node *n)
{
	static struct fog_link_stats list[FOG_LINK_SLOTS];
	unsigned count = 0;

	for (unsigned i = 0; i < FOG_LINK_SLOTS; i++) {
		const struct sim_slot *s = &n->slot[i];
		if (!s->used)
			continue;
		struct fog_link_stats *o = &list[count++];
		*o = (struct fog_link_stats
		){.state = s->state,
		  .class = s->session.class,
		  .rx_index = s->session.rx_index,
		  .tx_index = s->session.tx_index,
		  .ip = s->session.ip,
		  .port = s->session.port,
		  .rx = s->rx,
		  .tx = s->tx};
		memcpy(o->node_id, s->session.node_id, 32);
		memcpy(o->static_key, s->session.static_key, 32);
	}
	fog_links_seen(n->links, list, count, sim_ms);
}

static void sim_traffic(void)
{
	for (unsigned i = 0; i < topology.node_count; i++)
		for (unsigned k = 0; k < topology.node_count; k++) {
			struct sim_slot *out = NULL;
			if (i == k || !sim[i].data_plane)
				continue;
			for (unsigned s = 0; s < FOG_LINK_SLOTS && out == NULL; s++) {
				struct sim_slot *o = &sim[i].slot[s];
				if (o->used && o->state == FOG_LINK_SENDING &&
				    o->session.node_id[0] == k + 1)
					out = o;
			}
			if (out != NULL)
				sim_frame(i, out, FOG_KIND_SPHINX);
			else
				sim[i].no_link++;
		}
}

void sim_run(uint64_t ms, bool traffic)
{
	for (uint64_t end = sim_ms + ms; sim_ms < end; sim_ms++) {
		for (unsigned i = 0; i < events; i++) {
			if (event[i].due_ms > sim_ms)
				continue;
			struct sim_event e = event[i];
			event[i--] = event[--events];
			sim_happen(&e);
		}
		for (unsigned i = 0; i < SIM_NODES; i++) {
			struct sim_node *n = &sim[i];
			if (n->links == NULL)
				continue;
			if (n->data_plane && sim_ms >= n->looks_ms) {
				sim_look(n);
				n->looks_ms = sim_ms + LOOK_MS;
			}
			if (sim_ms >= n->ticks_ms) {
				fog_links_tick(n->links, sim_ms);
				n->ticks_ms = sim_ms + TICK_MS;
			}
		}
		if (traffic && sim_ms % TRAFFIC_MS == 0)
			sim_traffic();
	}
}

unsigned sim_up(unsigned i)
{
	struct fog_links_summary s;

	fog_links_status(sim[i].links, &s, NULL, 0);
	return s.up;
}

unsigned sim_slots(unsigned i)
{
	unsigned count = 0;

	for (unsigned k = 0; k < FOG_LINK_SLOTS; k++)
		count += sim[i].slot[k].used;
	return count;
}

const struct fog_link_status *sim_status(unsigned i, unsigned peer)
{
	static struct fog_link_status list[64];
	unsigned count = fog_links_status(sim[i].links, NULL, list, 64);

	for (unsigned k = 0; k < count && k < 64; k++)
		if (memcmp(list[k].static_key, sim[peer].self.link_public, 32) == 0)
			return &list[k];
	return NULL;
}

uint64_t sim_outcome(unsigned i, enum fog_links_outcome what)
{
	struct fog_links_summary s;

	fog_links_status(sim[i].links, &s, NULL, 0);
	return s.outcome[what];
}
