// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "pipe.h"

#include <errno.h>
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

#include "../dataplane/crypto/link.h"
#include "../dataplane/punt.h"
#include "../dataplane/replay_table.h"
#include "pipe_link.h"

enum {
	MIX_PORT = 9001,
	HEADERS = sizeof(struct rte_ether_hdr) + sizeof(struct rte_ipv4_hdr) +
	        sizeof(struct rte_udp_hdr),
	POOL = (1 << 15) - 1, // buffers of a worker: a full port, and what is parked
	PARKED_MAX = 1 << 14, // of a worker
	EAL_MIB = 16,
	FILL_BATCH = 64,
	FORGED = 1024, // distinct initiations
};

// A worker's frames, and how far they are fed.
struct lane {
	struct fog_worker *w;
	struct fog_stats_worker *shared;
	uint8_t *frame; // [frames][frame_len]
	unsigned next; // of this pass
	uint64_t fed;
};

struct pipe {
	struct pipe_params params;
	struct fog_geometry geo;
	uint16_t payload_len; // UDP payload of a frame
	unsigned frame_len;
	struct rte_mempool *pool;
	struct rte_rcu_qsbr *qsbr;
	struct fog_blob *blob;
	struct fog_port *port;
	struct fog_mix_key *key;
	struct fog_conf *conf;
	uint8_t private_key[2][32], public_key[2][32], id[2][32]; // we, and the next hop
	uint8_t peer_id[FOG_NODES_MAX][FOG_ID_LEN];
	struct lane lane[PIPE_WORKERS_MAX];
	struct pipe_link link;
	unsigned packet_at; // in a frame
	uint8_t *forged; // [FORGED][frame_len]
	unsigned forged_next;
};

int pipe_eal_start(int main_cpu, const int cpu[], unsigned workers)
{
	char lcores[32 + 16 * PIPE_WORKERS_MAX], prefix[64], memory[16];
	int at = snprintf(lcores, sizeof(lcores), "--lcores=0@%d", main_cpu);

	for (unsigned i = 0; i < workers; i++)
		at += snprintf(lcores + at, sizeof(lcores) - (size_t)at, ",%u@%d", i + 1, cpu[i]);
	snprintf(prefix, sizeof(prefix), "--file-prefix=fogline-bench-%d", (int)getpid());
	snprintf(memory, sizeof(memory), "-m%u", EAL_MIB + 128 * (workers + 1));
	char *args[] = {"fog-bench",      "--no-shconf", "--no-huge",
	                "--no-telemetry", "--no-pci",    "--log-level=error",
	                memory,           lcores,        prefix};
	if (rte_eal_init(RTE_DIM(args), args) >= 0)
		return 0;
	fprintf(stderr, "bench: EAL does not start: it needs root, %s MiB and its CPUs\n",
	        memory + 2);
	return -ENOTSUP;
}

void pipe_eal_stop(void)
{
	char dir[128];

	snprintf(dir, sizeof(dir), "%s", rte_eal_get_runtime_dir());
	rte_eal_cleanup();
	rmdir(dir);
}

static struct fog_ip node_ip(unsigned host)
{
	return (struct fog_ip){.family = 4, .addr = {10, 0, 0, (uint8_t)(host + 1)}};
}

static void blob_fill(struct pipe *p)
{
	struct fog_blob *b = p->blob;
	struct fog_blob_node *node = (void *)(b + 1);
	struct fog_blob_port *port = &b->launch.port[0];

	b->launch.mix_port = MIX_PORT;
	b->launch.port_count = 1;
	b->launch.worker_count = p->params.workers;
	snprintf(port->name, sizeof(port->name), "memory");
	port->driver = FOG_DRIVER_LOOP;
	port->queues = (uint16_t)p->params.workers;
	port->mtu = 1500;
	port->address_count = 1;
	port->address[0] = node_ip(0);
	b->run.delay_mean_us = p->params.delay_mean_us;
	b->run.delay_max_us = p->params.delay_max_us;
	b->run.node_count = 2;
	memcpy(b->run.node_id, p->id[0], FOG_ID_LEN);
	memcpy(b->run.link_key, p->public_key[0], sizeof(b->run.link_key));
	for (unsigned i = 0; i < 2; i++) {
		memcpy(node[i].id, p->id[i], FOG_ID_LEN);
		node[i].ip = node_ip(i);
		node[i].port = MIX_PORT;
	}
	b->run.neighbour_count = 1;
	b->run.neighbour[0] = (struct fog_blob_neighbour
	){.ip = node_ip(1), .mac = {2, 0, 0, 0, 0, 1}};
}

