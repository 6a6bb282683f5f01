// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Places at the gate of Argon2id: no network takes all of them.
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include <errno.h>

#include "../../../controlplane/accounts/gate.h"
#include "../run.h"

struct guest {
	struct gate *gate;
	const char *network;
	pthread_t thread;
	int r;
};

static void *guest_run(void *ctx)
{
	struct guest *g = ctx;

	g->r = gate_enter(g->gate, g->network);
	if (g->r == 0)
		gate_leave(g->gate, g->network);
	return NULL;
}

static void guest_start(struct guest *g, struct gate *gate, const char *network)
{
	unsigned waiting = 0, wanted;

	pthread_mutex_lock(&gate->lock);
	wanted = gate->waiting + 1;
	pthread_mutex_unlock(&gate->lock);
	*g = (struct guest){.gate = gate, .network = network, .r = 1};
	CU_ASSERT_EQUAL_FATAL(pthread_create(&g->thread, NULL, guest_run, g), 0);
	while (waiting < wanted) {
		usleep(1000);
		pthread_mutex_lock(&gate->lock);
		waiting = gate->waiting;
		pthread_mutex_unlock(&gate->lock);
	}
}

static void test_share(void)
{
	enum { WAIT = GATE_SHARE - GATE_RUNNING };
	struct guest guest[WAIT], other, known;
	struct gate gate;

	gate_init(&gate);
	for (int i = 0; i < GATE_RUNNING; i++)
		CU_ASSERT_EQUAL(gate_enter(&gate, "2001:db8:1::"), 0);
	for (int i = 0; i < WAIT; i++)
		guest_start(&guest[i], &gate, "2001:db8:1::");
	for (int i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(gate_enter(&gate, "2001:db8:1::"), -EBUSY);
	guest_start(&other, &gate, "2001:db8:2::");
	guest_start(&known, &gate, NULL);
	for (int i = 0; i < GATE_RUNNING; i++)
		gate_leave(&gate, "2001:db8:1::");
	for (int i = 0; i < WAIT; i++) {
		pthread_join(guest[i].thread, NULL);
		CU_ASSERT_EQUAL(guest[i].r, 0);
	}
	pthread_join(other.thread, NULL);
	pthread_join(known.thread, NULL);
	CU_ASSERT_EQUAL(other.r, 0);
	CU_ASSERT_EQUAL(known.r, 0);
	// All have given back what they had.
	for (int i = 0; i < 100; i++) {
		CU_ASSERT_EQUAL(gate_enter(&gate, "2001:db8:1::"), 0);
		gate_leave(&gate, "2001:db8:1::");
	}
	CU_ASSERT_EQUAL(gate.running, 0);
	for (int i = 0; i < GATE_PLACES; i++)
		CU_ASSERT_EQUAL(gate.network[i][0], '\0');
	gate_destroy(&gate);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"a network's share", test_share},
	        CU_TEST_INFO_NULL,
	};

	return check_run("gate", tests);
}
