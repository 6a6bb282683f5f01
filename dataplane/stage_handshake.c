// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Which handshake messages the control plane gets to see. What costs it an X25519 costs the sender the
// knowledge of our public key (MAC1) and, when there are many, an address at which it is reached
// (MAC2); what costs us an answer comes out of a budget. After the WireGuard paper, section 5.3 and
// 5.4.7.
#include <rte_byteorder.h>
#include <rte_cycles.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include "crypto/equal.h"
#include "crypto/link.h"
#include "punt.h"

// A message that is being judged.
struct handshake {
	const struct fog_ip *from;
	uint16_t udp_port;
	uint32_t mac1_at; // MAC2 follows
	int node; // whose address it comes from, or -1
	uint16_t peer; // ... and its statistics slot
	uint64_t now;
};

int fog_handshake_create(uint64_t tsc_hz, struct fog_handshake **out)
{
	uint8_t seed[32];
	// sodium_malloc ends its objects at a guard page, so the size keeps the alignment.
	struct fog_handshake *h = sodium_malloc((sizeof(*h) + 63u) & ~(size_t)63);

	if (h == NULL)
		return -ENOMEM;
	memset(h, 0, sizeof(*h));
	randombytes_buf(seed, sizeof(seed));
	fog_random_init(&h->random, seed);
	sodium_memzero(seed, sizeof(seed));
	// The one "before" the first must be nobody's guess: a host that has just started takes it for young.
	fog_random_fill(&h->random, h->secret[0], sizeof(h->secret));
	fog_budget_init(&h->cookies, tsc_hz, FOG_COOKIES_RATE, FOG_COOKIES_BURST);
	for (unsigned i = 0; i < FOG_NODES_MAX; i++) {
		struct fog_handshake_node *n = &h->node[i];
		fog_budget_init(&n->cookies, tsc_hz, FOG_COOKIES_NODE_RATE, FOG_COOKIES_NODE_BURST);
		fog_budget_init(&n->cookies_in, tsc_hz, FOG_COOKIES_IN_RATE, FOG_COOKIES_IN_BURST);
		fog_budget_init(&n->responses, tsc_hz, FOG_RESPONSES_RATE, FOG_RESPONSES_BURST);
		fog_budget_init(&n->notices, tsc_hz, FOG_NOTICES_RATE, FOG_NOTICES_BURST);
	}
	*out = h;
	return 0;
}

void fog_handshake_destroy(struct fog_handshake *h)
{
	sodium_free(h);
}

// HMAC-SHA-256, the first 16 bytes of which are a MAC.
static void mac(
        const struct fog_worker *w, const uint8_t key[32], const uint8_t *msg, size_t len,
        uint8_t out[32]
)
{
	w->crypto->hmac(1, &out, &key, &msg, len);
}

static bool mac1_good(const struct fog_worker *w, const uint8_t *msg, const struct handshake *a)
{
	uint8_t right[32];

	if (!w->conf->has_link_key)
		return false;
	mac(w, w->conf->mac1_key, msg, a->mac1_at, right);
	return fog_equal(right, msg + a->mac1_at, FOG_LINK_MAC);
}

// A fresh secret when it is time. Nothing that was made with a secret counts for longer than twice its
// age, however long nobody asked.
static void secrets_renew(const struct fog_worker *w, uint64_t now)
{
	struct fog_handshake *h = w->handshake;
	uint64_t age = FOG_COOKIE_SECRET_S * w->tsc_hz;

	if (now < h->secret_until)
		return;
	if (now - h->secret_until < age)
		memcpy(h->secret[1], h->secret[0], sizeof(h->secret[0]));
	else
		fog_random_fill(&h->random, h->secret[1], sizeof(h->secret[1]));
	fog_random_fill(&h->random, h->secret[0], sizeof(h->secret[0]));
	h->secret_until = now + age;
}

// The cookie of where a message came from, as a key for 'mac': zeros behind change no HMAC.
static void cookie_make(
        const struct fog_worker *w, const struct handshake *a, unsigned secret, uint8_t cookie[32]
)
{
	uint8_t from[FOG_LINK_PLACE];

	fog_link_place_bytes(a->from, a->udp_port, from);
	mac(w, w->handshake->secret[secret], from, sizeof(from), cookie);
	memset(cookie + FOG_LINK_MAC, 0, 32 - FOG_LINK_MAC);
}

static bool mac2_good(const struct fog_worker *w, const uint8_t *msg, const struct handshake *a)
{
	uint32_t len = a->mac1_at + FOG_LINK_MAC;
	uint8_t cookie[32], right[32];
	bool good = false;

	if (fog_all_zero(msg + len, FOG_LINK_MAC)) // it has no cookie
		return false;
	for (unsigned i = 0; i < 2 && !good; i++) {
		cookie_make(w, a, i, cookie);
		mac(w, cookie, msg, len, right);
		good = fog_equal(right, msg + len, FOG_LINK_MAC);
	}
	return good;
}

