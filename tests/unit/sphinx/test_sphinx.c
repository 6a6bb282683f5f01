// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The packet library: every shipped geometry and path length, every reason for
// which a hop rejects a packet, batches against single packets.
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../dataplane/sphinx/sphinx.h"
#include "../run.h"

static const struct fog_crypto_ops *ops;

// Geometries that loops run over: the shipped ones and the extremes.
static const struct {
	const char *name; // NULL: custom
	unsigned slots;
	size_t payload_len;
} geometries[] = {
        {"mtu", 0, 0},
        {"mtu3", 0, 0},
        {"jumbo", 0, 0},
        {NULL, 1, 0},
        {NULL, 2, 1},
        {NULL, FOG_SPHINX_SLOTS_MAX, 333},
        {NULL, 7, 9000 - 66 - 7 * 82 - 32},
};

enum { GEOMETRIES = sizeof(geometries) / sizeof(geometries[0]) };

static void geometry_get(unsigned i, struct fog_geometry *g)
{
	int rc;

	if (geometries[i].name != NULL)
		rc = fog_geometry_named(g, geometries[i].name);
	else
		rc = fog_geometry_init(g, geometries[i].slots, geometries[i].payload_len);
	CU_ASSERT_EQUAL_FATAL(rc, 0);
}

// A path whose nodes' private keys are known.
struct nodes {
	uint8_t private_key[FOG_SPHINX_SLOTS_MAX][32];
	struct fog_sphinx_path_hop path[FOG_SPHINX_SLOTS_MAX];
};

static void nodes_make(struct nodes *s, unsigned n, int surb)
{
	memset(s, 0, sizeof(*s));
	for (unsigned i = 0; i < n; i++) {
		struct fog_sphinx_path_hop *hop = &s->path[i];

		randombytes_buf(s->private_key[i], 32);
		crypto_scalarmult_curve25519_base(hop->public_key, s->private_key[i]);
		randombytes_buf(hop->id, sizeof(hop->id));
		hop->has_delay = i % 2 == 0;
		hop->delay_ms = 0xfffffff0u + i;
	}
	s->path[n - 1].has_recipient = 1;
	randombytes_buf(s->path[n - 1].recipient, 32);
	s->path[n - 1].has_surb = surb;
	randombytes_buf(s->path[n - 1].surb_id, 16);
}

static void check_route(const struct nodes *s, unsigned i, unsigned n, struct fog_sphinx_route *r)
{
	const struct fog_sphinx_path_hop *hop = &s->path[i];

	CU_ASSERT_EQUAL(r->has_delay, hop->has_delay);
	CU_ASSERT_EQUAL(r->delay_ms, hop->has_delay ? hop->delay_ms : 0);
	CU_ASSERT_EQUAL(r->has_next_hop, i + 1 < n);
	if (i + 1 < n) {
		CU_ASSERT_EQUAL(memcmp(r->next_hop, hop[1].id, 32), 0);
		return;
	}
	CU_ASSERT_EQUAL(r->has_recipient, 1);
	CU_ASSERT_EQUAL(memcmp(r->recipient, hop->recipient, 32), 0);
	CU_ASSERT_EQUAL(r->has_surb, hop->has_surb);
	if (hop->has_surb)
		CU_ASSERT_EQUAL(memcmp(r->surb_id, hop->surb_id, 16), 0);
}

// Take a packet through all hops in place.
static void walk(const struct fog_geometry *g, const struct nodes *s, unsigned n, uint8_t *pkt)
{
	struct fog_sphinx_route route;

	for (unsigned i = 0; i < n; i++) {
		CU_ASSERT_EQUAL(
		        fog_sphinx_unwrap(
		                ops, g, s->private_key[i], pkt, g->packet_len, &route, NULL
		        ),
		        FOG_DROP_NONE
		);
		check_route(s, i, n, &route);
	}
}

