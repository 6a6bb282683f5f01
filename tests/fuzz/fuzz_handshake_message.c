// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Handshake messages of strangers: any bytes as they are, with a right MAC1, and as the hello inside a
// genuine handshake, so that what lies behind the MACs and the AEAD is reached, too. A session may only
// come of a hello that keeps its rules, and every message that goes out has the one length of its type.
// First byte: what the rest is, and whether we are a gateway.
#include <stdlib.h>
#include <string.h>

#include "../unit/links/peer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t ours[32], ours_public[32], theirs[32], theirs_public[32], stranger[32];
static struct fog_link_send sent; // last handshake message
static unsigned installs;
static uint64_t now_ns = UINT64_C(1800000000000000000);

static int on_install(void *ctx, const struct fog_link_session *s)
{
	if (s->rx_count == 0 || s->rx_count > FOG_WORKERS_MAX ||
	    s->tx_index != fog_link_base(s->tx_index) || s->rx_index != fog_link_base(s->rx_index))
		abort();
	installs++;
	return 0;
}

static int on_remove(void *ctx, uint32_t rx_index)
{
	return 0;
}

static int on_send(void *ctx, const struct fog_link_send *s)
{
	if (s->type == FOG_FRAME_INITIATION         ? s->len != FOG_INITIATION_LEN
	            : s->type == FOG_FRAME_RESPONSE ? s->len != FOG_RESPONSE_LEN
	                                            : s->type != FOG_FRAME_DATA)
		abort();
	if (s->type != FOG_FRAME_DATA)
		sent = *s;
	return 0;
}

static uint64_t on_now(void *ctx)
{
	return now_ns;
}

static const struct fog_links_ops ops = {
        .install = on_install, .remove = on_remove, .send = on_send, .now_unix_ns = on_now};

static void keys_make(void)
{
	if (sodium_init() < 0)
		abort();
	memset(ours, 1, 32);
	memset(theirs, 2, 32);
	memset(stranger, 3, 32);
	crypto_scalarmult_base(ours_public, ours);
	crypto_scalarmult_base(theirs_public, theirs);
	node[1].id[0] = 1;
	memcpy(node[1].link_key, theirs_public, 32);
}

static struct fog_links *links_make(unsigned clients)
{
	struct fog_links_self self = {.link_private = ours, .minor = 2};
	const struct fog_links_wanted w = {.topology = &topology, .clients = clients};
	struct fog_links *l;

	memcpy(self.link_public, ours_public, 32);
	if (fog_links_create(&self, &ops, NULL, &l) < 0 || fog_links_configure(l, &w, 0) < 0)
		abort();
	return l;
}

// As new: another data plane has no sessions, and every initiation is later than those before.
static void links_renew(struct fog_links *l)
{
	static uint8_t boot[16];

	now_ns += 1000000000;
	sodium_increment(boot, sizeof(boot));
	fog_links_attached(l, boot, 1, 0);
	fog_links_seen(l, NULL, 0, 0);
	sent.type = 0;
}

static void hello_fill(const uint8_t *data, size_t size, struct fog_hello *h, uint8_t wire[HELLO])
{
	// Good where the input doesn't say otherwise: it is xored in.
	*h = (struct fog_hello
	){.major = 1,
	  .minor = 2,
	  .senders = 1,
	  .index = PEER_INDEX,
	  .features = 3,
	  .time_ns = now_ns};
	fog_hello_put(h, wire);
	for (size_t i = 0; i < size && i < HELLO; i++)
		wire[i] ^= data[i];
}

// The good one must be taken, or else nothing is reached.
static void expect(struct fog_hello *h, const uint8_t wire[HELLO], unsigned before)
{
	uint8_t plain[HELLO];
	struct fog_hello good;

	hello_fill(NULL, 0, &good, plain);
	if (memcmp(plain, wire, HELLO) == 0 && installs == before)
		abort();
	if (installs > before && (fog_hello_parse(wire, h) < 0 || h->major != 1 || h->senders == 0))
		abort();
}

static void initiation(struct fog_links *l, bool known, const uint8_t *data, size_t size)
{
	unsigned before = installs;
	struct fog_link_punt p;
	uint8_t wire[HELLO];
	struct fog_hello h;

	hello_fill(data, size, &h, wire);
	if (peer_initiation(known ? theirs : stranger, ours_public, wire, &p) < 0)
		abort();
	fog_links_punt(l, &p, 1);
	expect(&h, wire, before);
}

static void response(struct fog_links *l, const uint8_t *data, size_t size)
{
	unsigned before = installs;
	struct fog_link_punt p;
	uint8_t wire[HELLO];
	struct fog_noise n;
	struct fog_hello h;

	fog_links_tick(l, 1);
	if (sent.type != FOG_FRAME_INITIATION || peer_read(&sent, theirs, &n, &h) < 0)
		abort();
	uint32_t index = h.index;
	hello_fill(data, size, &h, wire);
	if (peer_response(&n, ours_public, index, wire, &p) < 0)
		abort();
	fog_links_punt(l, &p, 2);
	expect(&h, wire, before);
}

static void raw(struct fog_links *l, bool mac, const uint8_t *data, size_t size)
{
	struct fog_link_punt p = {0};
	unsigned before = installs;

	if (size < 1)
		return;
	p.len = (uint32_t)(size < sizeof(p.data) ? size : sizeof(p.data));
	memcpy(p.data, data, p.len);
	p.type = p.data[0];
	fog_links_tick(l, 1); // one of ours is under way
	if (mac && p.type == FOG_FRAME_INITIATION && p.len >= FOG_INITIATION_LEN)
		peer_mac1_put(p.data, FOG_INITIATION_LEN, ours_public);
	if (mac && p.type == FOG_FRAME_RESPONSE && p.len >= FOG_RESPONSE_LEN)
		peer_mac1_put(p.data, FOG_RESPONSE_LEN, ours_public);
	fog_links_punt(l, &p, 2);
	if (installs != before)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fog_links *both[2]; // of a mix, of a gateway

	if (size == 0)
		return 0;
	bool gateway = data[0] & 8;
	if (both[0] == NULL) {
		keys_make();
		both[0] = links_make(0);
		both[1] = links_make(4);
	}
	struct fog_links *l = both[gateway];
	links_renew(l);
	switch (data[0] & 3) {
	case 0:
		raw(l, data[0] & 4, data + 1, size - 1);
		break;
	case 1:
		initiation(l, true, data + 1, size - 1);
		break;
	case 2:
		response(l, data + 1, size - 1);
		break;
	case 3:
		if (gateway)
			initiation(l, false, data + 1, size - 1);
		break;
	}
	return 0;
}
