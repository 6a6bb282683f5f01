// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Loops through a whole network in memory: sent by the real thread, unwrapped hop by hop with the
// private keys of the nodes, delivered or not, and read back.
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sodium.h>
#include <unistd.h>

#include "../../../controlplane/mixnet/loops.h"
#include "../../../controlplane/mixnet/message.h"
#include "net_rig.h"

enum { NODES = 1 + LAYERS * WIDTH, QUEUE = 1024, LIMIT_S = 60 };

static const uint64_t HZ = 1000000000; // as far as these records are concerned

struct sent {
	uint8_t first_hop[32];
	uint64_t epoch, tsc_before;
	uint32_t len;
	uint8_t packet[FOG_SPHINX_PACKET_MAX];
};

// What the node under test is made of; the lock guards what its thread and ours share.
static struct {
	pthread_mutex_t lock;
	struct fog_topology *topology;
	const char *self;
	const char *keyless; // nodes whose names begin so have no key; under the lock
	uint64_t hz, epoch;
	unsigned epoch_asked, epoch_steps; // the epoch grows at each of the first calls
	int refuse, refusals; // inject: answer so, so often
	unsigned sent_count;
	unsigned
	        hold_after; // so many loops have left: then the first layer is off all paths, or the ring is full
	bool hold_path;
	struct sent sent[QUEUE];
} world = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct fog_loops *loops;
static char text[FOG_LOOPS_TEXT_LEN];
static const uint8_t secret[32] = {42};

static const struct fog_topology *op_hold(void *ctx, const struct fog_topology_node **self)
{
	pthread_mutex_lock(&world.lock);
	*self = world.topology != NULL ? fog_topology_find_name(world.topology, world.self) : NULL;
	return world.topology;
}

static void op_release(void *ctx)
{
	pthread_mutex_unlock(&world.lock);
}

static uint64_t op_epoch(void *ctx)
{
	if (world.epoch_asked++ < world.epoch_steps)
		world.epoch++;
	return world.epoch;
}

static int op_mix_key(
        void *ctx, const struct fog_topology_node *node, uint64_t epoch, uint8_t public_key[32]
)
{
	const char *keyless = world.keyless;

	memcpy(public_key, node->mix_key, 32);
	return keyless == NULL || strncmp(node->name, keyless, strlen(keyless)) != 0 ? 0 : -ENOENT;
}

static void world_keyless(const char *names)
{
	pthread_mutex_lock(&world.lock);
	world.keyless = names;
	pthread_mutex_unlock(&world.lock);
}

// Under the lock.
static void world_hold(bool on)
{
	for (int i = 1; world.hold_path && i <= WIDTH; i++)
		net->node[i].off_path = on;
	world.refuse = -ENOBUFS;
	world.refusals = on && !world.hold_path ? INT_MAX : 0;
}

static int op_inject(
        void *ctx, const uint8_t first_hop[32], uint64_t epoch, const uint8_t *packet, uint32_t len
)
{
	int r = 0;

	pthread_mutex_lock(&world.lock);
	if (world.refusals > 0) {
		world.refusals--;
		r = world.refuse;
	} else if (world.sent_count == QUEUE) {
		r = -ENOBUFS;
	} else {
		struct sent *s = &world.sent[world.sent_count++];
		memcpy(s->first_hop, first_hop, 32);
		memcpy(s->packet, packet, len);
		s->epoch = epoch;
		s->len = len;
		s->tsc_before = __builtin_ia32_rdtsc();
		if (world.sent_count == world.hold_after)
			world_hold(true);
	}
	pthread_mutex_unlock(&world.lock);
	return r;
}

static uint64_t op_tsc_hz(void *ctx)
{
	return world.hz;
}

static const struct fog_loops_ops ops = {
        .hold = op_hold,
        .release = op_release,
        .epoch = op_epoch,
        .mix_key = op_mix_key,
        .inject = op_inject,
        .tsc_hz = op_tsc_hz,
};