#define ID16 "11111111111111111111111111111111"
#define ID32 ID16 ID16
#define NEXT "01" ID32 ID32

// On an emulated CPU (../run.h) not every length of a path.
static unsigned path_next(unsigned n)
{
	return n + (check_few() && n > 2 ? 6 : 1);
}

static void test_wrap_unwrap(void)
{
	uint8_t payload[FOG_SPHINX_PACKET_MAX], pkt[FOG_SPHINX_PACKET_MAX + 1];
	struct fog_geometry g;
	struct nodes s;

	for (unsigned i = 0; i < GEOMETRIES; i++) {
		geometry_get(i, &g);
		for (unsigned n = 1; n <= g.slots; n = path_next(n)) {
			nodes_make(&s, n, 0);
			randombytes_buf(payload, sizeof(payload));
			pkt[g.packet_len] = 0xa5;
			CU_ASSERT_EQUAL(
			        fog_sphinx_wrap(ops, &g, s.path, n, payload, pkt, NULL, NULL), 0
			);
			CU_ASSERT_EQUAL(pkt[g.packet_len], 0xa5);
			walk(&g, &s, n, pkt);
			CU_ASSERT_EQUAL(memcmp(pkt + g.header_len + 32, payload, g.payload_len), 0);
			CU_ASSERT_EQUAL(pkt[g.packet_len], 0xa5);
		}
	}
}

static void test_surb(void)
{
	uint8_t payload[FOG_SPHINX_PACKET_MAX], pkt[FOG_SPHINX_PACKET_MAX];
	uint8_t surb[FOG_SPHINX_PACKET_MAX], first_hop[32];
	struct fog_surb_keys keys;
	struct fog_geometry g;
	struct nodes s;

	for (unsigned i = 0; i < GEOMETRIES; i++) {
		geometry_get(i, &g);
		for (unsigned n = 1; n <= g.slots; n = path_next(n)) {
			nodes_make(&s, n, 1);
			randombytes_buf(payload, sizeof(payload));
			surb[g.surb_len] = 0xa5;
			CU_ASSERT_EQUAL(
			        fog_surb_create(ops, &g, s.path, n, surb, &keys, NULL, NULL), 0
			);
			CU_ASSERT_EQUAL(surb[g.surb_len], 0xa5);
			CU_ASSERT_EQUAL(keys.n, n + 1);
			CU_ASSERT_EQUAL(fog_surb_reply(ops, &g, surb, payload, pkt, first_hop), 0);
			CU_ASSERT_EQUAL(memcmp(first_hop, s.path[0].id, 32), 0);
			walk(&g, &s, n, pkt);
			CU_ASSERT_EQUAL(fog_surb_open(ops, &g, &keys, pkt + g.header_len), 0);
			CU_ASSERT_EQUAL(memcmp(pkt + g.header_len + 32, payload, g.payload_len), 0);
		}
	}
}

