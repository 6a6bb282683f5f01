// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Cover traffic of a worker, by a simulated clock.
#include "../../../dataplane/cover.h"

#include <math.h>
#include <pthread.h>
#include <rte_cycles.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../../../dataplane/link_stage.h"
#include "../../../drivers/port_ops.h"
#include "../run.h"
#include "link_pair.h"

enum {
	DRAWS = 10000,
	MEAN_US = 1000,
	FOREIGN = 99, // epoch of packets that aren't cover
};

static uint64_t due_at[DRAWS], sent_at[DRAWS];

static struct pair *pair_ready(void)
{
	struct pair *p = pair_create();

	pair_nothing(p->a, p->a_index, p->b);
	return p;
}

// Rates, and clocks that begin anew with this stream at 'now'.
static void start(
        struct rig *r, uint8_t seed, uint64_t now, uint64_t cover_us, uint64_t dummy_us,
        uint32_t cap
)
{
	struct fog_cover *c = r->w->cover;
	uint8_t key[32] = {seed};

	r->blob->run.cover_us = cover_us;
	r->blob->run.dummy_us = dummy_us;
	r->blob->run.cover_rate_max = cap;
	rig_configure(r, RIG_NODES, RIG_NODES);
	rig_run(r, NULL, NULL); // the worker has this configuration
	fog_random_init(&c->clock, key);
	memset(&c->law, 0, sizeof(c->law));
	c->due[0] = c->due[1] = UINT64_MAX;
	stage_cover_follow(r->w, now);
}

static void flush(struct rig *r)
{
	struct rte_mbuf *m[FOG_BURST];
	unsigned n;

	stage_tx(r->w);
	while ((n = fog_loop_take(r->port, 0, m, FOG_BURST)) > 0)
		rte_pktmbuf_free_bulk(m, n);
}

static void put(struct rig *r, uint8_t epoch, uint8_t number)
{
	static uint8_t packet[2048];
	struct fog_inject in = {.epoch = epoch, .data_len = r->w->geo.packet_len};

	memcpy(in.next_hop, r->id[1], sizeof(in.next_hop));
	packet[100] = number;
	r->w->count.injected++;
	stage_cover_put(r->w, &in, packet);
}

static uint64_t left(const struct rig *r)
{
	return r->w->count.cover_sent + r->w->count.dummies;
}

// DRAWS turns of the stock's clock. 'fill': there is always something in the stock.
static void play(struct rig *r, uint64_t now, bool fill)
{
	struct fog_cover *c = r->w->cover;

	start(r, 7, now, MEAN_US, 0, 0);
	for (unsigned i = 0; i < DRAWS;) {
		if (fill && c->n < FOG_COVER_TURNS)
			for (unsigned k = 0; k < FOG_COVER_TURNS; k++)
				put(r, PAIR_EPOCH, 0);
		uint64_t before = left(r), due = c->due[0], at = c->next;
		CU_ASSERT_EQUAL_FATAL(stage_release(r->w, at - 1), 0); // never early
		CU_ASSERT_TRUE_FATAL(stage_release(r->w, at) > 0);
		for (uint64_t n = left(r) - before; n > 0 && i < DRAWS; n--, i++) {
			due_at[i] = due; // of the first of them
			sent_at[i] = at;
		}
		flush(r);
	}
	CU_ASSERT_EQUAL(rig_snapshot(r)->drop[FOG_DROP_COVER_OLD], 0);
}

