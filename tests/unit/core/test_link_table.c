// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Sessions come and go under workers that never stop: every frame that was sent is taken exactly once,
// whichever session it was sent with and whichever worker it comes to. Runs under TSan, too.
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "../../../dataplane/crypto/link.h"
#include "check.h"
#include "link/table.h"

enum {
	WORKERS = 3, // of either side
	REKEYS = 40,
	LEN = 48, // of a text
	FRAME = FOG_FRAME_HEADER + LEN + FOG_FRAME_TAG,
	FLIGHT = 64, // frames of a worker that are under way
	NODE = 5, // statistics slot
};

static struct fog_link_table *ours, *theirs;

struct worker {
	unsigned number;
	_Atomic uint64_t rounds; // each ends with no session held
	uint8_t flight[FLIGHT][FRAME];
	uint64_t sent, taken, lost, twice;
};

static struct worker worker[WORKERS];
static _Atomic bool stop;

static void job_fill(struct fog_gcm_job *job, const struct fog_gcm_key *key, uint8_t *f)
{
	*job = (struct fog_gcm_job
	){.key = key, .aad = f, .text = f + FOG_FRAME_HEADER, .tag = f + FOG_FRAME_HEADER + LEN};
	memcpy(job->nonce + 4, f + 8, 8);
}

static void frame_send(struct worker *w, uint8_t *f)
{
	struct fog_link *l = fog_link_sending(ours, NODE);
	struct fog_gcm_job job;
	uint64_t counter = 0;

	if (l == NULL || !fog_link_counter(l, w->number, &counter)) {
		w->lost++;
		return;
	}
	fog_frame_header_put(f, FOG_FRAME_DATA, l->tx_index + w->number, counter);
	memset(f + FOG_FRAME_HEADER, (int)w->number, LEN);
	job_fill(&job, &l->lane[w->number].key, f);
	ours->crypto->gcm_seal(1, &job, LEN);
	w->sent++;
}

static uint64_t big_endian(const uint8_t *p, unsigned len)
{
	uint64_t v = 0;

	while (len-- > 0)
		v = v << 8 | *p++;
	return v;
}

// To a worker of the other side, who may be any of them.
static bool frame_take(const struct worker *w, const uint8_t *from)
{
	uint8_t f[FRAME];
	uint32_t index = (uint32_t)big_endian(from + 4, 4);
	struct fog_link *l = fog_link_find(theirs, index);
	uint64_t counter = big_endian(from + 8, 8);
	struct fog_gcm_job job;

	if (l == NULL)
		return false;
	struct fog_link_rx *rx = &l->rx[index - fog_link_base(index)];
	memcpy(f, from, FRAME);
	job_fill(&job, &rx->key, f);
	if (fog_window_look(&rx->window, counter) != FOG_WINDOW_NEW ||
	    theirs->crypto->gcm_open(1, &job, LEN) != 0 ||
	    fog_window_claim(&rx->window, counter) > FOG_WINDOW_NEWEST)
		return false;
	fog_link_heard(theirs, l, w->number);
	return true;
}

static void *work(void *arg)
{
	struct worker *w = arg;

	for (uint64_t i = 0; !atomic_load_explicit(&stop, memory_order_relaxed); i++) {
		uint8_t *f = w->flight[i % FLIGHT];
		if (i >= FLIGHT) {
			if (frame_take(w, f))
				w->taken++;
			else
				w->lost++;
			w->twice += frame_take(w, f);
		}
		frame_send(w, f);
		atomic_fetch_add_explicit(&w->rounds, 1, memory_order_acq_rel);
	}
	return NULL;
}

// Until every worker has done so many rounds more.
static void rounds_wait(uint64_t n)
{
	for (unsigned i = 0; i < WORKERS; i++) {
		uint64_t from = atomic_load_explicit(&worker[i].rounds, memory_order_acquire);
		while (atomic_load_explicit(&worker[i].rounds, memory_order_acquire) < from + n)
			sched_yield();
	}
}

static void session_add(unsigned n)
{
	struct fog_link_session s = {
	        .class = FOG_LINK_NODE,
	        .rx_index = (n % 8) << FOG_LINK_SUB_BITS,
	        .tx_index = (n % 8) << FOG_LINK_SUB_BITS,
	        .rx_count = WORKERS,
	        .ip = {.family = 4},
	        .port = 1,
	        .rekey_packets = 1,
	        .reject_packets = UINT64_MAX,
	};
	uint8_t key[32];

	randombytes_buf(s.rx_key, 32);
	randombytes_buf(s.tx_key, 32);
	CU_ASSERT_EQUAL_FATAL(fog_link_install(theirs, &s, NODE), 0);
	memcpy(key, s.rx_key, 32);
	memcpy(s.rx_key, s.tx_key, 32);
	memcpy(s.tx_key, key, 32);
	s.initiator = 1;
	CU_ASSERT_EQUAL_FATAL(fog_link_install(ours, &s, NODE), 0);
}

