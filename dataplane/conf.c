// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "conf.h"

#include <errno.h>
#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_hash.h>
#include <rte_hash_crc.h>
#include <rte_ip.h>
#include <rte_udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/equal.h"
#include "crypto/link.h"
#include "frame.h"
#include "pkt.h"
#include "resolve.h"

static const uint8_t no_id[FOG_ID_LEN];

static struct rte_hash *hash_create(const char *what, uint32_t key_len)
{
	static unsigned serial; // manager only; names of hashes are global in DPDK
	char name[RTE_HASH_NAMESIZE];

	snprintf(name, sizeof(name), "%s-%u", what, serial++);
	struct rte_hash_parameters p = {
	        .name = name,
	        .entries = 2 * FOG_NODES_MAX, // cuckoo tables refuse to fill up completely
	        .key_len = key_len,
	        .hash_func = rte_hash_crc,
	        .socket_id = SOCKET_ID_ANY,
	        // IDs chosen to collide must not make a whole table unbuildable.
	        .extra_flag = RTE_HASH_EXTRA_FLAGS_EXT_TABLE,
	};
	return rte_hash_create(&p);
}

uint16_t fog_conf_peer(uint8_t (*peer_id)[FOG_ID_LEN], const uint8_t id[FOG_ID_LEN])
{
	for (unsigned i = 0; i < FOG_NODES_MAX; i++) {
		if (memcmp(peer_id[i], id, FOG_ID_LEN) == 0)
			return (uint16_t)i;
		if (memcmp(peer_id[i], no_id, FOG_ID_LEN) == 0) {
			memcpy(peer_id[i], id, FOG_ID_LEN);
			return (uint16_t)i;
		}
	}
	return FOG_PEER_NONE;
}

static uint16_t header_ip(
        uint8_t *h, const struct fog_ip *from, const struct fog_ip *to, uint16_t udp_len
)
{
	if (to->family == 4) {
		// Never fragmented, so the identification is meaningless (RFC 6864) and constant.
		struct rte_ipv4_hdr ip = {
		        .version_ihl = RTE_IPV4_VHL_DEF,
		        .total_length = rte_cpu_to_be_16(sizeof(ip) + udp_len),
		        .fragment_offset = rte_cpu_to_be_16(RTE_IPV4_HDR_DF_FLAG),
		        .time_to_live = 64,
		        .next_proto_id = IPPROTO_UDP,
		};
		memcpy(&ip.src_addr, from->addr, 4);
		memcpy(&ip.dst_addr, to->addr, 4);
		ip.hdr_checksum = rte_ipv4_cksum(&ip);
		memcpy(h, &ip, sizeof(ip));
		return sizeof(ip);
	}
	struct rte_ipv6_hdr ip = {
	        .vtc_flow = rte_cpu_to_be_32(6u << 28),
	        .payload_len = rte_cpu_to_be_16(udp_len),
	        .proto = IPPROTO_UDP,
	        .hop_limits = 64,
	};
	memcpy(ip.src_addr, from->addr, 16);
	memcpy(ip.dst_addr, to->addr, 16);
	memcpy(h, &ip, sizeof(ip));
	return sizeof(ip);
}

void fog_conf_header(
        struct fog_next_hop *n, const struct fog_port *port, const uint8_t mac[6],
        const struct fog_ip *from, uint16_t source_port, uint16_t payload_len
)
{
	uint16_t udp_len = (uint16_t)(sizeof(struct rte_udp_hdr) + payload_len);
	uint16_t type = n->ip.family == 4 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6;
	struct rte_udp_hdr udp = {
	        .src_port = rte_cpu_to_be_16(source_port),
	        .dst_port = rte_cpu_to_be_16(n->udp_port),
	        .dgram_len = rte_cpu_to_be_16(udp_len),
	};

	uint16_t at = fog_frame_ethernet(n->header, port, mac, type);
	at += header_ip(n->header + at, from, &n->ip, udp_len);
	memcpy(n->header + at, &udp, sizeof(udp));
	n->udp_at = (uint8_t)at;
	n->header_len = (uint8_t)(at + sizeof(udp));
	n->resolved = 1;
}

