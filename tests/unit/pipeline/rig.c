// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "rig.h"

#include <CUnit/CUnit.h>
#include <rte_byteorder.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_ring_elem.h>
#include <rte_udp.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../../dataplane/punt.h"

enum { RING_SLOTS = 8, POOL = 1023, VLAN_ID = 100, MIX_PORT = 9001 };

static struct rte_mempool *pool;

static void rig_global_fini(void)
{
	char dir[128];

	snprintf(dir, sizeof(dir), "%s", rte_eal_get_runtime_dir());
	rte_eal_cleanup();
	rmdir(dir);
}

int rig_global_init(const char *name)
{
	char prefix[64];

	snprintf(prefix, sizeof(prefix), "--file-prefix=%s-%d", name, (int)getpid());
	char *args[] = {
	        "rig",      "--no-shconf",       "--no-huge", "--no-telemetry",
	        "--no-pci", "--log-level=error", "-m64",      "--lcores=0",
	        prefix,
	};
	if (rte_eal_init(RTE_DIM(args), args) < 0 || fog_crypto_init() < 0)
		return -1;
	atexit(rig_global_fini);
	pool = rte_pktmbuf_pool_create("rig", POOL, 0, FOG_PKT_PRIV_SIZE, 2176, SOCKET_ID_ANY);
	return pool == NULL ? -1 : 0;
}

static struct fog_ip rig_ip(int family, unsigned host)
{
	struct fog_ip ip = {.family = (uint8_t)family};

	if (family == 4) {
		memcpy(ip.addr, (uint8_t[]){10, 0, 0, (uint8_t)(host + 1)}, 4);
	} else {
		ip.addr[0] = 0xfd;
		ip.addr[15] = (uint8_t)(host + 1);
	}
	return ip;
}

static void blob_make(struct rig *r, unsigned flags)
{
	struct fog_blob *b = calloc(1, sizeof(*b) + RIG_NODES * sizeof(struct fog_blob_node));
	struct fog_blob_port *p = &b->launch.port[0];

	b->launch.mix_port = MIX_PORT;
	b->launch.port_count = 1;
	b->launch.worker_count = 1;
	snprintf(p->name, sizeof(p->name), "p0");
	p->driver = FOG_DRIVER_LOOP;
	p->queues = flags & RIG_TWO_QUEUES ? 2 : 1;
	p->mtu = 1500;
	p->vlan = flags & RIG_VLAN ? VLAN_ID : 0;
	p->address_count = 2;
	p->address[0] = rig_ip(4, r->host[0]);
	p->address[1] = rig_ip(6, r->host[0]);
	b->run.delay_mean_us = flags & RIG_LONG_DELAY ? 1000000000 : 500;
	b->run.delay_max_us = flags & RIG_LONG_DELAY ? 3600000000 : 5000;
	if (flags & RIG_SLOW) {
		b->run.delay_mean_us = 50000;
		b->run.delay_max_us = 200000;
	}
	memcpy(b->run.node_id, r->id[0], 32);
	r->blob = b;
}

void rig_configure(struct rig *r, unsigned nodes, unsigned resolved)
{
	struct fog_blob_node *node = (void *)(r->blob + 1);
	const struct fog_resolver resolver = {.ports = &r->port, .port_count = 1};
	struct fog_conf_env env = {
	        .resolver = &resolver,
	        .mix_port = MIX_PORT,
	        .payload_len = (uint16_t)fog_worker_payload_len(r->w),
	        .peer_id = r->peer_id,
	        .key_count = r->key_count,
	        .key = r->keys,
	        .tsc_hz = r->w->tsc_hz,
	        .workers = r->workers > 0 ? r->workers : 1,
	};
	struct fog_conf *old = r->conf;

	r->blob->generation++;
	r->blob->run.node_count = nodes;
	r->blob->run.neighbour_count = 0;
	for (unsigned i = 0; i < nodes; i++) {
		memcpy(node[i].id, r->id[i], 32);
		node[i].ip = rig_ip(i == 2 ? 6 : 4, r->host[i]);
		node[i].port = MIX_PORT;
		if (i == 0 || i > resolved)
			continue;
		struct fog_blob_neighbour *nb =
		        &r->blob->run.neighbour[r->blob->run.neighbour_count++];
		nb->ip = node[i].ip;
		memcpy(nb->mac, (uint8_t[]){2, 0, 0, 0, 0, (uint8_t)i}, 6);
	}
	CU_ASSERT_EQUAL_FATAL(fog_conf_build(r->blob, &env, &r->conf), 0);
	atomic_store(&r->w->conf_next, r->conf);
	r->w->conf = r->conf;
	fog_conf_free(old);
}

