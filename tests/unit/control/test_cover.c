// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Cover through a whole network in memory, by a clock of the test's: made into the stocks of a data plane that
// the test plays, taken from there in order, unwrapped hop by hop with the private keys of the nodes.
#include <errno.h>
#include <math.h>
#include <sodium.h>

#include "../../../controlplane/mixnet/cover.h"
#include "../../../controlplane/mixnet/message.h"
#include "net_rig.h"

enum {
	ENDS = 3, // two gateways and a service
	NODES = ENDS + LAYERS * WIDTH,
	WORKERS = 2,
	QUEUE = 4096,
	SECOND = 1000,
	DELAY_MAX_MS = 2, // of the network
	SLACK_MS = 700,
};

struct placed {
	uint8_t first_hop[32];
	uint64_t epoch;
	uint32_t len;
	uint8_t packet[FOG_SPHINX_PACKET_MAX];
};

// The data plane, as far as cover sees it.
static struct {
	bool there, busy;
	uint8_t boot;
	unsigned workers;
	int refuse; // inject answers so
	uint64_t taken[WORKERS], dropped[WORKERS], extra[WORKERS];
	uint64_t accepted[WORKERS];
	struct placed *queue[WORKERS]; // [QUEUE], at accepted % QUEUE
} plane;

static struct {
	const char *self;
	const char *keyless; // the node of this name has no key
	uint64_t keyless_from; // in epochs from this one on
	uint32_t rate_max;
	uint64_t now_ms;
	uint64_t epoch_ms; // length of an epoch; 0: all is of epoch 7
	unsigned finished, lost;
	uint8_t passed[FOG_SPHINX_SLOTS_MAX][32]; // of the last one that was finished
	unsigned passed_hops;
	uint64_t passed_epoch;
} world;

static struct fog_cover *cover;
static const uint8_t secret[32] = {42};

static const struct fog_topology *op_hold(void *ctx, const struct fog_topology_node **self)
{
	*self = fog_topology_find_name(net, world.self);
	return net;
}

static void op_release(void *ctx)
{
}

static int op_mix_key(
        void *ctx, const struct fog_topology_node *node, uint64_t epoch, uint8_t public_key[32]
)
{
	memcpy(public_key, node->mix_key, 32);
	return world.keyless != NULL && strcmp(node->name, world.keyless) == 0 &&
	                epoch >= world.keyless_from
	        ? -ENOENT
	        : 0;
}

static uint32_t op_rate_max(void *ctx)
{
	return world.rate_max;
}

static uint64_t op_epoch_after(void *ctx, uint64_t ms)
{
	return world.epoch_ms == 0 ? 7 : (world.now_ms + ms) / world.epoch_ms;
}

static uint64_t op_now_ms(void *ctx)
{
	return world.now_ms;
}

static int op_look(void *ctx, struct fog_cover_look *look)
{
	memset(look, 0, sizeof(*look));
	if (!plane.there)
		return -ENOTCONN;
	if (plane.busy)
		return -EAGAIN;
	look->boot_id[0] = plane.boot;
	look->workers = plane.workers;
	for (unsigned w = 0; w < plane.workers; w++) {
		look->worker[w].taken = plane.taken[w];
		look->worker[w].stock = plane.accepted[w] + plane.extra[w] - plane.taken[w];
		look->worker[w].dropped = plane.dropped[w];
	}
	return 0;
}

static int op_inject(
        void *ctx, unsigned worker, const uint8_t first_hop[32], uint64_t epoch,
        const uint8_t *packet, uint32_t len
)
{
	if (plane.refuse < 0)
		return plane.refuse;
	CU_ASSERT_FATAL(worker < plane.workers);
	struct placed *p = &plane.queue[worker][plane.accepted[worker]++ % QUEUE];
	memcpy(p->first_hop, first_hop, 32);
	memcpy(p->packet, packet, len);
	p->epoch = epoch;
	p->len = len;
	return 0;
}

static void op_finished(
        void *ctx, uint64_t epoch, const uint8_t (*hop)[FOG_ID_LEN], unsigned hops, bool lost
)
{
	world.finished++;
	world.lost += lost;
	world.passed_hops = hops;
	world.passed_epoch = epoch;
	memcpy(world.passed, hop, hops * sizeof(world.passed[0]));
}