static void test_surb_errors(void)
{
	uint8_t payload[900] = {0}, pkt[1408], surb[572], first_hop[32];
	struct fog_surb_keys keys;
	struct fog_geometry g;
	struct nodes s;

	fog_geometry_named(&g, "mtu");
	nodes_make(&s, 3, 1);
	CU_ASSERT_EQUAL(fog_surb_create(ops, &g, s.path, 0, surb, &keys, NULL, NULL), -EINVAL);
	CU_ASSERT_EQUAL(fog_surb_create(ops, &g, s.path, 6, surb, &keys, NULL, NULL), -EINVAL);
	s.path[2].has_surb = 0;
	CU_ASSERT_EQUAL(fog_surb_create(ops, &g, s.path, 3, surb, &keys, NULL, NULL), -EINVAL);
	s.path[2].has_surb = 1;
	s.path[2].has_recipient = 0;
	CU_ASSERT_EQUAL(fog_surb_create(ops, &g, s.path, 3, surb, &keys, NULL, NULL), -EINVAL);
	s.path[2].has_recipient = 1;
	CU_ASSERT_EQUAL(fog_surb_create(ops, &g, s.path, 3, surb, &keys, NULL, NULL), 0);
	surb[1] = 1;
	CU_ASSERT_EQUAL(fog_surb_reply(ops, &g, surb, payload, pkt, first_hop), -EINVAL);
	surb[1] = 0;
	CU_ASSERT_EQUAL(fog_surb_reply(ops, &g, surb, payload, pkt, first_hop), 0);
	// One bit flipped on its way: no hop can tell, the creator must.
	pkt[1000] ^= 1;
	walk(&g, &s, 3, pkt);
	CU_ASSERT_EQUAL(fog_surb_open(ops, &g, &keys, pkt + g.header_len), -EBADMSG);
	keys.n = 1;
	CU_ASSERT_EQUAL(fog_surb_open(ops, &g, &keys, pkt + g.header_len), -EINVAL);
	keys.n = g.slots + 2;
	CU_ASSERT_EQUAL(fog_surb_open(ops, &g, &keys, pkt + g.header_len), -EINVAL);
}

static void test_wrap_errors(void)
{
	uint8_t payload[900] = {0}, pkt[1408];
	struct fog_geometry g;
	struct nodes s;

	fog_geometry_named(&g, "mtu");
	nodes_make(&s, 6, 0);
	CU_ASSERT_EQUAL(fog_sphinx_wrap(ops, &g, s.path, 0, payload, pkt, NULL, NULL), -EINVAL);
	CU_ASSERT_EQUAL(fog_sphinx_wrap(ops, &g, s.path, 6, payload, pkt, NULL, NULL), -EINVAL);
	s.path[1].has_recipient = 1;
	CU_ASSERT_EQUAL(fog_sphinx_wrap(ops, &g, s.path, 3, payload, pkt, NULL, NULL), -EINVAL);
	s.path[1].has_recipient = 0;
	s.path[0].has_surb = 1;
	CU_ASSERT_EQUAL(fog_sphinx_wrap(ops, &g, s.path, 3, payload, pkt, NULL, NULL), -EINVAL);
	s.path[0].has_surb = 0;
	for (unsigned i = 0; i < 3; i++) {
		uint8_t key[32];

		memcpy(key, s.path[i].public_key, 32);
		memset(s.path[i].public_key, 0, 32);
		CU_ASSERT_EQUAL(
		        fog_sphinx_wrap(ops, &g, s.path, 3, payload, pkt, NULL, NULL), -EDOM
		);
		memcpy(s.path[i].public_key, key, 32);
	}
	CU_ASSERT_EQUAL(fog_sphinx_wrap(ops, &g, s.path, 3, payload, pkt, NULL, NULL), 0);
}

static void counting_random(void *ctx, uint8_t *out, size_t len)
{
	uint8_t *next = ctx;

	for (size_t i = 0; i < len; i++)
		out[i] = (*next)++;
}

// The same randomness gives the same packet, other randomness another one.
static void test_injected_random(void)
{
	uint8_t payload[900] = {0}, one[1408], two[1408], seed = 3;
	struct fog_geometry g;
	struct nodes s;

	fog_geometry_named(&g, "mtu");
	nodes_make(&s, 3, 0);
	fog_sphinx_wrap(ops, &g, s.path, 3, payload, one, counting_random, &seed);
	seed = 3;
	fog_sphinx_wrap(ops, &g, s.path, 3, payload, two, counting_random, &seed);
	CU_ASSERT_EQUAL(memcmp(one, two, sizeof(one)), 0);
	fog_sphinx_wrap(ops, &g, s.path, 3, payload, two, NULL, NULL);
	CU_ASSERT_NOT_EQUAL(memcmp(one + 2, two + 2, 32), 0);
	walk(&g, &s, 3, one);
	walk(&g, &s, 3, two);
}