// What leaves and what the stock holds moves no clock.
static void test_independent(void)
{
	static uint64_t first_due[DRAWS], first_sent[DRAWS];
	struct pair *p = pair_ready();
	uint64_t now = rte_rdtsc() + p->a->w->tsc_hz;

	play(p->a, now, false);
	CU_ASSERT_TRUE(p->a->w->count.cover_starved >= DRAWS);
	CU_ASSERT_EQUAL(p->a->w->count.cover_sent, 0);
	memcpy(first_due, due_at, sizeof(due_at));
	memcpy(first_sent, sent_at, sizeof(sent_at));
	uint64_t starved = p->a->w->count.cover_starved;
	play(p->a, now, true);
	CU_ASSERT_TRUE(p->a->w->count.cover_sent >= DRAWS);
	CU_ASSERT_EQUAL(p->a->w->count.cover_starved, starved);
	CU_ASSERT_EQUAL(memcmp(first_due, due_at, sizeof(due_at)), 0);
	CU_ASSERT_EQUAL(memcmp(first_sent, sent_at, sizeof(sent_at)), 0);
	pair_destroy(p);
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

// Kolmogorov-Smirnov distance of DRAWS gaps from the exponential law with this mean.
static double distance(double *gap, double mean)
{
	double d = 0;

	qsort(gap, DRAWS, sizeof(*gap), by_size);
	for (unsigned i = 0; i < DRAWS; i++) {
		double law = 1 - exp(-gap[i] / mean);
		d = fmax(d, fmax(law - (double)i / DRAWS, (i + 1.0) / DRAWS - law));
	}
	return d;
}

// Gaps are of the exponential law, and of no other with a mean 10 % off: D of 0.0269 or more has a chance of 1e-6
// with as many as these (Smirnov's asymptotic law), and the draws are the same in each run.
static void test_law(void)
{
	enum { LONG_US = 100000 };

	static double gap[DRAWS];
	struct pair *p = pair_ready();
	struct fog_cover *c = p->a->w->cover;
	double mean = (double)p->a->w->tsc_hz * LONG_US / 1e6;

	start(p->a, 9, rte_rdtsc(), LONG_US, 0, 0);
	for (unsigned i = 0; i < DRAWS; i++) {
		uint64_t due = c->due[0];
		stage_release(p->a->w, c->next);
		flush(p->a);
		gap[i] = (double)(c->due[0] - due);
	}
	CU_ASSERT_TRUE(distance(gap, mean) < 0.0269);
	CU_ASSERT_TRUE(distance(gap, mean * 1.1) > 0.0269);
	CU_ASSERT_TRUE(distance(gap, mean * 0.9) > 0.0269);
	pair_destroy(p);
}

// Full: the oldest gives way. Old epochs: the next one goes. None: a dummy.
static void test_stock(void)
{
	struct pair *p = pair_ready();
	struct rig *r = p->a;
	struct fog_cover *c = r->w->cover;
	uint64_t now = rte_rdtsc() + r->w->tsc_hz;

	start(r, 3, now, 1000000, 0, 0);
	for (unsigned i = 0; i < FOG_COVER_STOCK + 5; i++)
		put(r, PAIR_EPOCH, (uint8_t)i);
	CU_ASSERT_EQUAL(rig_snapshot(r)->drop[FOG_DROP_COVER_FULL], 5);
	CU_ASSERT_EQUAL(r->w->count.cover_taken, 5);
	CU_ASSERT_EQUAL(r->w->count.cover_stock, FOG_COVER_STOCK);
	for (unsigned i = 0; i < FOG_COVER_STOCK; i++) {
		CU_ASSERT_EQUAL_FATAL(stage_release(r->w, c->next), 1);
		CU_ASSERT_EQUAL_FATAL(r->w->seal.n, 1);
		CU_ASSERT_EQUAL(r->w->seal.job[0].text[100], (uint8_t)(i + 5));
		CU_ASSERT_EQUAL(r->w->seal.job[0].text[0], FOG_KIND_SPHINX);
		CU_ASSERT_EQUAL(r->w->seal.job[0].text[1], PAIR_EPOCH);
		flush(r);
	}
	CU_ASSERT_EQUAL(r->w->count.cover_starved, 0);
	put(r, PAIR_EPOCH + 1, 0);
	put(r, PAIR_EPOCH + 2, 0);
	put(r, PAIR_EPOCH, 77);
	stage_release(r->w, c->next);
	CU_ASSERT_EQUAL(r->w->seal.job[0].text[100], 77);
	flush(r);
	CU_ASSERT_EQUAL(rig_snapshot(r)->drop[FOG_DROP_COVER_OLD], 2);
	CU_ASSERT_EQUAL(r->w->count.cover_taken, FOG_COVER_STOCK + 8);
	put(r, PAIR_EPOCH + 1, 0);
	stage_release(r->w, c->next);
	CU_ASSERT_EQUAL(r->w->seal.job[0].text[0], FOG_KIND_NOTHING);
	flush(r);
	CU_ASSERT_EQUAL(rig_snapshot(r)->drop[FOG_DROP_COVER_OLD], 3);
	CU_ASSERT_EQUAL(r->w->count.cover_starved, 1);
	CU_ASSERT_EQUAL(r->w->count.dummies, 1);
	pair_destroy(p);
}

// A session with node 2, too.
static void second(struct pair *p)
{
	struct rig *r = p->a;
	struct fog_link_session s = pair_session(p, r);

	s.rx_index += 1u << FOG_LINK_SUB_BITS;
	randombytes_buf(s.tx_key, sizeof(s.tx_key));
	memcpy(s.node_id, r->id[2], sizeof(s.node_id));
	memcpy(s.static_key, r->public_key[2], sizeof(s.static_key));
	CU_ASSERT_EQUAL_FATAL(
	        fog_link_install(r->links, &s, fog_conf_peer(r->peer_id, r->id[2])), 0
	);
	fog_link_table_switch(r->links);
}

// Dummies that stand in for packets go where packets went; where none ever did, anywhere.
static void test_starved(void)
{
	struct pair *p = pair_ready();
	struct rig *r = p->a;
	struct fog_cover *c = r->w->cover;
	uint16_t two = fog_conf_peer(r->peer_id, r->id[2]);

	second(p);
	start(r, 3, rte_rdtsc() + r->w->tsc_hz, 1000000, 0, 0);
	uint64_t tx = r->w->count.peer[two].tx;
	for (unsigned i = 0; i < 100; i++) {
		stage_release(r->w, c->next);
		flush(r);
	}
	CU_ASSERT_TRUE(r->w->count.peer[two].tx > tx);
	for (unsigned i = 0; i < FOG_COVER_STOCK; i++)
		put(r, PAIR_EPOCH, 0);
	tx = r->w->count.peer[two].tx;
	for (unsigned i = 0; i < FOG_COVER_STOCK + 200; i++) {
		stage_release(r->w, c->next);
		flush(r);
	}
	CU_ASSERT_EQUAL(r->w->count.cover_starved, 300);
	CU_ASSERT_EQUAL(r->w->count.dummies, 300);
	CU_ASSERT_EQUAL(r->w->count.peer[two].tx, tx);
	pair_destroy(p);
}

// Turns in 10 s. Of dummies one link's share; under a cap no more than that.
static void test_rates(void)
{
	struct pair *p = pair_ready();
	struct rig *r = p->a;
	uint64_t now = rte_rdtsc() + r->w->tsc_hz, end = now + 10 * r->w->tsc_hz;

	start(r, 5, now, 0, MEAN_US, 0);
	for (; r->w->cover->next < end; flush(r))
		stage_release(r->w, r->w->cover->next);
	CU_ASSERT_TRUE(r->w->count.dummies > 9500 && r->w->count.dummies < 10500);
	CU_ASSERT_EQUAL(r->w->count.cover_starved, 0);
	uint64_t before = left(r);
	start(r, 5, now, MEAN_US, MEAN_US, 100);
	for (; r->w->cover->next < end; flush(r))
		stage_release(r->w, r->w->cover->next);
	CU_ASSERT_TRUE(left(r) - before > 990 && left(r) - before <= 1010);
	CU_ASSERT_TRUE(rig_snapshot(r)->cover_capped > 18000);
	pair_destroy(p);
}

// A worker that was late catches up; one that was away doesn't. None at all while it drains.
static void test_late(void)
{
	struct pair *p = pair_ready();
	struct rig *r = p->a;
	struct fog_cover *c = r->w->cover;
	uint64_t now = rte_rdtsc() + r->w->tsc_hz;

	start(r, 5, now, MEAN_US, 0, 0);
	for (unsigned i = 0; i < 100; i++, flush(r))
		stage_release(r->w, now + r->w->tsc_hz / 2);
	CU_ASSERT_TRUE(left(r) > 400 && left(r) < 600);
	uint64_t before = left(r);
	for (unsigned i = 0; i < 100; i++, flush(r))
		stage_release(r->w, now + 4 * r->w->tsc_hz);
	CU_ASSERT_EQUAL(left(r), before);
	CU_ASSERT_TRUE(c->next > now + 4 * r->w->tsc_hz);
	atomic_store(&r->w->drain, true);
	CU_ASSERT_EQUAL(stage_release(r->w, c->next + r->w->tsc_hz / 10), 0);
	CU_ASSERT_EQUAL(left(r), before);
	rig_snapshot(r);
	pair_destroy(p);
}

// A packet of somebody else's that is due at 'due'.
static void park(struct rig *r, uint64_t due)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(r->w->pool);
	struct fog_pkt *pkt = fog_pkt(m);

	rte_pktmbuf_append(m, (uint16_t)r->w->geo.packet_len);
	*pkt = (struct fog_pkt
	){.arrival = due - r->w->tsc_hz / 10, .peer = FOG_PEER_NONE, .kind = FOG_KIND_SPHINX};
	memcpy(pkt->next_hop, r->id[1], sizeof(pkt->next_hop));
	pkt->epoch = FOREIGN;
	r->w->count.injected++;
	CU_ASSERT_EQUAL_FATAL(fog_calendar_insert(r->w->calendar, m, due, pkt->arrival), 0);
}