static const struct fog_cover_ops ops = {
        .hold = op_hold,
        .release = op_release,
        .mix_key = op_mix_key,
        .rate_max = op_rate_max,
        .epoch_after = op_epoch_after,
        .now_ms = op_now_ms,
        .look = op_look,
        .inject = op_inject,
        .finished = op_finished,
};

// Cover needs links; their keys are nothing to this module.
static struct fog_topology *cover_net(int layers)
{
	struct fog_topology *t = make_net(ENDS, layers);

	if (t != NULL)
		t->links = FOG_LINKS_NOISE;
	return t;
}

static struct fog_cover_status status(void)
{
	struct fog_cover_status s;

	fog_cover_status(cover, &s);
	return s;
}

// Let 'ms' pass, in steps as the thread takes them.
static void pass(uint64_t ms)
{
	for (uint64_t end = world.now_ms + ms; world.now_ms < end;) {
		unsigned wait = fog_cover_step(cover);
		world.now_ms = world.now_ms + wait < end ? world.now_ms + wait : end;
	}
	fog_cover_step(cover);
}

static void begin(const char *self, uint32_t loop_us, uint32_t drop_us)
{
	memset(&world, 0, sizeof(world));
	world.self = self;
	world.now_ms = 1000000;
	for (unsigned w = 0; w < WORKERS; w++)
		plane.taken[w] = plane.dropped[w] = plane.extra[w] = plane.accepted[w] = 0;
	plane.there = true;
	plane.busy = false;
	plane.boot++;
	plane.workers = WORKERS;
	plane.refuse = 0;
	net->cover = (struct fog_cover_rates
	){.loop_us = loop_us, .drop_us = drop_us, .slack_ms = SLACK_MS};
	CU_ASSERT_EQUAL_FATAL(fog_cover_create(&ops, NULL, crypto, secret, &cover), 0);
	pass(SECOND);
}

static void end(void)
{
	fog_cover_destroy(cover);
	cover = NULL;
}

// The next packet's turn has come.
static void take(unsigned worker, struct way *w)
{
	CU_ASSERT_FATAL(plane.taken[worker] < plane.accepted[worker]);
	const struct placed *p = &plane.queue[worker][plane.taken[worker]++ % QUEUE];
	carry(p->first_hop, p->packet, p->len, w);
	w->epoch = p->epoch;
}

static unsigned layer_of(int node)
{
	return node < ENDS ? 0 : (unsigned)(node - ENDS) / WIDTH + 1;
}

static void check_message(const struct way *w)
{
	struct fog_message m;

	CU_ASSERT_EQUAL(w->d.flags, FOG_DELIVER_RECIPIENT);
	CU_ASSERT_EQUAL(fog_message_decode(&net->geometry, w->data + FOG_SPHINX_TAG_LEN, &m), 0);
	CU_ASSERT_PTR_NULL(m.surb);
	CU_ASSERT_EQUAL(m.len, 32);
}

static void check_passed(const struct way *w)
{
	CU_ASSERT_EQUAL_FATAL(world.passed_hops, w->hops - 1);
	CU_ASSERT_EQUAL(world.passed_epoch, w->epoch);
	for (unsigned i = 0; i < world.passed_hops; i++)
		CU_ASSERT_EQUAL(node_of(world.passed[i]), w->node[i]);
}