struct wrap_case {
	struct nodes nodes[FOG_SPHINX_BATCH_MAX];
	uint8_t payload[FOG_SPHINX_BATCH_MAX][FOG_SPHINX_PACKET_MAX];
	uint8_t pkt[FOG_SPHINX_BATCH_MAX][FOG_SPHINX_PACKET_MAX + 1];
	uint8_t tag[FOG_SPHINX_BATCH_MAX][FOG_SPHINX_SLOTS_MAX][32];
	struct fog_sphinx_wrap_job job[FOG_SPHINX_BATCH_MAX];
	struct fog_sphinx_wrap_state state[FOG_SPHINX_BATCH_MAX];
};

// One batch against as many single packets from the same randomness; the last hop of every second
// path answers a SURB, so that a batch holds both kinds.
static void wrap_batch_run(
        struct wrap_case *c, const struct fog_geometry *g, unsigned n, unsigned count
)
{
	uint8_t pkt[FOG_SPHINX_PACKET_MAX], seed = 7, again = 7;

	for (unsigned p = 0; p < count; p++) {
		nodes_make(&c->nodes[p], n, p % 2);
		randombytes_buf(c->payload[p], g->payload_len);
		c->pkt[p][g->packet_len] = 0xa5;
		c->job[p] = (struct fog_sphinx_wrap_job
		){.path = c->nodes[p].path,
		  .payload = c->payload[p],
		  .pkt = c->pkt[p],
		  .tag = p % 3 == 0 ? NULL : c->tag[p]};
	}
	CU_ASSERT_EQUAL_FATAL(
	        fog_sphinx_wrap_batch(ops, g, n, c->job, count, c->state, counting_random, &seed), 0
	);
	CU_ASSERT_TRUE(sodium_is_zero(c->state[0].hop[n - 1].secret, 32));
	for (unsigned p = 0; p < count; p++) {
		struct fog_sphinx_route route;
		struct fog_sphinx_hop hop;

		CU_ASSERT_EQUAL(c->pkt[p][g->packet_len], 0xa5);
		fog_sphinx_wrap(
		        ops, g, c->nodes[p].path, n, c->payload[p], pkt, counting_random, &again
		);
		CU_ASSERT_EQUAL(memcmp(pkt, c->pkt[p], g->packet_len), 0);
		for (unsigned i = 0; c->job[p].tag != NULL && i < n; i++) {
			fog_sphinx_unwrap(
			        ops, g, c->nodes[p].private_key[i], pkt, g->packet_len, &route, &hop
			);
			CU_ASSERT_EQUAL(memcmp(fog_sphinx_replay_tag(&hop), c->tag[p][i], 32), 0);
		}
	}
}

static void test_wrap_batch(void)
{
	struct wrap_case *c = calloc(1, sizeof(*c));
	unsigned most = check_few() ? 9 : FOG_SPHINX_BATCH_MAX; // more than a width, not two
	unsigned longest = check_few() ? 2 : FOG_SPHINX_SLOTS_MAX;
	struct fog_geometry g;

	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	for (unsigned i = 0; i < GEOMETRIES; i++) {
		geometry_get(i, &g);
		for (unsigned n = 1; n <= g.slots && n <= longest; n += n < 7 ? 1 : 6)
			wrap_batch_run(c, &g, n, check_few() ? 3 : n % 2 ? 13 : most);
	}
	fog_geometry_named(&g, "mtu");
	for (unsigned count = 1; count <= most; count += check_few() && count == 2 ? 6 : 1)
		wrap_batch_run(c, &g, 2, count);
	// One bad path refuses the batch.
	CU_ASSERT_EQUAL(
	        fog_sphinx_wrap_batch(ops, &g, 2, c->job, 0, c->state, NULL, NULL), -EINVAL
	);
	CU_ASSERT_EQUAL(
	        fog_sphinx_wrap_batch(ops, &g, 2, c->job, 65, c->state, NULL, NULL), -EINVAL
	);
	CU_ASSERT_EQUAL(
	        fog_sphinx_wrap_batch(ops, &g, 6, c->job, 9, c->state, NULL, NULL), -EINVAL
	);
	CU_ASSERT_EQUAL(
	        fog_sphinx_wrap_batch(ops, &g, 21, c->job, 9, c->state, NULL, NULL), -EINVAL
	);
	c->nodes[8].path[0].has_surb = 1;
	CU_ASSERT_EQUAL(
	        fog_sphinx_wrap_batch(ops, &g, 2, c->job, 9, c->state, NULL, NULL), -EINVAL
	);
	c->nodes[8].path[0].has_surb = 0;
	memset(c->nodes[8].path[1].public_key, 0, 32);
	CU_ASSERT_EQUAL(fog_sphinx_wrap_batch(ops, &g, 2, c->job, 9, c->state, NULL, NULL), -EDOM);
	CU_ASSERT_EQUAL(fog_sphinx_wrap_batch(ops, &g, 2, c->job, 8, c->state, NULL, NULL), 0);
	free(c);
}