// What is due at one time leaves in any order: each place falls to each packet alike, and cover that is due together
// doesn't stay together. 6 sigma.
static void test_order(void)
{
	enum { REAL = 2, TIMES = 4000 };

	struct pair *p = pair_ready();
	struct rig *r = p->a;
	struct fog_cover *c = r->w->cover;
	unsigned first = 0, last = 0, apart = 0, rounds = 0;
	uint64_t now = rte_rdtsc() + r->w->tsc_hz;

	start(r, 11, now, MEAN_US, 0, 0);
	for (unsigned i = 0; i < TIMES; i++) {
		uint64_t tick = fog_calendar_tick(r->w->calendar);
		now = c->next + 2 * MEAN_US * (r->w->tsc_hz / 1000000);
		for (unsigned k = 0; k < REAL; k++)
			park(r, now - 2 * tick);
		while (c->n < FOG_COVER_TURNS)
			put(r, PAIR_EPOCH, 0);
		stage_release(r->w, now);
		const struct fog_seal_queue *q = &r->w->seal;
		if (q->n == REAL + 2) { // two turns of cover
			unsigned at[2] = {0}, n = 0;
			for (unsigned k = 0; k < q->n; k++)
				if (q->job[k].text[1] != FOREIGN && n < 2)
					at[n++] = k;
			CU_ASSERT_EQUAL_FATAL(n, 2);
			rounds++;
			first += at[0] == 0;
			last += at[1] == REAL + 1;
			apart += at[1] > at[0] + 1;
		}
		flush(r);
	}
	double n = rounds, sigma = sqrt(n / 4);
	CU_ASSERT_TRUE(rounds > TIMES / 10);
	CU_ASSERT_TRUE(fabs(first - n / 2) < 6 * sigma);
	CU_ASSERT_TRUE(fabs(last - n / 2) < 6 * sigma);
	CU_ASSERT_TRUE(fabs(apart - n / 2) < 6 * sigma);
	pair_destroy(p);
}