static void test_marks(void)
{
	struct fog_cover_status s;
	static struct way w;

	begin("gateway", 1000000, 1000000);
	s = status();
	// One in 500 ms, two workers: one in 1 s each, so 8 last for 8 s.
	CU_ASSERT_EQUAL(s.workers, WORKERS);
	CU_ASSERT_EQUAL(s.high, 8);
	CU_ASSERT_EQUAL(s.low, 4);
	CU_ASSERT_EQUAL(s.stock, 16);
	CU_ASSERT_EQUAL(s.loops_made + s.drops_made, 16);
	CU_ASSERT_EQUAL(s.sent, 0);
	for (unsigned i = 0; i < 3; i++)
		take(1, &w);
	pass(100);
	CU_ASSERT_EQUAL(plane.accepted[1], 8); // still above its low water
	take(1, &w);
	pass(100);
	CU_ASSERT_EQUAL(plane.accepted[1], 12);
	CU_ASSERT_EQUAL(plane.accepted[0], 8);
	end();
	// Under a cap a stock lasts longer, so that less of it is for as long; dummies have their part of the cap.
	begin("gateway", 100000, 100000);
	CU_ASSERT_EQUAL(status().high, 80);
	world.rate_max = 10; // of 20
	pass(100);
	CU_ASSERT_EQUAL(status().high, 40);
	net->cover.dummy_us = 1000000 * (NODES - 1) / 20; // as many dummies
	pass(100);
	CU_ASSERT_EQUAL(status().high, 20);
	world.rate_max = 40;
	pass(100);
	CU_ASSERT_EQUAL(status().high, 80);
	end();
	begin("gateway", 0, 0);
	CU_ASSERT_EQUAL(plane.accepted[0], 0);
	CU_ASSERT_EQUAL(status().high, 0);
	end();
	begin("gateway", 100, 0); // many, but never more than there is room for
	CU_ASSERT_EQUAL(plane.accepted[0], FOG_COVER_STOCK_MAX);
	CU_ASSERT_EQUAL(status().drops_made, 0);
	end();
	begin("gateway", 0, 60000000); // few, but always some
	CU_ASSERT_EQUAL(plane.accepted[0], 4);
	CU_ASSERT_EQUAL(status().loops_made, 0);
	end();
	net->links = FOG_LINKS_NONE;
	begin("gateway", 1000, 1000);
	CU_ASSERT_EQUAL(plane.accepted[0], 0);
	end();
	net->links = FOG_LINKS_NOISE;
}

static void test_gateway(void)
{
	enum { COUNT = 600 };

	unsigned loops = 0, seen[NODES] = {0};
	static struct way w;

	begin("gateway", 1000, 3000);
	for (int i = 0; i < COUNT; i++) {
		take(i % WORKERS, &w);
		pass(1);
		CU_ASSERT_EQUAL(w.hops, LAYERS + 1);
		for (unsigned k = 0; k < LAYERS; k++)
			CU_ASSERT_EQUAL(layer_of(w.node[k]), k + 1);
		for (unsigned k = 0; k < w.hops; k++)
			seen[w.node[k]]++;
		CU_ASSERT_EQUAL(w.epoch, 7);
		check_message(&w);
		loops += !w.drop;
		if (w.drop) {
			CU_ASSERT(w.node[LAYERS] == 1 || w.node[LAYERS] == 2);
			CU_ASSERT_FALSE(fog_cover_deliver(cover, &w.d, w.data));
			continue;
		}
		CU_ASSERT_EQUAL(w.node[LAYERS], 0);
		CU_ASSERT(fog_cover_deliver(cover, &w.d, w.data));
		check_passed(&w);
	}
	pass(SECOND);
	// Each mix and each end is drawn; three of four are loops, within six standard deviations.
	for (int i = 0; i < NODES; i++)
		CU_ASSERT(seen[i] > 0);
	CU_ASSERT(fabs(loops - COUNT * 0.75) < 6 * sqrt(COUNT * 0.75 * 0.25));
	CU_ASSERT_EQUAL(world.finished, loops);
	CU_ASSERT_EQUAL(world.lost, 0);
	struct fog_cover_status s = status();
	CU_ASSERT_EQUAL(s.sent, loops);
	CU_ASSERT_EQUAL(s.returned, loops);
	CU_ASSERT_EQUAL(s.lost + s.unknown + s.flying + s.foreign, 0);
	CU_ASSERT_EQUAL(s.epoch_count, 1);
	CU_ASSERT_EQUAL(s.epoch[0].epoch, 7);
	CU_ASSERT_EQUAL(s.epoch[0].returned, loops);
	end();
}

// Own layer onwards, an end, the layers before, and back.
static void mix_ways(int self)
{
	const unsigned own = layer_of(self);
	static struct way w;

	begin(name[self], 1000, 1000);
	for (int i = 0; i < 100; i++) {
		take(i % WORKERS, &w);
		pass(1);
		check_message(&w);
		const unsigned behind = LAYERS - own;
		for (unsigned k = 0; k < behind; k++)
			CU_ASSERT_EQUAL(layer_of(w.node[k]), own + 1 + k);
		CU_ASSERT(w.node[behind] < ENDS);
		if (w.drop) {
			CU_ASSERT_EQUAL(w.hops, behind + 1);
			continue;
		}
		CU_ASSERT_EQUAL_FATAL(w.hops, LAYERS + 1);
		for (unsigned k = 0; k + 1 < own; k++)
			CU_ASSERT_EQUAL(layer_of(w.node[behind + 1 + k]), k + 1);
		CU_ASSERT_EQUAL(w.node[LAYERS], self);
		CU_ASSERT(fog_cover_deliver(cover, &w.d, w.data));
		check_passed(&w);
	}
	CU_ASSERT(status().loops_made > 0 && status().drops_made > 0);
	end();
}