// Ring halves in ordinary memory: 'tx' and 'rx' are the two private handles.
static void ring_make(
        void **producer, void **consumer, uint32_t len, struct fog_ring_tx *tx,
        struct fog_ring_rx *rx
)
{
	uint32_t slot = fog_ring_slot_size(len);
	struct fog_ring_producer *p = aligned_alloc(128, fog_ring_bytes(RING_SLOTS, slot) + 128);
	struct fog_ring_consumer *c = aligned_alloc(128, sizeof(*c));

	memset(p, 0, sizeof(*p));
	memset(c, 0, sizeof(*c));
	*tx = (struct fog_ring_tx){p, c, (uint8_t *)(p + 1), RING_SLOTS - 1, slot, 0, 0};
	*rx = (struct fog_ring_rx){p, c, (uint8_t *)(p + 1), RING_SLOTS - 1, slot, 0};
	*producer = p;
	*consumer = c;
}

static void queues_make(struct fog_worker *w)
{
	static unsigned serial;
	char name[RTE_RING_NAMESIZE];

	snprintf(name, sizeof(name), "punts-%u", serial);
	w->punts = rte_ring_create_elem(
	        name, sizeof(struct fog_link_punt), FOG_PUNT_SLOTS, SOCKET_ID_ANY,
	        RING_F_SP_ENQ | RING_F_SC_DEQ
	);
	snprintf(name, sizeof(name), "letters-%u", serial++);
	w->letters = rte_ring_create_elem(
	        name, sizeof(struct fog_letter), FOG_LETTER_SLOTS, SOCKET_ID_ANY,
	        RING_F_SP_ENQ | RING_F_SC_DEQ
	);
	CU_ASSERT_TRUE_FATAL(w->punts != NULL && w->letters != NULL);
}

static void rings_make(struct rig *r)
{
	struct fog_geometry *g = &r->w->geo;

	ring_make(
	        &r->memory[0], &r->memory[1],
	        (uint32_t)sizeof(struct fog_deliver) + FOG_SPHINX_TAG_LEN + g->payload_len,
	        &r->rings.deliver, &r->deliver
	);
	ring_make(
	        &r->memory[2], &r->memory[3], (uint32_t)sizeof(struct fog_inject) + g->packet_len,
	        &r->inject, &r->rings.inject
	);
	r->w->rings = &r->rings;
}

// The nodes, seen by ourselves or by node 1 of another rig.
static void nodes_make(struct rig *r, const struct rig *first)
{
	for (unsigned i = 0; i < RIG_NODES; i++) {
		unsigned from = i < 2 ? 1 - i : i;

		r->host[i] = first != NULL ? from : i;
		if (first != NULL) {
			memcpy(r->private_key[i], first->private_key[from], 32);
			memcpy(r->public_key[i], first->public_key[from], 32);
			memcpy(r->id[i], first->id[from], 32);
			continue;
		}
		randombytes_buf(r->private_key[i], 32);
		crypto_scalarmult_base(r->public_key[i], r->private_key[i]);
		randombytes_buf(r->id[i], 32);
	}
}

static void key_make(struct rig *r, unsigned flags)
{
	const struct fog_mix_key_params params = {
	        .replay_dir = r->replay_dir,
	        .replay_capacity = 4096,
	        .delay_seed = 7,
	        .epoch = flags & RIG_LINKS ? RIG_LINKS_EPOCH : FOG_EPOCH_FOREVER,
	        .private_key = r->private_key[0],
	        .public_key = r->public_key[0],
	};
	char text[200];

	snprintf(r->replay_dir, sizeof(r->replay_dir), "/dev/shm/fogt-rig-%d", (int)getpid());
	if (flags & RIG_NO_KEY)
		return;
	CU_ASSERT_EQUAL_FATAL(fog_mix_key_create(&params, &r->key, text, sizeof(text)), 0);
	r->keys[r->key_count++] = r->key;
}

static struct rig *create(const struct rig *first, unsigned flags, uint32_t parked_max)
{
	struct rig *r = calloc(1, sizeof(*r));
	struct fog_worker *w = aligned_alloc(FOG_CACHE_LINE, (sizeof(*w) + 127u) & ~(size_t)127);
	char error[200];