static void keys_make(struct pipe *p)
{
	for (unsigned i = 0; i < 2; i++) {
		randombytes_buf(p->private_key[i], 32);
		crypto_scalarmult_base(p->public_key[i], p->private_key[i]);
		randombytes_buf(p->id[i], 32);
	}
}

static void frame_header(const struct pipe *p, uint8_t *frame)
{
	struct rte_ether_hdr *eth = (void *)frame;
	struct rte_ipv4_hdr *ip = (void *)(eth + 1);
	struct rte_udp_hdr *udp = (void *)(ip + 1);
	uint16_t udp_len = (uint16_t)(sizeof(*udp) + p->payload_len);
	struct fog_ip to = node_ip(0), from = node_ip(1);

	memset(frame, 0, HEADERS);
	memcpy(&eth->dst_addr, p->port->mac, sizeof(p->port->mac));
	eth->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
	ip->version_ihl = RTE_IPV4_VHL_DEF;
	ip->total_length = rte_cpu_to_be_16((uint16_t)(sizeof(*ip) + udp_len));
	ip->time_to_live = 64;
	ip->next_proto_id = IPPROTO_UDP;
	memcpy(&ip->src_addr, from.addr, 4);
	memcpy(&ip->dst_addr, to.addr, 4);
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	udp->src_port = udp->dst_port = rte_cpu_to_be_16(MIX_PORT);
	udp->dgram_len = rte_cpu_to_be_16(udp_len);
}

static int frames_make(struct pipe *p, struct lane *l)
{
	struct fog_sphinx_path_hop path[2] = {0};
	uint8_t payload[FOG_SPHINX_PACKET_MAX];

	for (unsigned i = 0; i < 2; i++) {
		memcpy(path[i].id, p->id[i], FOG_ID_LEN);
		memcpy(path[i].public_key, p->public_key[i], 32);
	}
	path[1].has_recipient = 1;
	for (unsigned i = 0; i < p->params.frames; i++) {
		uint8_t *frame = l->frame + (size_t)i * p->frame_len;
		int ret;

		frame_header(p, frame);
		randombytes_buf(payload, p->geo.payload_len);
		ret = fog_sphinx_wrap(
		        p->params.crypto, &p->geo, path, 2, payload, frame + p->packet_at, NULL,
		        NULL
		);
		if (ret < 0)
			return ret;
	}
	return 0;
}

// Noise from addresses of nobody; every other one knows our link key, and so MAC1.
static int forged_make(struct pipe *p)
{
	uint32_t mac1_at = FOG_INITIATION_LEN - 2 * FOG_LINK_MAC;
	uint8_t key[32];

	p->forged = malloc((size_t)FORGED * p->frame_len);
	if (p->forged == NULL)
		return -ENOMEM;
	fog_link_mac1_key(p->public_key[0], key);
	for (unsigned i = 0; i < FORGED; i++) {
		uint8_t *frame = p->forged + (size_t)i * p->frame_len, *msg = frame + HEADERS;
		struct rte_ipv4_hdr *ip = (void *)(frame + sizeof(struct rte_ether_hdr));
		struct fog_ip from = {.family = 4, .addr = {192, 0, (uint8_t)(i >> 8), (uint8_t)i}};

		frame_header(p, frame);
		memcpy(&ip->src_addr, from.addr, 4);
		ip->hdr_checksum = 0;
		ip->hdr_checksum = rte_ipv4_cksum(ip);
		randombytes_buf(msg, p->payload_len);
		fog_frame_header_put(msg, FOG_FRAME_INITIATION, i << FOG_LINK_SUB_BITS, 0);
		if (i % 2 == 0)
			fog_link_mac(key, sizeof(key), msg, mac1_at, msg + mac1_at);
		memset(msg + mac1_at + FOG_LINK_MAC, 0, FOG_LINK_MAC);
	}
	return 0;
}