static void begin(uint32_t count, uint32_t rate)
{
	const struct fog_loops_request q = {count, rate, LIMIT_S};

	world.topology = net;
	world.self = "gateway";
	world.hz = HZ;
	world.epoch = 7;
	world.epoch_asked = world.epoch_steps = 0;
	world.refusals = 0;
	world.keyless = NULL;
	world.sent_count = 0;
	memset(world.sent, 0, sizeof(world.sent));
	CU_ASSERT_EQUAL_FATAL(fog_loops_create(&ops, NULL, crypto, secret, &loops), 0);
	if (count > 0)
		CU_ASSERT_EQUAL_FATAL(fog_loops_start(loops, &q, text), 0);
}

static void end(void)
{
	fog_loops_destroy(loops);
	loops = NULL;
}

static struct fog_loops_status status(void)
{
	struct fog_loops_status s;

	fog_loops_status(loops, &s);
	return s;
}

static void until(enum fog_loops_state state)
{
	for (int i = 0; i < LIMIT_S * 1000 && status().state != state; i++)
		usleep(1000);
	CU_ASSERT_EQUAL_FATAL(status().state, state);
}

static void carry_sent(unsigned i, struct way *w)
{
	const struct sent *s = &world.sent[i];

	carry(s->first_hop, s->packet, s->len, w);
}

static struct fog_loop record(uint32_t number)
{
	struct fog_loop one = {0};

	CU_ASSERT_EQUAL_FATAL(fog_loops_read(loops, number, &one, 1), 1);
	return one;
}

// Over one mix of each layer and home, all of which the record says.
static void check_way(uint32_t number, const struct way *w)
{
	struct fog_loop one = record(number);

	CU_ASSERT_EQUAL(w->hops, LAYERS + 1);
	CU_ASSERT_EQUAL(one.hops, LAYERS + 1);
	for (unsigned i = 0; i < LAYERS; i++)
		CU_ASSERT_EQUAL((w->node[i] - 1) / WIDTH, (int)i);
	CU_ASSERT_EQUAL(w->node[LAYERS], 0);
	for (unsigned i = 0; i < w->hops && i < one.hops; i++) {
		CU_ASSERT_EQUAL(node_of(one.hop[i].id), w->node[i]);
		CU_ASSERT_STRING_EQUAL(one.hop[i].name, name[w->node[i]]);
		CU_ASSERT_EQUAL(memcmp(one.hop[i].tag, w->tag[i], 32), 0);
	}
}

static void test_round(void)
{
	enum { COUNT = 60 };
	static struct way w;
	unsigned seen[NODES] = {0};

	begin(COUNT, 1000);
	until(FOG_LOOPS_WAITING);
	CU_ASSERT_EQUAL_FATAL(world.sent_count, COUNT);
	CU_ASSERT_EQUAL_FATAL(status().sent, COUNT);
	for (uint32_t i = 0; i < COUNT; i++) {
		carry_sent(i, &w);
		check_way(i, &w);
		CU_ASSERT_EQUAL(w.d.flags, FOG_DELIVER_RECIPIENT);
		for (unsigned hop = 0; hop < w.hops; hop++)
			seen[w.node[hop]]++;
		CU_ASSERT_EQUAL(world.sent[i].epoch, 7);
		CU_ASSERT_EQUAL(record(i).epoch, 7);
		CU_ASSERT_EQUAL(record(i).fate, FOG_LOOP_FLYING);
		w.d.arrival = world.sent[i].tsc_before + 5000 * i;
		CU_ASSERT(fog_loops_deliver(loops, &w.d, w.data));
		CU_ASSERT_EQUAL(record(i).fate, FOG_LOOP_ARRIVED);
		// The stamp lies before the packet is handed over, by less than this machine can stand still.
		CU_ASSERT(record(i).travel_us >= 5 * i);
		CU_ASSERT(record(i).travel_us < 5 * i + LIMIT_S * UINT64_C(1000000) * 10);
		CU_ASSERT(i == 0 || record(i).departure_us >= record(i - 1).departure_us);
	}
	// A mix of two is never drawn in one of 2^59 runs.
	for (int i = 0; i < NODES; i++)
		CU_ASSERT(seen[i] > 0);
	CU_ASSERT_EQUAL(status().state, FOG_LOOPS_ENDED);
	CU_ASSERT_EQUAL(status().arrived, COUNT);
	CU_ASSERT_STRING_EQUAL(status().why, "");
	CU_ASSERT_EQUAL(fog_loops_read(loops, COUNT, &(struct fog_loop){0}, 1), 0);
	end();
}