	memset(w, 0, sizeof(*w));
	r->w = w;
	r->shared = calloc(1, sizeof(*r->shared));
	r->peer_id = calloc(FOG_NODES_MAX, FOG_ID_LEN);
	nodes_make(r, first);
	key_make(r, flags);
	blob_make(r, flags);
	struct fog_port_params params = {
	        .conf = &r->blob->launch.port[0],
	        .mix_port = MIX_PORT,
	        .pool = &pool,
	        .workers = 1,
	        .error = error,
	        .error_len = sizeof(error),
	};
	CU_ASSERT_EQUAL_FATAL(fog_port_open(&params, &r->port), 0);
	CU_ASSERT_EQUAL_FATAL(r->port->ops->start(r->port), 0);
	w->workers = 1;
	w->crypto = fog_crypto_ops_get(NULL);
	CU_ASSERT_EQUAL_FATAL(fog_geometry_named(&w->geo, "mtu"), 0);
	w->ports = &r->port;
	w->port_count = 1;
	w->pool = pool;
	w->shared = r->shared;
	w->tsc_hz = rte_get_tsc_hz();
	w->mix_port = MIX_PORT;
	w->max_rate = flags & RIG_RATE ? RIG_MAX_RATE : 0;
	w->wake_fd = w->doorbell_fd = -1;
	if (flags & RIG_LINKS) {
		queues_make(w);
		w->links = r->links =
		        fog_link_table_create(w->crypto, r->blob->launch.port[0].queues, w->tsc_hz);
	}
	rings_make(r);
	CU_ASSERT_EQUAL_FATAL(fog_worker_init(w, parked_max, r->inject.slot_size), 0);
	rig_configure(r, RIG_NODES, RIG_NODES);
	return r;
}

struct rig *rig_create(unsigned flags, uint32_t parked_max)
{
	return create(NULL, flags, parked_max);
}

struct rig *rig_create_peer(const struct rig *first, unsigned flags, uint32_t parked_max)
{
	return create(first, flags, parked_max);
}

void rig_destroy(struct rig *r)
{
	fog_worker_fini(r->w);
	r->port->ops->stop(r->port);
	r->port->ops->close(r->port);
	fog_conf_free(r->conf);
	fog_link_table_destroy(r->links);
	rte_ring_free(r->w->punts);
	rte_ring_free(r->w->letters);
	fog_mix_key_destroy(r->key);
	rmdir(r->replay_dir);
	for (unsigned i = 0; i < RTE_DIM(r->memory); i++)
		free(r->memory[i]);
	free(r->blob);
	free(r->peer_id);
	free(r->shared);
	free(r->w);
	free(r);
	CU_ASSERT_EQUAL(rte_mempool_avail_count(pool), POOL); // no packet leaked
}

void rig_packet(struct rig *r, int next, uint8_t *packet)
{
	struct fog_sphinx_path_hop path[2] = {0};
	uint8_t payload[FOG_SPHINX_PACKET_MAX];
	unsigned n = next == 0 ? 1 : 2;

	randombytes_buf(payload, r->w->geo.payload_len);
	for (unsigned i = 0; i < n; i++) {
		int node = i == 0 ? 0 : next;
		memcpy(path[i].id, r->id[node], 32);
		memcpy(path[i].public_key, r->public_key[node], 32);
	}
	path[n - 1].has_recipient = 1;
	memset(path[n - 1].recipient, 0x5a, 32);
	CU_ASSERT_EQUAL_FATAL(
	        fog_sphinx_wrap(r->w->crypto, &r->w->geo, path, n, payload, packet, NULL, NULL), 0
	);
}

struct rig_frame rig_frame_good(const struct rig *r)
{
	return (struct rig_frame
	){.family = 4, .vlan = r->port->vlan, .udp_port = MIX_PORT, .protocol = IPPROTO_UDP};
}

static uint8_t *frame_ip(const struct rig_frame *f, uint8_t *at, uint16_t udp_len)
{
	struct fog_ip to = rig_ip(f->family, f->bad_destination ? 50 : 0),
	              from = rig_ip(f->family, f->from != 0 ? f->from : 1);

	if (f->family == 4) {
		struct rte_ipv4_hdr ip = {
		        .version_ihl = RTE_IPV4_VHL_DEF,
		        .total_length = rte_cpu_to_be_16((uint16_t)(sizeof(ip) + udp_len)),
		        .fragment_offset = rte_cpu_to_be_16(f->fragment),
		        .time_to_live = 9,
		        .next_proto_id = f->protocol,
		};
		memcpy(&ip.src_addr, from.addr, 4);
		memcpy(&ip.dst_addr, to.addr, 4);
		ip.hdr_checksum = (uint16_t
		)(rte_ipv4_cksum(&ip) ^ (f->bad_ip_checksum ? 0x100 : 0));
		memcpy(at, &ip, sizeof(ip));
		return at + sizeof(ip);
	}
	struct rte_ipv6_hdr ip = {
	        .vtc_flow = rte_cpu_to_be_32(6u << 28),
	        .payload_len = rte_cpu_to_be_16(udp_len),
	        .proto = f->protocol,
	};
	memcpy(ip.src_addr, from.addr, 16);
	memcpy(ip.dst_addr, to.addr, 16);
	memcpy(at, &ip, sizeof(ip));
	return at + sizeof(ip);
}