static void session_remove(unsigned n)
{
	uint32_t index = (n % 8) << FOG_LINK_SUB_BITS;
	struct fog_link *a = fog_link_take(ours, index), *b = fog_link_take(theirs, index);

	CU_ASSERT_TRUE_FATAL(a != NULL && b != NULL);
	CU_ASSERT_EQUAL(a->state, FOG_LINK_OLD);
	rounds_wait(2); // the grace period
	fog_link_free(a);
	fog_link_free(b);
}

static void test_rekey(void)
{
	const struct fog_crypto_ops *ops = fog_crypto_ops_get(NULL);
	pthread_t thread[WORKERS];

	ours = fog_link_table_create(ops, WORKERS, 1000000000);
	theirs = fog_link_table_create(ops, WORKERS, 1000000000);
	session_add(0);
	for (unsigned i = 0; i < WORKERS; i++) {
		worker[i].number = i;
		CU_ASSERT_EQUAL_FATAL(pthread_create(&thread[i], NULL, work, &worker[i]), 0);
	}
	for (unsigned n = 1; n <= REKEYS; n++) {
		rounds_wait(FLIGHT);
		session_add(n);
		rounds_wait(2 * FLIGHT); // what was under way under the one before has come
		CU_ASSERT_TRUE(fog_link_table_switch(theirs));
		session_remove(n - 1);
	}
	atomic_store(&stop, true);
	for (unsigned i = 0; i < WORKERS; i++)
		pthread_join(thread[i], NULL);
	for (unsigned i = 0; i < WORKERS; i++) {
		CU_ASSERT_EQUAL(worker[i].lost, 0);
		CU_ASSERT_EQUAL(worker[i].twice, 0);
		CU_ASSERT_EQUAL(worker[i].taken + FLIGHT, worker[i].sent);
		CU_ASSERT_TRUE(worker[i].taken > REKEYS * FLIGHT);
	}
	fog_link_table_destroy(ours);
	fog_link_table_destroy(theirs);
}

enum { MOVES = 20000 };

static struct fog_link *client;

static void *move(void *arg)
{
	const struct worker *w = arg;

	for (unsigned i = 1; i <= MOVES; i++) {
		struct fog_ip ip = {.family = 4};
		uint16_t port = (uint16_t)i;

		memset(ip.addr, (int)(w->number + 1), 4);
		memcpy(ip.addr + 4, &port, sizeof(port));
		fog_link_moved(client, w->number, &ip, port, i);
	}
	return NULL;
}

static struct fog_link *of_client(
        struct fog_link_table *t, uint8_t key, uint32_t slot, uint32_t rate
)
{
	struct fog_link_session s = {
	        .class = FOG_LINK_CLIENT,
	        .rx_index = slot << FOG_LINK_SUB_BITS,
	        .rx_count = FOG_LINK_CLIENT_SUBS,
	        .static_key = {key},
	        .tx_key = {(uint8_t)slot, 1},
	        .ip = {.family = 4},
	        .port = 77,
	        .rate = rate,
	        .burst = 3,
	        .reject_packets = 1,
	};

	CU_ASSERT_EQUAL_FATAL(fog_link_install(t, &s, FOG_LINK_NO_PEER), 0);
	return fog_link_find(t, s.rx_index);
}

static unsigned taken(struct fog_link *l)
{
	unsigned n = 0;

	while (n < 100 && fog_budget_take(&l->budget->budget, 1000))
		n++;
	return n;
}

// What a client may send is the client's: a new handshake buys nothing.
static void test_budget(void)
{
	struct fog_link_table *t = fog_link_table_create(fog_crypto_ops_get(NULL), WORKERS, 1000);
	struct fog_link *first = of_client(t, 1, 1, 10), *second = of_client(t, 1, 2, 10);

	CU_ASSERT_EQUAL(taken(first), 3);
	CU_ASSERT_EQUAL(taken(second), 0);
	CU_ASSERT_EQUAL(taken(of_client(t, 2, 3, 10)), 3); // another's
	// The first session goes, and what was spent stays spent.
	fog_link_free(fog_link_take(t, first->rx_index));
	CU_ASSERT_EQUAL(taken(second), 0);
	CU_ASSERT_EQUAL(taken(of_client(t, 1, 4, 10)), 0);
	CU_ASSERT_EQUAL(taken(of_client(t, 1, 5, 20)), 3); // by other limits
	CU_ASSERT_PTR_NULL(of_client(t, 3, 6, 0)->budget);
	fog_link_table_destroy(t);
}