// Departure counts from the order, travel from the departure: with one time of arrival the two are for every
// loop the time from order to arrival.
static void test_times(void)
{
	enum { COUNT = 20 };
	static struct way w;
	uint64_t before = __builtin_ia32_rdtsc(), arrival = 0, sum = 0;

	begin(COUNT, 1000);
	until(FOG_LOOPS_WAITING);
	uint64_t longest = (__builtin_ia32_rdtsc() - before) / (HZ / 1000000);
	arrival = __builtin_ia32_rdtsc() + 3600 * HZ;
	for (uint32_t i = 0; i < COUNT; i++) {
		carry_sent(i, &w);
		w.d.arrival = arrival;
		CU_ASSERT(fog_loops_deliver(loops, &w.d, w.data));
		struct fog_loop one = record(i);
		CU_ASSERT(one.departure_us <= longest);
		CU_ASSERT(one.travel_us > 3600 * UINT64_C(1000000));
		if (i == 0)
			sum = one.departure_us + one.travel_us;
		// Both are rounded down.
		CU_ASSERT(one.departure_us + one.travel_us <= sum + 1);
		CU_ASSERT(one.departure_us + one.travel_us + 1 >= sum);
	}
	end();
}

// On the wire they differ in nothing from one another that repeats: a constant number, say.
static void test_all_different(void)
{
	begin(2, 1000);
	until(FOG_LOOPS_WAITING);
	CU_ASSERT_NOT_EQUAL(memcmp(world.sent[0].packet, world.sent[1].packet, 34), 0);
	static struct way a, b;
	carry_sent(0, &a);
	carry_sent(1, &b);
	CU_ASSERT_NOT_EQUAL(memcmp(a.d.recipient + 4, b.d.recipient + 4, 12), 0);
	end();
}

static void test_strangers(void)
{
	static struct way w;

	begin(3, 1000);
	until(FOG_LOOPS_WAITING);
	carry_sent(0, &w);
	w.d.arrival = UINT64_MAX / 2;
	w.d.recipient[31] ^= 1; // none of ours: a message for somebody
	CU_ASSERT_FALSE(fog_loops_deliver(loops, &w.d, w.data));
	w.d.recipient[31] ^= 1;
	w.d.flags |= FOG_DELIVER_SURB;
	CU_ASSERT_FALSE(fog_loops_deliver(loops, &w.d, w.data));
	w.d.flags = FOG_DELIVER_RECIPIENT;
	w.data[FOG_SPHINX_TAG_LEN + 20] ^= 1; // another content
	CU_ASSERT(fog_loops_deliver(loops, &w.d, w.data));
	CU_ASSERT_EQUAL(record(0).fate, FOG_LOOP_FLYING);
	w.data[FOG_SPHINX_TAG_LEN + 20] ^= 1;
	w.d.data_len = FOG_SPHINX_TAG_LEN;
	CU_ASSERT(fog_loops_deliver(loops, &w.d, w.data));
	CU_ASSERT_EQUAL(record(0).fate, FOG_LOOP_FLYING);
	w.d.data_len = (uint32_t)(FOG_SPHINX_TAG_LEN + net->geometry.payload_len);
	CU_ASSERT_EQUAL(status().foreign, 2);
	CU_ASSERT(fog_loops_deliver(loops, &w.d, w.data));
	CU_ASSERT(fog_loops_deliver(loops, &w.d, w.data)); // again
	CU_ASSERT_EQUAL(record(0).fate, FOG_LOOP_ARRIVED);
	CU_ASSERT_EQUAL(status().arrived, 1);
	CU_ASSERT_EQUAL(status().foreign, 3);

	// Stamped before it left: that clock is not ours.
	carry_sent(2, &w);
	w.d.arrival = 1;
	CU_ASSERT(fog_loops_deliver(loops, &w.d, w.data));
	CU_ASSERT_EQUAL(record(2).fate, FOG_LOOP_UNKNOWN);

	// After a restart the record is gone, but it still is no message; with another identity it is.
	carry_sent(1, &w);
	end();
	begin(0, 0);
	CU_ASSERT(fog_loops_deliver(loops, &w.d, w.data));
	CU_ASSERT_EQUAL(status().foreign, 1);
	end();
	const uint8_t other[32] = {43};
	CU_ASSERT_EQUAL_FATAL(fog_loops_create(&ops, NULL, crypto, other, &loops), 0);
	CU_ASSERT_FALSE(fog_loops_deliver(loops, &w.d, w.data));
	end();
}