// A one-hop packet with any slot, MAC made right: what a hostile sender can do.
static void craft(
        const struct fog_geometry *g, const struct nodes *s, const char *slot_hex, uint8_t *pkt
)
{
	uint8_t payload[FOG_SPHINX_PACKET_MAX] = {0}, *routing = pkt + 34;
	uint8_t *mac = pkt + 34 + g->routing_len;
	struct fog_sphinx_hop hop;
	uint8_t *secret = hop.secret, *okm = hop.okm;
	const uint8_t *prk = secret, *key = okm, *ctr_key = okm + 32, *iv = okm + 64;
	const uint8_t *scalar = s->private_key[0], *point = pkt + 2, *msg = pkt, *in = routing;

	CU_ASSERT_EQUAL(fog_sphinx_wrap(ops, g, s->path, 1, payload, pkt, NULL, NULL), 0);
	ops->x25519(1, &secret, &scalar, &point);
	ops->expand(1, &okm, &prk);
	memset(routing, 0, g->routing_len);
	sodium_hex2bin(routing, 82, slot_hex, strlen(slot_hex), " ", NULL, NULL);
	ops->ctr(1, &routing, &in, &ctr_key, &iv, g->routing_len);
	ops->hmac(1, &mac, &key, &msg, 34 + g->routing_len);
}

static enum fog_drop unwrap(
        const struct fog_geometry *g, const struct nodes *s, uint8_t *pkt, size_t len
)
{
	struct fog_sphinx_route route;

	return fog_sphinx_unwrap(ops, g, s->private_key[0], pkt, len, &route, NULL);
}

static void test_reject_commands(void)
{
	static const struct {
		const char *slot;
		enum fog_drop want;
	} cases[] = {
	        {"02" ID32, FOG_DROP_NONE},
	        {NEXT, FOG_DROP_NONE},
	        {"04", FOG_DROP_UNKNOWN_COMMAND},
	        {"02" ID32 "02" ID32, FOG_DROP_UNKNOWN_COMMAND},
	        {"02" ID32 NEXT, FOG_DROP_TRUNCATED_COMMAND},
	        {"02" ID32 "00000001", FOG_DROP_BAD_PADDING},
	        {"", FOG_DROP_NO_DESTINATION},
	};
	struct fog_geometry g;
	struct nodes s;
	uint8_t pkt[1408];

	fog_geometry_named(&g, "mtu");
	nodes_make(&s, 1, 0);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		craft(&g, &s, cases[i].slot, pkt);
		CU_ASSERT_EQUAL(unwrap(&g, &s, pkt, sizeof(pkt)), cases[i].want);
	}
}