// Count an initiation with a right MAC1. Returns whether there are too many of them.
static bool load_look(struct fog_worker *w, uint64_t now)
{
	struct fog_handshake *h = w->handshake;
	unsigned fill = rte_ring_count(w->punts);
	bool loaded = now < h->loaded_until;

	if (now >= h->window_until) {
		h->window_count = 0;
		h->window_until = now + FOG_LOAD_WINDOW_MS * w->tsc_hz / 1000;
	}
	h->window_count++;
	if (h->window_count >= (loaded ? FOG_LOAD_OFF : FOG_LOAD_ON) ||
	    fill >= (loaded ? FOG_LOAD_OFF_FILL : FOG_LOAD_ON_FILL) ||
	    atomic_load_explicit(&w->links->unproven, memory_order_relaxed) >= FOG_LOAD_UNPROVEN)
		h->loaded_until = now + FOG_LOAD_CALM_MS * w->tsc_hz / 1000;
	return now < h->loaded_until;
}

static enum fog_drop initiation_judge(
        struct fog_worker *w, const uint8_t *msg, const struct handshake *a
)
{
	if (!mac1_good(w, msg, a))
		return FOG_DROP_HANDSHAKE_MAC;
	secrets_renew(w, a->now);
	if (load_look(w, a->now) && !mac2_good(w, msg, a))
		return FOG_DROP_HANDSHAKE_COOKIE;
	// Nodes come first, whoever else has got a cookie.
	if (a->node < 0 && rte_ring_count(w->punts) >= FOG_PUNT_STRANGERS)
		return FOG_DROP_PUNT_FULL;
	return FOG_DROP_NONE;
}

// Only who was asked answers.
static enum fog_drop response_judge(
        struct fog_worker *w, const uint8_t *msg, const struct handshake *a
)
{
	struct fog_handshake *h = w->handshake;

	if (a->node < 0)
		return FOG_DROP_HANDSHAKE_SOURCE;
	if (!mac1_good(w, msg, a))
		return FOG_DROP_HANDSHAKE_MAC;
	if (a->peer == FOG_PEER_NONE || !fog_budget_take(&h->node[a->peer].responses, a->now))
		return FOG_DROP_HANDSHAKE_RATE;
	return FOG_DROP_NONE;
}

static enum fog_drop cookie_judge(struct fog_worker *w, const struct handshake *a)
{
	struct fog_handshake *h = w->handshake;

	if (a->node < 0)
		return FOG_DROP_HANDSHAKE_SOURCE;
	if (a->peer == FOG_PEER_NONE || !fog_budget_take(&h->node[a->peer].cookies_in, a->now))
		return FOG_DROP_HANDSHAKE_RATE;
	return FOG_DROP_NONE;
}

// The next hop of who is no node: back the way that it came. Returns false when the frame's own headers
// are not what an answer can be made from.
static bool stranger_hop(
        const struct fog_worker *w, unsigned index, struct rte_mbuf *m, const struct handshake *a,
        struct fog_next_hop *to
)
{
	const struct fog_port *port = w->ports[index];
	bool v4 = a->from->family == 4;
	size_t ip_len = v4 ? sizeof(struct rte_ipv4_hdr) : sizeof(struct rte_ipv6_hdr);
	size_t ether_len = sizeof(struct rte_ether_hdr) +
	        (port->vlan != 0 ? sizeof(struct rte_vlan_hdr) : 0);
	// The parser has stripped them and left them where they are.
	const uint8_t *ip = rte_pktmbuf_mtod(m, const uint8_t *) - sizeof(struct rte_udp_hdr) -
	        ip_len;
	struct fog_ip own = {.family = a->from->family};

	// Options, extension headers, priority tags: no host of ours sends any, and where the addresses stand
	// would be for the sender to choose.
	if (fog_pkt(m)->headers != ether_len + ip_len + sizeof(struct rte_udp_hdr))
		return false;
	memcpy(own.addr, ip + (v4 ? 16 : 24), v4 ? 4 : 16);
	*to = (struct fog_next_hop){
	        .ip = *a->from,
	        .udp_port = a->udp_port,
	        .peer = FOG_PEER_NONE,
	        .port = (uint16_t)index,
	        .routed = 1,
	        .source_port = w->mix_port, // the one that a firewall on the way has seen
	};
	fog_conf_header(
	        to, port, ip - ether_len + RTE_ETHER_ADDR_LEN, &own, w->mix_port,
	        (uint16_t)fog_worker_payload_len(w)
	);
	return true;
}