static void test_mix(void)
{
	mix_ways(ENDS);
	mix_ways(ENDS + WIDTH + 1);
	mix_ways(NODES - 1);
}

// Lost when the longest delays of all hops but the last, and the slack, have passed since it left; what comes
// then is no message either.
static void test_lost(void)
{
	static struct way w, other;

	begin("gateway", 1000000, 0);
	pass(60 * SECOND); // in stock it is not on its way
	CU_ASSERT_EQUAL(status().sent, 0);
	take(0, &w);
	take(1, &other);
	pass(50);
	CU_ASSERT_EQUAL(status().flying, 2);
	CU_ASSERT(fog_cover_deliver(cover, &other.d, other.data));
	pass(LAYERS * (DELAY_MAX_MS + 1) + SLACK_MS - 100);
	CU_ASSERT_EQUAL(status().lost, 0);
	pass(200);
	CU_ASSERT_EQUAL(status().lost, 1);
	CU_ASSERT_EQUAL(world.lost, 1);
	check_passed(&w);
	CU_ASSERT(fog_cover_deliver(cover, &w.d, w.data));
	CU_ASSERT(fog_cover_deliver(cover, &other.d, other.data));
	CU_ASSERT_EQUAL(status().foreign, 2);
	CU_ASSERT_EQUAL(status().returned, 1);
	CU_ASSERT_EQUAL(status().epoch[0].lost, 1);
	end();
}

// Deliveries may have waited while this process, or its store, did: no loop is lost before they had time.
static void test_patience(void)
{
	static struct way w;

	begin("gateway", 1000000, 0);
	take(0, &w);
	pass(100);
	world.now_ms += 30 * SECOND;
	pass(500);
	CU_ASSERT_EQUAL(status().lost, 0);
	CU_ASSERT(fog_cover_deliver(cover, &w.d, w.data));
	CU_ASSERT_EQUAL(status().returned, 1);
	take(0, &w);
	for (int i = 0; i < 50; i++) {
		fog_cover_deliveries_wait(cover);
		pass(100);
	}
	CU_ASSERT_EQUAL(status().lost, 0);
	pass(3 * SECOND);
	CU_ASSERT_EQUAL(status().lost, 1);
	end();
}

static void test_unknown(void)
{
	static struct way w;

	begin("gateway", 1000000, 0);
	take(0, &w);
	pass(100);
	plane.there = false;
	pass(100);
	CU_ASSERT_EQUAL(status().unknown, 1);
	CU_ASSERT_EQUAL(status().workers, 0);
	CU_ASSERT(fog_cover_deliver(cover, &w.d, w.data));
	CU_ASSERT_EQUAL(status().foreign, 1);
	// Another data plane begins with an empty stock.
	plane.there = true;
	plane.boot++;
	plane.accepted[0] = plane.accepted[1] = plane.taken[0] = plane.taken[1] = 0;
	pass(SECOND);
	CU_ASSERT_EQUAL(plane.accepted[0], 16 / WORKERS / 2);
	// What left together with packets that the worker threw away may be one of them.
	take(1, &w);
	plane.dropped[1]++;
	take(0, &w);
	pass(2 * SECOND);
	CU_ASSERT_EQUAL(status().unknown, 2);
	CU_ASSERT_EQUAL(status().lost, 1);
	CU_ASSERT_EQUAL(world.finished, 1);
	end();
}