static struct rte_ring *punts_make(unsigned worker)
{
	char name[RTE_RING_NAMESIZE];

	snprintf(name, sizeof(name), "punts-%u", worker);
	return rte_ring_create_elem(
	        name, sizeof(struct fog_link_punt), FOG_PUNT_SLOTS, SOCKET_ID_ANY,
	        RING_F_SP_ENQ | RING_F_SC_DEQ
	);
}

static int worker_make(struct pipe *p, unsigned i)
{
	struct lane *l = &p->lane[i];
	struct fog_worker *w = aligned_alloc(FOG_CACHE_LINE, (sizeof(*w) + 127u) & ~(size_t)127);

	l->frame = malloc((size_t)p->params.frames * p->frame_len);
	l->shared = calloc(1, sizeof(*l->shared));
	if (w == NULL || l->frame == NULL || l->shared == NULL) {
		free(w);
		return -ENOMEM;
	}
	memset(w, 0, sizeof(*w));
	w->index = i;
	w->workers = p->params.workers;
	w->lcore = i + 1;
	w->crypto = p->params.crypto;
	w->geo = p->geo;
	w->ports = &p->port;
	w->port_count = 1;
	w->pool = p->pool;
	w->qsbr = p->qsbr;
	w->shared = l->shared;
	w->tsc_hz = rte_get_tsc_hz();
	w->mix_port = MIX_PORT;
	w->idle = FOG_IDLE_BUSY;
	w->wake_fd = w->doorbell_fd = -1;
	w->links = p->link.ours;
	if (p->params.links)
		w->punts = punts_make(i);
	if ((p->params.links && w->punts == NULL) || fog_worker_init(w, PARKED_MAX, 64) < 0) {
		rte_ring_free(w->punts);
		free(w);
		return -ENOMEM;
	}
	atomic_store(&w->conf_next, p->conf);
	w->conf = p->conf;
	l->w = w;
	return frames_make(p, l);
}

// Every worker claims in one table, as it does in the data plane.
static void table_fill(struct pipe *p)
{
	uint8_t tag[FILL_BATCH][FOG_REPLAY_TAG_LEN];
	const uint8_t *from[FILL_BATCH];
	struct fog_replay_place place[FILL_BATCH];

	for (unsigned i = 0; i < FILL_BATCH; i++)
		from[i] = tag[i];
	for (uint64_t done = 0; done < p->params.replay_capacity / 2; done += FILL_BATCH) {
		randombytes_buf(tag, sizeof(tag));
		fog_replay_prefetch(p->key->replay, FILL_BATCH, from, place);
		for (unsigned i = 0; i < FILL_BATCH; i++)
			fog_replay_claim(p->key->replay, &place[i]);
	}
}

static int port_make(struct pipe *p)
{
	char error[200];
	struct fog_port_params params = {
	        .conf = &p->blob->launch.port[0],
	        .mix_port = MIX_PORT,
	        .pool = &p->pool,
	        .workers = 1,
	        .error = error,
	        .error_len = sizeof(error),
	};
	int ret = fog_port_open(&params, &p->port);

	if (ret == 0)
		ret = p->port->ops->start(p->port);
	else
		fprintf(stderr, "bench: %s\n", error);
	return ret;
}