static void test_reject_packet(void)
{
	uint8_t payload[900] = {0}, good[1408], pkt[1408];
	struct fog_geometry g;
	struct nodes s;

	fog_geometry_named(&g, "mtu");
	nodes_make(&s, 1, 0);
	fog_sphinx_wrap(ops, &g, s.path, 1, payload, good, NULL, NULL);
	CU_ASSERT_EQUAL(unwrap(&g, &s, good, 1407), FOG_DROP_UNDERSIZE);
	CU_ASSERT_EQUAL(unwrap(&g, &s, good, 0), FOG_DROP_UNDERSIZE);
	CU_ASSERT_EQUAL(unwrap(&g, &s, good, 1409), FOG_DROP_OVERSIZE);
	memcpy(pkt, good, sizeof(pkt));
	memset(pkt + 2, 0, 32);
	CU_ASSERT_EQUAL(unwrap(&g, &s, pkt, sizeof(pkt)), FOG_DROP_ZERO_SECRET);
	for (unsigned i = 0; i < sizeof(good); i += check_few() ? 37 : 1) {
		enum fog_drop want = i < 2 ? FOG_DROP_BAD_PREFIX
		        : i < g.header_len ? FOG_DROP_BAD_MAC
		                           : FOG_DROP_BAD_PAYLOAD_TAG;

		memcpy(pkt, good, sizeof(pkt));
		pkt[i] ^= 1 << i % 8;
		CU_ASSERT_EQUAL(unwrap(&g, &s, pkt, sizeof(pkt)), want);
	}
	CU_ASSERT_EQUAL(unwrap(&g, &s, good, sizeof(good)), FOG_DROP_NONE);
}

// An alias of the element with the MAC made right keeps the replay tag: that is what lets the
// replay table catch it.
static void test_alias(void)
{
	uint8_t payload[900] = {0}, pkt[1408], alias[1408], *mac = alias + 444;
	struct fog_sphinx_hop one, two;
	struct fog_sphinx_route route;
	const uint8_t *key = one.okm, *msg = alias;
	struct fog_geometry g;
	struct nodes s;

	fog_geometry_named(&g, "mtu");
	nodes_make(&s, 2, 0);
	fog_sphinx_wrap(ops, &g, s.path, 2, payload, pkt, NULL, NULL);
	memcpy(alias, pkt, sizeof(pkt));
	alias[33] ^= 0x80;
	CU_ASSERT_EQUAL(
	        fog_sphinx_unwrap(ops, &g, s.private_key[0], pkt, 1408, &route, &one), FOG_DROP_NONE
	);
	ops->hmac(1, &mac, &key, &msg, 444);
	CU_ASSERT_EQUAL(
	        fog_sphinx_unwrap(ops, &g, s.private_key[0], alias, 1408, &route, &two),
	        FOG_DROP_NONE
	);
	CU_ASSERT_EQUAL(memcmp(fog_sphinx_replay_tag(&one), fog_sphinx_replay_tag(&two), 32), 0);
	CU_ASSERT_EQUAL(memcmp(pkt, alias, sizeof(pkt)), 0);
	fog_sphinx_hop_wipe(&one, 1);
	CU_ASSERT_TRUE(sodium_is_zero((uint8_t *)&one, sizeof(one)));
}

struct batch_case {
	uint8_t pkt[FOG_SPHINX_BATCH_MAX][1408];
	uint8_t alone[FOG_SPHINX_BATCH_MAX][1408];
	struct fog_sphinx_hop hop[FOG_SPHINX_BATCH_MAX];
	struct fog_sphinx_route route[FOG_SPHINX_BATCH_MAX];
};

// Packets of every kind in turn: good middle and last hops, replies, and each rejected kind.
static void batch_packet(const struct fog_geometry *g, struct nodes *s, unsigned kind, uint8_t *pkt)
{
	uint8_t payload[900];

	randombytes_buf(payload, sizeof(payload));
	s->path[2].has_surb = kind == 2;
	if (kind == 6)
		craft(g, s, "05", pkt);
	else
		fog_sphinx_wrap(
		        ops, g, s->path + (kind % 3), 3 - kind % 3, payload, pkt, NULL, NULL
		);
	if (kind == 3)
		pkt[0] = 1;
	else if (kind == 4)
		memset(pkt + 2, 0, 32);
	else if (kind == 5)
		pkt[100] ^= 1;
	else if (kind == 7)
		pkt[1407] ^= 1;
}