// A control plane that comes later finds a stock, and counts its own packets from behind it.
static void test_restart(void)
{
	static struct way w;

	begin("gateway", 1000000, 0);
	fog_cover_destroy(cover);
	CU_ASSERT_EQUAL_FATAL(fog_cover_create(&ops, NULL, crypto, secret, &cover), 0);
	const uint64_t before = plane.accepted[0];
	pass(SECOND);
	CU_ASSERT_EQUAL(plane.accepted[0], before);
	take(0, &w); // of the process before: no record
	pass(100);
	CU_ASSERT(fog_cover_deliver(cover, &w.d, w.data));
	CU_ASSERT_EQUAL(status().foreign, 1);
	CU_ASSERT_EQUAL(status().sent, 0);
	while (plane.taken[0] < before)
		take(0, &w);
	pass(100);
	CU_ASSERT_EQUAL(status().sent, 0);
	take(0, &w);
	pass(100);
	CU_ASSERT_EQUAL(status().sent, 1);
	CU_ASSERT(fog_cover_deliver(cover, &w.d, w.data));
	CU_ASSERT_EQUAL(status().returned, 1);
	end();
}

// Places are wrong once a stock holds what we don't know of, or lacks what we do.
static void test_books(void)
{
	static struct way w;

	begin("gateway", 1000000, 0);
	take(0, &w);
	pass(100);
	plane.extra[0] = 3;
	pass(100);
	CU_ASSERT_EQUAL(status().unknown, 1);
	plane.extra[0] = 0;
	take(1, &w);
	pass(100);
	CU_ASSERT_EQUAL(status().unknown, 1);
	pass(3 * SECOND);
	// Of what was in stock of worker 0 nothing is known, and new packets have their right places.
	while (plane.taken[0] < plane.accepted[0])
		take(0, &w);
	pass(100);
	const uint64_t sent = status().sent;
	take(0, &w);
	pass(100);
	CU_ASSERT_EQUAL(status().sent, sent + 1);
	CU_ASSERT(fog_cover_deliver(cover, &w.d, w.data));
	end();
}

// Made for the epoch of their turn: deep in the stock for the next one, when that is near; never much too
// early, and too late by no more than a stock lasts.
static void test_epochs(void)
{
	enum { EPOCH_MS = 60 * SECOND, GAP_MS = 50 };

	unsigned early = 0, late = 0, ahead = 0;
	static struct way w;

	begin("gateway", 100000, 0); // every 100 ms, two workers
	world.epoch_ms = EPOCH_MS;
	for (int i = 0; i < (check_few() ? 2200 : 4000); i++) {
		pass(GAP_MS * 2);
		const uint64_t now = world.now_ms / EPOCH_MS, made = w.epoch;
		take(i % WORKERS, &w);
		if (i < 2 * FOG_COVER_STOCK_MAX)
			continue; // made before
		CU_ASSERT(made == 0 || w.epoch + 1 >= now);
		early += w.epoch > (world.now_ms + SECOND / 2) / EPOCH_MS;
		late += w.epoch < (world.now_ms - 7 * SECOND) / EPOCH_MS;
		ahead += plane.queue[0][(plane.accepted[0] - 1) % QUEUE].epoch > now;
		if (!w.drop)
			fog_cover_deliver(cover, &w.d, w.data);
	}
	CU_ASSERT_EQUAL(early, 0);
	CU_ASSERT_EQUAL(late, 0);
	CU_ASSERT(ahead > 0);
	CU_ASSERT_EQUAL(status().epoch_count, FOG_COVER_EPOCHS);
	CU_ASSERT(status().epoch[0].epoch > status().epoch[1].epoch);
	end();
}

static void test_keys(void)
{
	static struct way w;

	begin("gateway", 1000, 1000);
	world.keyless = "mix1b"; // a mix of layer 1
	plane.boot++;
	for (unsigned i = 0; i < WORKERS; i++)
		plane.accepted[i] = plane.taken[i] = 0;
	pass(SECOND);
	for (int i = 0; i < 40; i++) {
		take(0, &w);
		CU_ASSERT_EQUAL(w.node[0], ENDS);
	}
	world.keyless = "gateway"; // loops need our own, drop packets don't
	for (int i = 0; i < 80; i++)
		take(0, &w);
	pass(100);
	CU_ASSERT_STRING_NOT_EQUAL(status().paused, "");
	world.keyless = NULL;
	pass(100);
	CU_ASSERT_STRING_EQUAL(status().paused, "");
	end();
}