static int conf_make(struct pipe *p)
{
	const struct fog_resolver resolver = {.ports = &p->port, .port_count = 1};
	struct fog_conf_env env = {
	        .resolver = &resolver,
	        .mix_port = MIX_PORT,
	        .payload_len = p->payload_len,
	        .peer_id = p->peer_id,
	};
	char dir[64], text[256];
	const struct fog_mix_key_params key = {
	        .replay_dir = dir,
	        .replay_capacity = p->params.replay_capacity,
	        .delay_seed = 1,
	        .epoch = FOG_EPOCH_FOREVER,
	        .private_key = p->private_key[0],
	        .public_key = p->public_key[0],
	};
	int ret;

	snprintf(dir, sizeof(dir), "/dev/shm/fogline-bench-%d", (int)getpid());
	ret = fog_mix_key_create(&key, &p->key, text, sizeof(text));
	if (ret < 0) {
		fprintf(stderr, "bench: %s\n", text);
		rmdir(dir);
		return ret;
	}
	// The mapping stays: whatever ends this process, no memory is left behind.
	unlink(p->key->replay->path);
	rmdir(dir);
	table_fill(p);
	const struct fog_mix_key *keys[] = {p->key};
	env.key_count = 1;
	env.key = keys;
	return fog_conf_build(p->blob, &env, &p->conf);
}

static int memory_make(struct pipe *p)
{
	unsigned n = p->params.workers;

	p->blob = calloc(1, sizeof(*p->blob) + 2 * sizeof(struct fog_blob_node));
	p->qsbr = aligned_alloc(
	        FOG_CACHE_LINE, RTE_ALIGN(rte_rcu_qsbr_get_memsize(n), (size_t)FOG_CACHE_LINE)
	);
	p->pool = rte_pktmbuf_pool_create(
	        p->params.links ? "bench-links" : "bench", POOL * n, 64, FOG_PKT_PRIV_SIZE,
	        2048 + RTE_PKTMBUF_HEADROOM, SOCKET_ID_ANY
	);
	if (p->blob == NULL || p->qsbr == NULL || p->pool == NULL) {
		fprintf(stderr, "bench: no memory for %u packet buffers\n", POOL * n);
		return -ENOMEM;
	}
	rte_rcu_qsbr_init(p->qsbr, n);
	return 0;
}

int pipe_create(const struct pipe_params *params, struct pipe **out)
{
	struct pipe *p = calloc(1, sizeof(*p));
	int ret;

	if (p == NULL)
		return -ENOMEM;
	p->params = *params;
	fog_geometry_named(&p->geo, "mtu");
	p->payload_len = (uint16_t)(p->geo.packet_len + (params->links ? FOG_LINK_OVERHEAD : 0));
	p->packet_at = HEADERS + (params->links ? FOG_FRAME_HEADER : 0);
	p->frame_len = HEADERS + p->payload_len;
	keys_make(p);
	if ((ret = memory_make(p)) < 0)
		goto err;
	blob_fill(p);
	if ((ret = port_make(p)) < 0 || (ret = conf_make(p)) < 0)
		goto err;
	if (params->links) {
		ret = pipe_link_create(
		        &p->link, params->crypto, params->workers, rte_get_tsc_hz(), p->id[1],
		        fog_conf_peer(p->peer_id, p->id[1])
		);
		if (ret < 0 || (ret = forged_make(p)) < 0)
			goto err;
	}
	for (unsigned i = 0; i < params->workers; i++) {
		if ((ret = worker_make(p, i)) < 0)
			goto err;
	}
	*out = p;
	return 0;
err:
	pipe_destroy(p);
	return ret;
}

void pipe_destroy(struct pipe *p)
{
	if (p == NULL)
		return;
	for (unsigned i = 0; i < p->params.workers; i++) {
		struct lane *l = &p->lane[i];

		if (l->w != NULL) {
			fog_worker_fini(l->w);
			rte_ring_free(l->w->punts);
		}
		free(l->w);
		free(l->frame);
		free(l->shared);
	}
	fog_conf_free(p->conf);
	free(p->forged);
	pipe_link_destroy(&p->link);
	fog_mix_key_close(p->key);
	if (p->port != NULL)
		p->port->ops->close(p->port);
	rte_mempool_free(p->pool);
	free(p->qsbr);
	free(p->blob);
	free(p);
}

struct fog_worker *pipe_worker(struct pipe *p, unsigned worker)
{
	return p->lane[worker].w;
}