static void cookie_fill(
        const struct fog_worker *w, uint8_t *frame, uint32_t len, const struct handshake *a
)
{
	struct fog_handshake *h = w->handshake;
	uint8_t cookie[32], nonce[24], mac1[FOG_LINK_MAC];
	uint32_t index;

	memcpy(mac1, frame + a->mac1_at, sizeof(mac1));
	memcpy(&index, frame + 4, sizeof(index));
	cookie_make(w, a, 0, cookie);
	fog_random_fill(&h->random, nonce, sizeof(nonce));
	fog_frame_header_put(frame, FOG_FRAME_COOKIE, rte_be_to_cpu_32(index), 0);
	fog_link_cookie_seal(w->conf->cookie_key, nonce, cookie, mac1, frame + FOG_FRAME_HEADER);
	fog_random_fill(&h->random, frame + FOG_COOKIE_LEN, len - FOG_COOKIE_LEN);
}

// What a node may have alone does not keep it from what all share: with nothing else, whoever sends under
// its address would use up its cookies by 20 forged initiations a second.
static bool cookie_pay(struct fog_handshake *h, const struct handshake *a)
{
	return (a->peer != FOG_PEER_NONE && fog_budget_take(&h->node[a->peer].cookies, a->now)) ||
	        fog_budget_take(&h->cookies, a->now);
}

// Answer an initiation in its own buffer: with as many bytes as it had, so nobody is flooded through
// us. Returns for what it is to be dropped instead, or FOG_DROP_NONE when it is gone.
static enum fog_drop cookie_reply(
        struct fog_worker *w, unsigned port, struct rte_mbuf *m, const struct handshake *a
)
{
	struct fog_next_hop stranger;
	const struct fog_next_hop *to = &stranger;

	if (a->node >= 0)
		to = &w->conf->node[a->node];
	else if (!stranger_hop(w, port, m, a, &stranger))
		return FOG_DROP_HANDSHAKE_COOKIE;
	if (!to->resolved)
		return FOG_DROP_HANDSHAKE_COOKIE;
	if (!cookie_pay(w->handshake, a))
		return FOG_DROP_HANDSHAKE_RATE;
	cookie_fill(w, rte_pktmbuf_mtod(m, uint8_t *), m->data_len, a);
	if (unlikely(w->trace != NULL))
		stage_trace_end(w, m, FOG_TRACE_DROPPED, FOG_DROP_HANDSHAKE_COOKIE);
	fog_pkt(m)->trace = 0;
	w->count.drop[FOG_DROP_HANDSHAKE_COOKIE]++;
	w->count.drops++;
	w->count.made++;
	stage_frame(w, m, to);
	return FOG_DROP_NONE;
}

// Of a message that is handed on, up to the end of MAC2.
static uint32_t message_len(uint8_t type)
{
	switch (type) {
	case FOG_FRAME_INITIATION:
		return FOG_INITIATION_LEN;
	case FOG_FRAME_RESPONSE:
		return FOG_RESPONSE_LEN;
	default:
		return FOG_COOKIE_LEN;
	}
}

static enum fog_drop judge(struct fog_worker *w, const uint8_t *msg, struct handshake *a)
{
	if (!fog_all_zero(msg + 8, 8)) // the counter is DATA's alone
		return FOG_DROP_LINK_FRAME;
	if (w->conf == NULL)
		return FOG_DROP_HANDSHAKE_MAC;
	a->node = fog_conf_find_ip(w->conf, a->from);
	if (a->node >= 0)
		a->peer = w->conf->node[a->node].peer;
	a->mac1_at = message_len(msg[0]) - 2 * FOG_LINK_MAC;
	switch (msg[0]) {
	case FOG_FRAME_INITIATION:
		return initiation_judge(w, msg, a);
	case FOG_FRAME_RESPONSE:
		return response_judge(w, msg, a);
	case FOG_FRAME_COOKIE:
		return cookie_judge(w, a);
	default:
		return FOG_DROP_LINK_FRAME;
	}
}

void stage_handshake(
        struct fog_worker *w, unsigned port, struct rte_mbuf *m, const struct fog_ip *from,
        uint16_t udp_port, uint64_t now
)
{
	const uint8_t *msg = rte_pktmbuf_mtod(m, const uint8_t *);
	struct handshake a = {
	        .from = from, .udp_port = udp_port, .node = -1, .peer = FOG_PEER_NONE, .now = now};
	enum fog_drop reason = judge(w, msg, &a);

	if (reason == FOG_DROP_NONE) {
		struct fog_link_punt punt = {
		        .type = msg[0], .len = message_len(msg[0]), .ip = *from, .port = udp_port};
		memcpy(punt.data, msg, punt.len);
		stage_punt(w, m, &punt);
		return;
	}
	if (reason == FOG_DROP_HANDSHAKE_COOKIE)
		reason = cookie_reply(w, port, m, &a);
	if (reason != FOG_DROP_NONE)
		fog_worker_drop(w, m, reason);
}