// Who is in the topology for what is under way only.
static void test_leaving(void)
{
	static struct way w;

	begin("mix1a", 1000000, 1000000);
	uint64_t made = status().loops_made + status().drops_made;
	CU_ASSERT_EQUAL(made, 16);
	uint8_t layer = net->node[3].layer;
	net->node[3].off_path = true;
	net->node[3].layer = 0; // as view_topology.c says it
	for (int i = 0; i < 8; i++)
		take(0, &w);
	pass(10 * SECOND);
	CU_ASSERT_EQUAL(status().loops_made + status().drops_made, made);
	// Those of before count on.
	CU_ASSERT_EQUAL(status().sent, status().returned + status().lost);
	CU_ASSERT_STRING_EQUAL(status().paused, "");
	net->node[3].off_path = false;
	net->node[3].layer = layer;
	pass(SECOND);
	CU_ASSERT_EQUAL(status().loops_made + status().drops_made, made + 8);
	end();
}

static void test_refused(void)
{
	static struct way w;

	begin("gateway", 1000000, 1000000);
	plane.refuse = -ENOBUFS;
	for (int i = 0; i < 6; i++)
		take(0, &w);
	uint64_t made = status().loops_made + status().drops_made;
	pass(SECOND);
	CU_ASSERT_EQUAL(status().loops_made + status().drops_made, made);
	CU_ASSERT_STRING_EQUAL(status().paused, "");
	plane.refuse = 0;
	pass(SECOND);
	CU_ASSERT_EQUAL(plane.accepted[0] - plane.taken[0], 8);
	plane.busy = true; // counters can't be read: nothing is known, nothing forgotten
	take(0, &w);
	pass(SECOND);
	CU_ASSERT_EQUAL(status().workers, WORKERS);
	end();
}

// What no loop of ours is.
static void test_foreign(void)
{
	static struct way w;

	begin("gateway", 1000000, 0);
	take(0, &w);
	pass(100);
	w.d.recipient[31] ^= 1;
	CU_ASSERT_FALSE(fog_cover_deliver(cover, &w.d, w.data));
	w.d.recipient[31] ^= 1;
	w.d.flags |= FOG_DELIVER_SURB;
	CU_ASSERT_FALSE(fog_cover_deliver(cover, &w.d, w.data));
	w.d.flags = FOG_DELIVER_RECIPIENT;
	w.data[FOG_SPHINX_TAG_LEN + 4] ^= 1; // its message is another
	CU_ASSERT(fog_cover_deliver(cover, &w.d, w.data));
	CU_ASSERT_EQUAL(status().foreign, 1);
	CU_ASSERT_EQUAL(status().returned, 0);
	end();
}

static void test_one_layer(void)
{
	struct fog_topology *three = net;
	static struct way w;

	net = cover_net(1);
	begin("gateway", 1000000, 1000000);
	CU_ASSERT_PTR_NOT_NULL(strstr(status().no_loops, "one layer"));
	CU_ASSERT_EQUAL(status().loops_made, 0);
	CU_ASSERT_EQUAL(status().drops_made, 16); // in their place, so the rate is the same
	take(0, &w);
	CU_ASSERT(w.drop);
	end();
	fog_topology_free(net);
	net = three;
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"water marks", test_marks},
	        {"over each layer and home, or to another end", test_gateway},
	        {"from a mix", test_mix},
	        {"lost", test_lost},
	        {"patience while deliveries wait", test_patience},
	        {"unknown", test_unknown},
	        {"a stock of an earlier process", test_restart},
	        {"places that are wrong", test_books},
	        {"for the epoch of their turn", test_epochs},
	        {"nodes without a key", test_keys},
	        {"a node that leaves", test_leaving},
	        {"a full ring, counters that can't be read", test_refused},
	        {"what is no loop", test_foreign},
	        {"one layer", test_one_layer},
	        CU_TEST_INFO_NULL,
	};

	if (sodium_init() < 0 || fog_crypto_init() < 0)
		return 1;
	crypto = fog_crypto_ops_get(NULL);
	net = cover_net(LAYERS);
	for (unsigned w = 0; w < WORKERS; w++)
		plane.queue[w] = calloc(QUEUE, sizeof(*plane.queue[w]));
	if (net == NULL || plane.queue[0] == NULL || plane.queue[1] == NULL)
		return 1;
	int r = check_run("cover", tests);
	fog_topology_free(net);
	for (unsigned w = 0; w < WORKERS; w++)
		free(plane.queue[w]);
	return r;
}