// From the control plane's ring into the stock, out at its turn, and away at the receiver.
static void test_ring(void)
{
	struct pair *p = pair_ready();
	struct rig *r = p->a;
	struct fog_inject in = {.data_len = r->w->geo.packet_len, .epoch = PAIR_EPOCH};
	struct pair_frame f;
	int err;

	start(r, 13, rte_rdtsc() + 3600 * r->w->tsc_hz, 1000000, 0, 0);
	uint8_t *at = fog_ring_reserve(&r->inject, &err);
	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	memcpy(in.next_hop, r->id[1], sizeof(in.next_hop));
	memcpy(at, &in, sizeof(in));
	rig_packet(p->b, 0, at + sizeof(in)); // ends at the receiver
	fog_ring_commit(&r->inject, FOG_INJECT_COVER, (uint32_t)sizeof(in) + in.data_len);
	CU_ASSERT_EQUAL(rig_run(r, NULL, NULL), 0); // its turn has not come
	CU_ASSERT_EQUAL(rig_snapshot(r)->cover_stock, 1);
	uint64_t delivered = rig_snapshot(p->b)->delivered;
	CU_ASSERT_EQUAL_FATAL(stage_release(r->w, r->w->cover->next), 1);
	pair_sent(r, &f);
	pair_put(p->b, &f);
	CU_ASSERT_EQUAL(rig_snapshot(r)->cover_sent, 1);
	CU_ASSERT_EQUAL(rig_snapshot(r)->cover_stock, 0);
	CU_ASSERT_EQUAL(rig_snapshot(p->b)->delivered, delivered + 1);
	pair_destroy(p);
}

// A dummy ends at the next node, which counts it as answered.
static void test_answered(void)
{
	struct pair *p = pair_ready();
	struct rig *r = p->a;
	struct pair_frame f;

	start(r, 17, rte_rdtsc() + 3600 * r->w->tsc_hz, 1000000, 0, 0);
	uint64_t before = rig_snapshot(p->b)->answered;
	for (unsigned i = 1; i <= 5; i++) {
		CU_ASSERT_EQUAL_FATAL(stage_release(r->w, r->w->cover->next), 1);
		pair_sent(r, &f);
		pair_put(p->b, &f);
		CU_ASSERT_EQUAL(rig_snapshot(p->b)->answered, before + i);
	}
	CU_ASSERT_EQUAL(rig_snapshot(p->b)->drops, 0);
	pair_destroy(p);
}