static void test_lost_and_unknown(void)
{
	static struct way w;

	begin(4, 1000);
	until(FOG_LOOPS_WAITING);
	carry_sent(1, &w);
	w.d.arrival = world.sent[1].tsc_before;
	CU_ASSERT(fog_loops_deliver(loops, &w.d, w.data));
	CU_ASSERT_EQUAL(status().state, FOG_LOOPS_WAITING);
	until(FOG_LOOPS_ENDED); // longest delay of the path and five seconds
	CU_ASSERT_EQUAL(status().arrived, 1);
	CU_ASSERT_EQUAL(status().lost, 3);
	for (uint32_t i = 0; i < 4; i++)
		CU_ASSERT_EQUAL(record(i).fate, i == 1 ? FOG_LOOP_ARRIVED : FOG_LOOP_LOST);
	carry_sent(2, &w); // too late
	CU_ASSERT(fog_loops_deliver(loops, &w.d, w.data));
	CU_ASSERT_EQUAL(record(2).fate, FOG_LOOP_LOST);
	end();

	begin(2, 1000);
	until(FOG_LOOPS_WAITING);
	carry_sent(0, &w);
	w.d.arrival = world.sent[0].tsc_before;
	CU_ASSERT(fog_loops_deliver(loops, &w.d, w.data));
	fog_loops_detached(loops);
	CU_ASSERT_EQUAL(status().state, FOG_LOOPS_ENDED);
	CU_ASSERT_EQUAL(status().unknown, 1);
	CU_ASSERT_EQUAL(record(0).fate, FOG_LOOP_ARRIVED);
	CU_ASSERT_EQUAL(record(1).fate, FOG_LOOP_UNKNOWN);
	end();
}

static int refused(const struct fog_loops_request *q)
{
	int r = fog_loops_start(loops, q, text);

	CU_ASSERT(text[0] != '\0');
	CU_ASSERT_EQUAL(status().state, FOG_LOOPS_NONE);
	text[0] = '\0';
	return r;
}

static void test_refusals(void)
{
	const struct fog_loops_request q = {1, 1, 1};
	struct fog_topology *flat = make_net(1, 1);

	CU_ASSERT_PTR_NOT_NULL_FATAL(flat);
	begin(0, 0);
	world.hz = 0;
	CU_ASSERT_EQUAL(refused(&q), -ENOTCONN);
	world.hz = HZ;
	world.self = "mix1a";
	CU_ASSERT_EQUAL(refused(&q), -EOPNOTSUPP);
	world.self = "nobody";
	CU_ASSERT_EQUAL(refused(&q), -ENOENT);
	world.self = "gateway";
	world.topology = flat;
	CU_ASSERT_EQUAL(refused(&q), -EOPNOTSUPP);
	world.topology = NULL;
	CU_ASSERT_EQUAL(refused(&q), -ENOENT);
	CU_ASSERT_EQUAL(fog_loops_forget(loops), -ENOENT);
	end();
	fog_topology_free(flat);
	fog_topology_free(net);
	net = make_net(1, LAYERS); // its keys are the ones of 'private_key' again
}

