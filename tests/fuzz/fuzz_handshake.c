// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Handshake messages to a worker: each is passed on, dropped or answered once, and what is passed on has
// the MACs that it needs, by libsodium's judgement. The first byte chooses: bit 0, MAC1 is made right;
// bit 1, MAC2 too; bit 2, a stranger sends it, else a node; bit 3, the worker is under load; bit 4, the
// header is a good one of the type in bits 6 and 7.
#include <rte_cycles.h>
#include <rte_ip.h>
#include <rte_ring_elem.h>
#include <sodium.h>

#include "../../dataplane/crypto/link.h"
#include "../../dataplane/punt.h"
#include "fuzz_worker.h"

enum { HEADERS = 14 + 20 + 8, UDP_PORT = 40000 };

static struct fog_port port = {.name = "fuzz"}, *ports[1] = {&port};
static uint8_t mac1_key[32], peer_id[FOG_NODES_MAX][FOG_ID_LEN];
static const struct fog_ip node_ip = {.family = 4, .addr = {10, 0, 0, 2}};
static const struct fog_ip strange_ip = {.family = 4, .addr = {10, 9, 9, 9}};

static void conf_make(void)
{
	struct fog_blob *b = calloc(1, sizeof(*b) + sizeof(struct fog_blob_node));
	struct fog_blob_node *node = (void *)(b + 1);
	const struct fog_resolver resolver = {.ports = ports};
	struct fog_conf_env env = {
	        .resolver = &resolver,
	        .mix_port = 9001,
	        .payload_len = (uint16_t)fog_worker_payload_len(w),
	        .peer_id = peer_id,
	};
	struct fog_conf *conf;

	b->run.delay_mean_us = 500;
	b->run.delay_max_us = 5000;
	b->run.node_count = 1;
	b->run.link_key[0] = 7;
	node->id[0] = 1;
	node->ip = node_ip;
	node->port = 9001;
	demand(fog_conf_build(b, &env, &conf) == 0);
	fog_link_mac1_key(b->run.link_key, mac1_key);
	w->conf = conf;
	free(b);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	worker_make("hs", 0);
	w->mix_port = 9001;
	w->ports = ports;
	w->port_count = 1;
	w->punts = rte_ring_create_elem(
	        "punts", sizeof(struct fog_link_punt), FOG_PUNT_SLOTS, SOCKET_ID_ANY,
	        RING_F_SP_ENQ | RING_F_SC_DEQ
	);
	demand(w->punts != NULL);
	demand(fog_handshake_create(w->tsc_hz, &w->handshake) == 0);
	conf_make();
	return 0;
}

static uint32_t mac1_at(const uint8_t *msg)
{
	return (msg[0] == FOG_FRAME_RESPONSE ? FOG_RESPONSE_LEN : FOG_INITIATION_LEN) -
	        2 * FOG_LINK_MAC;
}

static void macs_make(uint8_t *msg, uint8_t how, const struct fog_ip *from)
{
	uint32_t at = mac1_at(msg);
	uint8_t cookie[16];

	if (how & 1)
		fog_link_mac(mac1_key, 32, msg, at, msg + at);
	fog_link_cookie(w->handshake->secret[0], from, UDP_PORT, cookie);
	if (how & 2)
		fog_link_mac(cookie, 16, msg, at + FOG_LINK_MAC, msg + at + FOG_LINK_MAC);
}

static void check_macs(const uint8_t *msg, bool loaded, const struct fog_ip *from)
{
	uint32_t at = mac1_at(msg);
	uint8_t mac[FOG_LINK_MAC], cookie[16];
	bool good = false;

	if (msg[0] == FOG_FRAME_COOKIE)
		return;
	fog_link_mac(mac1_key, 32, msg, at, mac);
	demand(memcmp(mac, msg + at, sizeof(mac)) == 0);
	if (msg[0] != FOG_FRAME_INITIATION || !loaded)
		return;
	for (unsigned i = 0; i < 2; i++) {
		fog_link_cookie(w->handshake->secret[i], from, UDP_PORT, cookie);
		fog_link_mac(cookie, 16, msg, at + FOG_LINK_MAC, mac);
		good |= memcmp(mac, msg + at + FOG_LINK_MAC, sizeof(mac)) == 0;
	}
	demand(good);
}

static void check_outcome(
        const struct fog_worker_counters *before, bool loaded, const struct fog_ip *from
)
{
	uint64_t passed = w->count.punted - before->punted, made = w->count.made - before->made;
	struct fog_link_punt punt;

	demand(passed + w->count.drops - before->drops == 1);
	demand(w->tx[0].n == made);
	for (unsigned i = 0; i < w->tx[0].n; i++) {
		const struct rte_mbuf *m = w->tx[0].frame[i];
		demand(m->data_len == HEADERS + fog_worker_payload_len(w));
		demand(rte_pktmbuf_mtod(m, const uint8_t *)[HEADERS] == FOG_FRAME_COOKIE);
		rte_pktmbuf_free(w->tx[0].frame[i]);
	}
	w->tx[0].n = 0;
	bool there = rte_ring_sc_dequeue_elem(w->punts, &punt, sizeof(punt)) == 0;
	demand(there == (passed == 1));
	if (!there)
		return;
	demand(punt.len <= sizeof(punt.data) && punt.type == punt.data[0]);
	demand(punt.type == FOG_FRAME_INITIATION || memcmp(from, &node_ip, sizeof(*from)) == 0);
	check_macs(punt.data, loaded, from);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t len = fog_worker_payload_len(w);

	if (size < 1)
		return 0;
	const struct fog_ip *from = data[0] & 4 ? &strange_ip : &node_ip;
	bool loaded = data[0] & 8;
	struct rte_mbuf *m = rte_pktmbuf_alloc(w->pool);
	uint8_t *frame = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)(HEADERS + len));
	memset(frame, 0, HEADERS + len);
	frame[14] = RTE_IPV4_VHL_DEF;
	uint8_t *msg = (uint8_t *)rte_pktmbuf_adj(m, HEADERS);
	memcpy(msg, data + 1, RTE_MIN(size - 1, (size_t)len));
	if (data[0] & 16)
		fog_frame_header_put(msg, data[0] >> 6, 9, 0);
	macs_make(msg, data[0], from);
	fog_pkt(m)->trace = 0;
	fog_pkt(m)->headers = HEADERS;
	w->handshake->loaded_until = loaded ? UINT64_MAX : 0;
	w->handshake->window_until = 0;
	const struct fog_worker_counters before = w->count;
	stage_handshake(w, 0, m, from, UDP_PORT, rte_rdtsc());
	check_outcome(&before, loaded, from);
	demand(rte_mempool_avail_count(w->pool) == POOL);
	return 0;
}