const struct fog_geometry *pipe_geometry(const struct pipe *p)
{
	return &p->geo;
}

const uint8_t *pipe_packet(const struct pipe *p, unsigned worker, unsigned frame)
{
	return p->lane[worker].frame + (size_t)frame * p->frame_len + p->packet_at;
}

const uint8_t *pipe_private_key(const struct pipe *p)
{
	return p->private_key[0];
}

unsigned pipe_feed(struct pipe *p, unsigned worker, unsigned n)
{
	struct lane *l = &p->lane[worker];
	struct rte_mbuf *m[FOG_BURST];
	unsigned put = 0;

	n = RTE_MIN(n, p->params.frames - l->next);
	while (put < n) {
		unsigned some = RTE_MIN(n - put, (unsigned)FOG_BURST), took;

		if (rte_pktmbuf_alloc_bulk(p->pool, m, some) < 0)
			break;
		for (unsigned i = 0; i < some; i++)
			memcpy(rte_pktmbuf_append(m[i], (uint16_t)p->frame_len),
			       l->frame + (size_t)(l->next + i) * p->frame_len, p->frame_len);
		for (unsigned i = 0; p->params.links && i < some; i++)
			pipe_link_seal(
			        &p->link, worker, rte_pktmbuf_mtod_offset(m[i], uint8_t *, HEADERS),
			        p->geo.packet_len, FOG_EPOCH_FOREVER
			);
		took = fog_loop_put(p->port, (uint16_t)worker, m, (uint16_t)some);
		for (unsigned i = took; i < some; i++)
			rte_pktmbuf_free(m[i]);
		l->next += took;
		l->fed += took;
		put += took;
		if (took < some)
			break;
	}
	return put;
}

unsigned pipe_forge(struct pipe *p, unsigned worker, unsigned n)
{
	struct rte_mbuf *m;
	unsigned put = 0;

	while (put < n && (m = rte_pktmbuf_alloc(p->pool)) != NULL) {
		memcpy(rte_pktmbuf_append(m, (uint16_t)p->frame_len),
		       p->forged + (size_t)(p->forged_next++ % FORGED) * p->frame_len,
		       p->frame_len);
		if (fog_loop_put(p->port, (uint16_t)worker, &m, 1) == 0) {
			rte_pktmbuf_free(m);
			break;
		}
		put++;
	}
	return put;
}

void pipe_drain(struct pipe *p, unsigned worker)
{
	struct rte_ring *punts = p->lane[worker].w->punts;
	struct fog_link_punt punt;
	struct rte_mbuf *m[FOG_BURST];
	unsigned n;

	while (punts != NULL && rte_ring_sc_dequeue_elem(punts, &punt, sizeof(punt)) == 0)
		continue;

	while ((n = fog_loop_take(p->port, (uint16_t)worker, m, FOG_BURST)) > 0)
		rte_pktmbuf_free_bulk(m, n);
}

unsigned pipe_left(const struct pipe *p, unsigned worker)
{
	return p->params.frames - p->lane[worker].next;
}

bool pipe_done(const struct pipe *p, unsigned worker)
{
	const struct fog_worker_counters *c = &p->lane[worker].w->count;
	// The worker's own counters: the published ones are up to 10 ms old.
	uint64_t opened = __atomic_load_n(&c->owed_us.count, __ATOMIC_ACQUIRE);
	uint64_t dropped = __atomic_load_n(&c->drops, __ATOMIC_ACQUIRE);

	return opened + dropped >= p->lane[worker].fed;
}

void pipe_pass(struct pipe *p)
{
	uint8_t key[16];

	randombytes_buf(key, sizeof(key));
	fog_aes_key_init(&p->key->replay->key, key, sizeof(key));
	for (unsigned i = 0; i < p->params.workers; i++)
		p->lane[i].next = 0;
}

uint64_t pipe_drops(const struct pipe *p)
{
	uint64_t drops = 0;

	for (unsigned i = 0; i < p->params.workers; i++)
		drops += p->lane[i].w->count.drops;
	return drops;
}