static void test_orders(void)
{
	const struct fog_loops_request q = {1, 1000, 10};

	begin(100000, 1); // will not end by itself
	CU_ASSERT_EQUAL(fog_loops_start(loops, &q, text), -EBUSY);
	CU_ASSERT_EQUAL(fog_loops_forget(loops), 0);
	CU_ASSERT_EQUAL(status().state, FOG_LOOPS_NONE);
	CU_ASSERT_EQUAL(status().sent, 0);
	CU_ASSERT_EQUAL(fog_loops_read(loops, 0, &(struct fog_loop){0}, 1), 0);
	CU_ASSERT_EQUAL(fog_loops_start(loops, &q, text), 0);
	until(FOG_LOOPS_WAITING);
	CU_ASSERT_EQUAL(fog_loops_start(loops, &q, text), -EBUSY); // all have left, none has come
	fog_loops_detached(loops);
	static struct way old;
	carry_sent(0, &old);
	old.d.arrival = UINT64_MAX / 2;
	CU_ASSERT_EQUAL(fog_loops_start(loops, &q, text), 0); // in the place of the ended one
	until(FOG_LOOPS_WAITING);
	CU_ASSERT(fog_loops_deliver(loops, &old.d, old.data)
	); // has the same place, is another loop
	CU_ASSERT_EQUAL(record(0).fate, FOG_LOOP_FLYING);
	// It is counted for good.
	CU_ASSERT_EQUAL(status().foreign, 1);
	CU_ASSERT_EQUAL(fog_loops_forget(loops), 0);
	CU_ASSERT_EQUAL(status().foreign, 1);
	end();
}

static void test_full_and_gone(void)
{
	begin(0, 0);
	world.refuse = -ENOBUFS;
	world.refusals = 5;
	CU_ASSERT_EQUAL(
	        fog_loops_start(loops, &(struct fog_loops_request){2, 1000, LIMIT_S}, text), 0
	);
	until(FOG_LOOPS_WAITING);
	CU_ASSERT_EQUAL(status().sent, 2);
	CU_ASSERT_EQUAL(world.refusals, 0);
	CU_ASSERT_STRING_EQUAL(status().why, "");
	end();

	begin(0, 0);
	world.refuse = -ENOTCONN;
	world.refusals = 1;
	CU_ASSERT_EQUAL(
	        fog_loops_start(loops, &(struct fog_loops_request){2, 1000, LIMIT_S}, text), 0
	);
	until(FOG_LOOPS_ENDED);
	CU_ASSERT_EQUAL(status().sent, 0);
	CU_ASSERT(status().why[0] != '\0');
	end();

	begin(0, 0); // full to the end of its time
	world.refuse = -ENOBUFS;
	world.refusals = 1000000;
	CU_ASSERT_EQUAL(fog_loops_start(loops, &(struct fog_loops_request){2, 1000, 1}, text), 0);
	until(FOG_LOOPS_ENDED);
	CU_ASSERT(status().why[0] != '\0');
	end();
}

// A packet is made again when the epoch has changed while it waited for its turn.
static void test_epoch_changes(void)
{
	static struct way w;

	begin(0, 0);
	world.epoch_steps = 6;
	CU_ASSERT_EQUAL(
	        fog_loops_start(loops, &(struct fog_loops_request){3, 1000, LIMIT_S}, text), 0
	);
	until(FOG_LOOPS_WAITING);
	CU_ASSERT_EQUAL(world.sent_count, 3);
	for (uint32_t i = 0; i < world.sent_count; i++) {
		CU_ASSERT_EQUAL(world.sent[i].epoch, 13);
		CU_ASSERT_EQUAL(record(i).epoch, 13);
		carry_sent(i, &w);
		check_way(i, &w);
	}
	end();
}