static void frame_udp(
        const struct rig_frame *f, const void *ip, uint8_t *at, const uint8_t *payload, uint32_t len
)
{
	struct rte_udp_hdr *udp = (void *)at;

	udp->src_port = rte_cpu_to_be_16(40000);
	udp->dst_port = rte_cpu_to_be_16(f->udp_port);
	udp->dgram_len = rte_cpu_to_be_16((uint16_t)(len + sizeof(*udp)));
	udp->dgram_cksum = 0;
	memcpy(udp + 1, payload, len);
	if (f->no_udp_checksum)
		return;
	udp->dgram_cksum = f->family == 4 ? rte_ipv4_udptcp_cksum(ip, udp)
	                                  : rte_ipv6_udptcp_cksum(ip, udp);
	if (f->bad_udp_checksum)
		udp->dgram_cksum ^= 0x0101;
}

void rig_put(struct rig *r, const struct rig_frame *f, const uint8_t *payload, uint32_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	uint8_t *frame = rte_pktmbuf_mtod(m, uint8_t *), *at = frame + sizeof(struct rte_ether_hdr);
	struct rte_ether_hdr *eth = (void *)frame;
	uint16_t type = f->family == 4 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6;

	if (f->ether_type != 0)
		type = f->ether_type;
	memset(eth, 2, sizeof(*eth));
	eth->ether_type = rte_cpu_to_be_16(type);
	if (f->vlan != 0) {
		struct rte_vlan_hdr tag = {rte_cpu_to_be_16(f->vlan), rte_cpu_to_be_16(type)};
		eth->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_VLAN);
		memcpy(at, &tag, sizeof(tag));
		at += sizeof(tag);
	}
	uint8_t *ip = at;
	at = frame_ip(f, at, (uint16_t)(len + sizeof(struct rte_udp_hdr)));
	frame_udp(f, ip, at, payload, len);
	at += sizeof(struct rte_udp_hdr) + len;
	m->data_len = (uint16_t)(at - frame - f->cut);
	m->pkt_len = m->data_len;
	m->ol_flags = f->ol_flags;
	CU_ASSERT_EQUAL_FATAL(fog_loop_put(r->port, 0, &m, 1), 1);
}

void rig_put_frame(struct rig *r, const uint8_t *frame, uint32_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

	memcpy(rte_pktmbuf_append(m, (uint16_t)len), frame, len);
	CU_ASSERT_EQUAL_FATAL(fog_loop_put(r->port, 0, &m, 1), 1);
}

void rig_put_packet(struct rig *r, const uint8_t *packet)
{
	struct rig_frame f = rig_frame_good(r);

	rig_put(r, &f, packet, r->w->geo.packet_len);
}

static unsigned take_sent(struct rig *r, uint8_t *last, uint32_t *last_len)
{
	struct rte_mbuf *m[FOG_BURST];
	unsigned n = fog_loop_take(r->port, 0, m, FOG_BURST);

	for (unsigned i = 0; i < n; i++) {
		if (last != NULL) {
			memcpy(last, rte_pktmbuf_mtod(m[i], void *), m[i]->data_len);
			*last_len = m[i]->data_len;
		}
		rte_pktmbuf_free(m[i]);
	}
	return n;
}

unsigned rig_run(struct rig *r, uint8_t *last, uint32_t *last_len)
{
	uint64_t end = rte_rdtsc() + 2 * rte_get_tsc_hz();
	unsigned sent = 0;
	enum fog_round round = FOG_ROUND_WORKED;

	while ((round != FOG_ROUND_DRY || fog_calendar_depth(r->w->calendar) > 0) &&
	       rte_rdtsc() < end) {
		round = fog_worker_round(r->w, rte_rdtsc());
		sent += take_sent(r, last, last_len);
	}
	return sent;
}

void rig_settle(struct rig *r)
{
	while (fog_worker_round(r->w, rte_rdtsc()) != FOG_ROUND_DRY)
		continue;
}

struct fog_worker_counters *rig_snapshot(struct rig *r)
{
	static struct fog_worker_counters c;

	fog_worker_publish(r->w, rte_rdtsc());
	CU_ASSERT_EQUAL_FATAL(fog_stats_worker_read(r->shared, &c), 0);
	CU_ASSERT_EQUAL(fog_books_gap(&c), 0);
	return &c;
}