static int conf_add_node(
        struct fog_conf *c, const struct fog_blob *blob, const struct fog_blob_node *from,
        const struct fog_conf_env *env
)
{
	uint32_t index = c->node_count;
	struct fog_next_hop *n = &c->node[index];

	memcpy(n->id, from->id, FOG_ID_LEN);
	n->ip = from->ip;
	n->udp_port = from->port;
	n->peer = fog_conf_peer(env->peer_id, from->id);
	if (rte_hash_add_key_data(c->by_id, n->id, (void *)(uintptr_t)index) < 0 ||
	    rte_hash_add_key_data(c->by_ip, &n->ip, (void *)(uintptr_t)index) < 0)
		return -ENOMEM;
	c->node_count++;
	if (memcmp(n->id, c->node_id, FOG_ID_LEN) == 0)
		return 0;
	c->remote_count++;
	struct fog_way way = fog_resolve(env->resolver, &blob->run, &n->ip, env->now_ms);
	n->routed = way.routed;
	n->port = way.port;
	if (way.resolved)
		fog_conf_header(
		        n, env->resolver->ports[way.port], way.mac, &way.source, env->mix_port,
		        env->payload_len
		);
	c->resolved_count += n->resolved;
	return 0;
}

static void link_keys(struct fog_conf *c, const uint8_t link_key[32])
{
	c->has_link_key = !fog_all_zero(link_key, 32);
	fog_link_mac1_key(link_key, c->mac1_key);
	fog_link_cookie_key(link_key, c->cookie_key);
}

static uint64_t cover_mean(const struct fog_conf_env *env, uint64_t us, uint64_t streams)
{
	unsigned __int128 cycles = (unsigned __int128)us * env->tsc_hz * env->workers / 1000000u;

	if (us == 0 || streams == 0 || env->tsc_hz == 0)
		return 0;
	return cycles < streams ? 1 : (uint64_t)(cycles / streams);
}

static void cover_build(
        struct fog_conf_cover *c, const struct fog_blob_run *run, const struct fog_conf_env *env
)
{
	uint64_t all = env->tsc_hz * env->workers, rate = run->cover_rate_max;

	c->mean[FOG_COVER_STOCK_CLOCK] = cover_mean(env, run->cover_us, 1);
	c->mean[FOG_COVER_DUMMY_CLOCK] = cover_mean(env, run->dummy_us, run->node_count);
	if (rate == 0)
		return;
	c->interval = all < rate ? 1 : all / rate;
	// A tenth of a second's at once, which a stream under the cap hardly ever needs.
	uint64_t burst = rate / env->workers / 10;
	c->depth = c->interval * (burst > FOG_COVER_BURST_MIN ? burst : FOG_COVER_BURST_MIN);
}

int fog_conf_build(
        const struct fog_blob *blob, const struct fog_conf_env *env, struct fog_conf **out
)
{
	const struct fog_blob_node *nodes = (const void *)(blob + 1);
	struct fog_conf *c = calloc(1, sizeof(*c) + blob->run.node_count * sizeof(c->node[0]));
	int ret = -ENOMEM;

	if (c == NULL)
		return -ENOMEM;
	c->generation = blob->generation;
	memcpy(c->checksum, blob->checksum, sizeof(c->checksum));
	memcpy(c->node_id, blob->run.node_id, FOG_ID_LEN);
	link_keys(c, blob->run.link_key);
	if (env->workers > 0)
		cover_build(&c->cover, &blob->run, env);
	c->key_count = env->key_count;
	for (unsigned i = 0; i < env->key_count; i++) {
		c->key[i] = env->key[i];
		c->key_epoch[i] = (uint8_t)env->key[i]->epoch;
	}
	if ((c->by_id = hash_create("fog-id", FOG_ID_LEN)) == NULL)
		goto err;
	if ((c->by_ip = hash_create("fog-ip", sizeof(struct fog_ip))) == NULL)
		goto err;
	ret = fog_delay_law_init(
	        &c->law, blob->run.delay_mean_us, blob->run.delay_max_us, blob->run.delay_cap_ms
	);
	if (ret < 0)
		goto err;
	for (uint32_t i = 0; i < blob->run.node_count; i++)
		if ((ret = conf_add_node(c, blob, &nodes[i], env)) < 0)
			goto err;
	*out = c;
	return 0;
err:
	fog_conf_free(c);
	return ret;
}

void fog_conf_free(struct fog_conf *c)
{
	if (c == NULL)
		return;
	rte_hash_free(c->by_ip);
	rte_hash_free(c->by_id);
	free(c);
}

static int find(const struct rte_hash *h, const void *key)
{
	void *data;

	return rte_hash_lookup_data(h, key, &data) < 0 ? -1 : (int)(uintptr_t)data;
}

int fog_conf_find(const struct fog_conf *c, const uint8_t id[FOG_ID_LEN])
{
	return find(c->by_id, id);
}

int fog_conf_find_ip(const struct fog_conf *c, const struct fog_ip *ip)
{
	return find(c->by_ip, ip);
}