static void test_client_subs(void)
{
	struct fog_link_table *t = fog_link_table_create(fog_crypto_ops_get(NULL), WORKERS, 1000);
	struct fog_link_session s = {
	        .class = FOG_LINK_CLIENT,
	        .rx_count = FOG_LINK_CLIENT_SUBS + 1,
	        .ip = {.family = 4},
	        .port = 77,
	        .reject_packets = 1,
	};

	CU_ASSERT_EQUAL(fog_link_install(t, &s, FOG_LINK_NO_PEER), -EINVAL);
	s.class = FOG_LINK_NODE;
	CU_ASSERT_EQUAL(fog_link_install(t, &s, 0), 0);
	fog_link_table_destroy(t);
}

// Whoever looks sees a place that was whole, and in the end the newest.
static void test_places(void)
{
	struct fog_link_table *t = fog_link_table_create(fog_crypto_ops_get(NULL), WORKERS, 1);
	struct fog_link_session s = {
	        .class = FOG_LINK_CLIENT,
	        .rx_count = 1,
	        .ip = {.family = 6},
	        .port = 77,
	        .reject_packets = 1,
	};
	pthread_t thread[WORKERS];
	unsigned torn = 0;
	struct fog_ip ip;
	uint16_t port, copy;

	CU_ASSERT_EQUAL_FATAL(fog_link_install(t, &s, FOG_LINK_NO_PEER), 0);
	client = fog_link_find(t, 0);
	for (unsigned i = 0; i < WORKERS; i++)
		CU_ASSERT_EQUAL_FATAL(pthread_create(&thread[i], NULL, move, &worker[i]), 0);
	for (unsigned i = 0; i < MOVES; i++) {
		fog_link_place(client, &ip, &port);
		memcpy(&copy, ip.addr + 4, sizeof(copy));
		torn += ip.family == 4 &&
		        (copy != port || ip.addr[0] != ip.addr[3] || ip.addr[0] > WORKERS);
	}
	for (unsigned i = 0; i < WORKERS; i++)
		pthread_join(thread[i], NULL);
	CU_ASSERT_EQUAL(torn, 0);
	fog_link_moved(client, 1, &(struct fog_ip){.family = 6}, 4242, MOVES + 1);
	fog_link_place(client, &ip, &port);
	CU_ASSERT_EQUAL(port, 4242);
	fog_link_table_destroy(t);
}

// The youngest of those that have proved themselves is sent with, wherever it stands.
static void test_youngest(void)
{
	struct fog_link_table *t = fog_link_table_create(fog_crypto_ops_get(NULL), 1, 1);
	struct fog_link *l[3];

	for (uint32_t i = 0; i < 3; i++) {
		struct fog_link_session s = {
		        .class = FOG_LINK_NODE,
		        .rx_index = (3 - i) << FOG_LINK_SUB_BITS,
		        .tx_key = {(uint8_t)i},
		        .rx_count = 1,
		        .ip = {.family = 6},
		        .port = 77,
		        .reject_packets = UINT64_MAX,
		};
		CU_ASSERT_EQUAL_FATAL(fog_link_install(t, &s, NODE), 0);
		l[i] = fog_link_find(t, s.rx_index);
		CU_ASSERT_EQUAL(l[i]->reject_packets, FOG_LINK_COUNTERS);
	}
	CU_ASSERT_FALSE(fog_link_table_switch(t));
	fog_link_heard(t, l[1], 0);
	fog_link_heard(t, l[0], 0);
	CU_ASSERT_TRUE(fog_link_table_switch(t));
	CU_ASSERT_EQUAL(l[0]->state, FOG_LINK_OLD);
	CU_ASSERT_EQUAL(l[1]->state, FOG_LINK_SENDING);
	CU_ASSERT_EQUAL(l[2]->state, FOG_LINK_WAITING);
	CU_ASSERT_PTR_EQUAL(fog_link_sending(t, NODE), l[1]);
	fog_link_table_destroy(t);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"rekeying under load", test_rekey},
	        {"a client's budget", test_budget},
	        {"sub-sessions of a client", test_client_subs},
	        {"places of clients", test_places},
	        {"the youngest session", test_youngest},
	        CU_TEST_INFO_NULL,
	};

	if (fog_crypto_init() < 0)
		return 2;
	return check_run("link table", tests);
}