static void batch_run(
        struct batch_case *c, const struct fog_geometry *g, struct nodes *s, unsigned n
)
{
	struct fog_sphinx_batch b = {
	        .ops = ops, .geo = g, .n = n, .hop = c->hop, .route = c->route};

	for (unsigned i = 0; i < n; i++) {
		batch_packet(g, s, randombytes_uniform(8), c->pkt[i]);
		memcpy(c->alone[i], c->pkt[i], sizeof(c->pkt[i]));
		b.pkt[i] = c->pkt[i];
		// What an earlier stage dropped must not be touched.
		b.drop[i] = randombytes_uniform(9) == 0 ? FOG_DROP_NO_KEY : FOG_DROP_NONE;
	}
	fog_sphinx_key(&b, s->private_key[0]);
	fog_sphinx_mac(&b);
	fog_sphinx_open(&b);
	fog_sphinx_payload(&b);
	fog_sphinx_blind(&b);
	for (unsigned i = 0; i < n; i++) {
		struct fog_sphinx_route route;
		struct fog_sphinx_hop hop;

		if (b.drop[i] == FOG_DROP_NO_KEY) {
			CU_ASSERT_EQUAL(memcmp(c->alone[i], c->pkt[i], 1408), 0);
			continue;
		}
		CU_ASSERT_EQUAL(
		        fog_sphinx_unwrap(
		                ops, g, s->private_key[0], c->alone[i], 1408, &route, &hop
		        ),
		        b.drop[i]
		);
		CU_ASSERT_EQUAL(memcmp(c->alone[i], c->pkt[i], 1408), 0);
		if (b.drop[i] != FOG_DROP_NONE)
			continue;
		CU_ASSERT_EQUAL(memcmp(&route, &c->route[i], sizeof(route)), 0);
		CU_ASSERT_EQUAL(memcmp(hop.secret, c->hop[i].secret, sizeof(hop.secret)), 0);
		CU_ASSERT_EQUAL(memcmp(hop.okm, c->hop[i].okm, sizeof(hop.okm)), 0);
	}
}

static void test_batch(void)
{
	static struct batch_case c;
	struct fog_geometry g;
	struct nodes s;

	fog_geometry_named(&g, "mtu");
	nodes_make(&s, 3, 0);
	// One node in all three places, so that one batch holds all kinds.
	for (unsigned i = 1; i < 3; i++) {
		memcpy(s.private_key[i], s.private_key[0], 32);
		memcpy(s.path[i].public_key, s.path[0].public_key, 32);
	}
	for (unsigned n = 0; n <= (check_few() ? 9 : FOG_SPHINX_BATCH_MAX); n += n < 10 ? 1 : 9)
		batch_run(&c, &g, &s, n);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"wrap and unwrap, every path", test_wrap_unwrap},
	        {"wrap refuses", test_wrap_errors},
	        {"injected randomness", test_injected_random},
	        {"wrapped batches equal single packets", test_wrap_batch},
	        {"SURB replies, every path", test_surb},
	        {"SURB refuses", test_surb_errors},
	        {"rejects by commands", test_reject_commands},
	        {"rejects by every byte", test_reject_packet},
	        {"alias of an element", test_alias},
	        {"batches equal single packets", test_batch},
	        CU_TEST_INFO_NULL,
	};
	if (fog_crypto_init() < 0)
		return 2;
	ops = fog_crypto_ops_get(NULL);
	printf("crypto ops: %s\n", ops->name);
	return check_run("sphinx", tests);
}