// Each of several workers has its share of rates and cap, and sends in its own sub-session.
static void test_workers(void)
{
	struct pair *p = pair_ready();
	struct rig *r = p->a;
	struct fog_link_session s = pair_session(p, p->b);
	struct pair_frame f;
	struct rte_mbuf *m;

	start(r, 19, rte_rdtsc(), MEAN_US, MEAN_US, 100);
	struct fog_conf_cover one = r->w->conf->cover;
	r->workers = 4;
	start(r, 19, rte_rdtsc() + 3600 * r->w->tsc_hz, MEAN_US, MEAN_US, 100);
	for (unsigned k = 0; k < FOG_COVER_CLOCKS; k++) {
		uint64_t share = r->w->conf->cover.mean[k];
		CU_ASSERT_TRUE(share >= one.mean[k] * 4 && share < one.mean[k] * 4 + 4);
	}
	CU_ASSERT_TRUE(r->w->conf->cover.interval - one.interval * 4 < 4);
	s.rx_count = 2;
	fog_link_free(fog_link_take(p->b->links, p->b_index));
	CU_ASSERT_EQUAL_FATAL(pair_install(p->b, &s), 0);
	uint64_t answered = rig_snapshot(p->b)->answered;
	r->w->index = 1;
	while (left(r) == 0)
		CU_ASSERT_EQUAL_FATAL(stage_release(r->w, r->w->cover->next), 1);
	stage_tx(r->w);
	CU_ASSERT_EQUAL_FATAL(fog_loop_take(r->port, 1, &m, 1), 1);
	memcpy(f.bytes, rte_pktmbuf_mtod(m, void *), m->data_len);
	f.len = m->data_len;
	rte_pktmbuf_free(m);
	CU_ASSERT_EQUAL(pair_payload(&f)[7], (p->b_index & 0xff) + 1); // session index, last byte
	pair_put(p->b, &f);
	CU_ASSERT_EQUAL(rig_snapshot(p->b)->answered, answered + 1);
	pair_destroy(p);
}

static int silent_fd(struct fog_port *port, uint16_t queue)
{
	static int fd = -1;

	if (fd < 0)
		fd = eventfd(0, 0);
	return fd;
}

static void *work(void *worker)
{
	fog_worker_run(worker);
	return NULL;
}

static struct fog_worker_counters *published(const struct rig *r)
{
	static struct fog_worker_counters c;

	while (fog_stats_worker_read(r->shared, &c) < 0)
		;
	return &c;
}

// A worker that sleeps wakes for cover: without that it would sleep some twelve times in as many turns as these. One
// that is kept from the CPU has more turns at a time: some tries are for that.
static void test_asleep(void)
{
	enum { TURNS = 30, TURN_US = 20000, TRIES = 50 };

	struct pair *p = pair_ready();
	struct rig *r = p->a;
	struct fog_port_ops ops = *r->port->ops;
	bool woken = false;
	pthread_t thread;

	start(r, 23, rte_rdtsc(), TURN_US, 0, 0);
	const size_t size = rte_rcu_qsbr_get_memsize(1);
	struct rte_rcu_qsbr *qsbr = aligned_alloc(64, size);

	CU_ASSERT_EQUAL_FATAL(rte_rcu_qsbr_init(qsbr, 1), 0);
	r->w->qsbr = qsbr;
	ops.idle_fd = silent_fd;
	r->port->ops = &ops;
	r->w->wake_fd = eventfd(0, 0);
	r->w->idle = FOG_IDLE_ADAPTIVE;
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, work, r->w), 0);
	for (unsigned i = 0; i < TRIES && !woken; i++) {
		uint64_t turns = published(r)->cover_starved, sleeps = published(r)->sleeps;
		for (unsigned k = 0; k < 60000 && published(r)->cover_starved < turns + TURNS; k++)
			usleep(1000);
		woken = published(r)->sleeps - sleeps > TURNS * 3 / 4;
	}
	CU_ASSERT_TRUE(woken);
	CU_ASSERT_TRUE(published(r)->cover_starved >= TURNS);
	atomic_store(&r->w->stop, true);
	pthread_join(thread, NULL);
	close(r->w->wake_fd);
	r->w->wake_fd = -1;
	free(qsbr);
	pair_destroy(p);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"stock moves no clock", test_independent},
	        {"exponential gaps", test_law},
	        {"stock", test_stock},
	        {"empty stock", test_starved},
	        {"rates and cap", test_rates},
	        {"late", test_late},
	        {"order of what is due together", test_order},
	        {"through the control plane's ring", test_ring},
	        {"dummies are answered", test_answered},
	        {"several workers", test_workers},
	        {"asleep", test_asleep},
	        CU_TEST_INFO_NULL,
	};

	if (rig_global_init("fogt-cover") < 0)
		return 2;
	return check_run("cover", tests);
}