static void test_keyless(void)
{
	static struct way w;

	begin(0, 0);
	world_keyless("mix2a");
	CU_ASSERT_EQUAL(
	        fog_loops_start(loops, &(struct fog_loops_request){40, 1000, LIMIT_S}, text), 0
	);
	until(FOG_LOOPS_WAITING);
	CU_ASSERT_EQUAL(world.sent_count, 40);
	for (uint32_t i = 0; i < world.sent_count; i++) {
		carry_sent(i, &w);
		CU_ASSERT_STRING_EQUAL(name[w.node[1]], "mix2b");
		check_way(i, &w);
	}
	end();

	// A key that comes in time costs nothing.
	begin(0, 0);
	world_keyless("mix2");
	CU_ASSERT_EQUAL(
	        fog_loops_start(loops, &(struct fog_loops_request){3, 1000, LIMIT_S}, text), 0
	);
	usleep(200000);
	CU_ASSERT_EQUAL(status().sent, 0);
	world_keyless(NULL);
	until(FOG_LOOPS_WAITING);
	CU_ASSERT_EQUAL(status().sent, 3);
	end();

	begin(0, 0);
	world_keyless("mix2");
	CU_ASSERT_EQUAL(
	        fog_loops_start(loops, &(struct fog_loops_request){1, 1000, LIMIT_S}, text), 0
	);
	until(FOG_LOOPS_ENDED);
	CU_ASSERT_EQUAL(status().sent, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(status().why, "none whose mix key is known"));
	end();
}

// Held up for longer than a moment, an order goes on from there at its own pace: a burst of all that was due
// meanwhile would look like no message.
static void hold(bool path)
{
	enum { HELD = 10, COUNT = 150, RATE = 100, HOLD_US = 1500000, GAP_US = 1000000 / RATE };

	world.hold_after = HELD;
	world.hold_path = path;
	begin(COUNT, RATE);
	for (int i = 0; i < LIMIT_S * 1000 && status().sent < HELD; i++)
		usleep(1000);
	usleep(HOLD_US);
	CU_ASSERT_EQUAL(status().sent, HELD);
	pthread_mutex_lock(&world.lock);
	world_hold(false);
	pthread_mutex_unlock(&world.lock);
	until(FOG_LOOPS_WAITING);
	world.hold_after = 0;
	CU_ASSERT_EQUAL_FATAL(status().sent, COUNT);
	uint64_t span = record(COUNT - 1).departure_us - record(HELD).departure_us;
	// Of so many exponential gaps the sum is never less than half of what it is on average.
	CU_ASSERT(span > (COUNT - 1 - HELD) * (uint64_t)GAP_US / 2);
	CU_ASSERT_STRING_EQUAL(status().why, "");
	end();
}

static void test_held(void)
{
	hold(true);
	hold(false);
}

// Variance of the gaps between departures, in squares of their mean: 1 for a Poisson clock, 0 for a regular one.
static double gaps_vary(uint32_t rate)
{
	enum { COUNT = 400 };

	double sum = 0, squares = 0;

	begin(COUNT, rate);
	until(FOG_LOOPS_WAITING);
	for (uint32_t i = 1; i < COUNT; i++) {
		double gap = (double)(record(i).departure_us - record(i - 1).departure_us);
		sum += gap;
		squares += gap * gap;
	}
	end();
	double mean = sum / (COUNT - 1);
	return squares / (COUNT - 1) / (mean * mean) - 1;
}

// A machine that takes as long for a loop as the gaps are makes them regular: then they get longer.
static void test_poisson(void)
{
	uint32_t rate = 200;
	double vary = gaps_vary(rate);

	while (vary <= 0.5 && rate > 25)
		vary = gaps_vary(rate /= 2);
	CU_ASSERT(vary > 0.5);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"over each layer and home, with the tags of the nodes", test_round},
	        {"departure and travel", test_times},
	        {"no two alike", test_all_different},
	        {"what is no loop, or none of these", test_strangers},
	        {"lost, and unknown", test_lost_and_unknown},
	        {"refused with a sentence", test_refusals},
	        {"one order at a time", test_orders},
	        {"a full ring, a data plane that is gone", test_full_and_gone},
	        {"an epoch changes", test_epoch_changes},
	        {"nodes without a key", test_keyless},
	        {"a Poisson clock", test_poisson},
	        {"held up", test_held},
	        CU_TEST_INFO_NULL,
	};

	if (sodium_init() < 0 || fog_crypto_init() < 0)
		return 1;
	crypto = fog_crypto_ops_get(NULL);
	net = make_net(1, LAYERS);
	if (net == NULL)
		return 1;
	int r = check_run("loops", tests);
	fog_topology_free(net);
	return r;
}
