// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Who is let in to a public listener and how often he may ask, on simulated time.
#include <arpa/inet.h>
#include <string.h>

#include "../../../controlplane/directory/crowd.h"
#include "../run.h"

static struct crowd *crowd;
static uint64_t now;
static int descriptor;

union from {
	struct sockaddr any;
	struct sockaddr_in four;
	struct sockaddr_in6 six;
};

static union from four(unsigned number)
{
	return (union from
	){.four = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a000000 + number)}};
}

static union from six(const char *text)
{
	union from from = {.six = {.sin6_family = AF_INET6}};

	CU_ASSERT_EQUAL_FATAL(inet_pton(AF_INET6, text, &from.six.sin6_addr), 1);
	return from;
}

static void begin_with(unsigned peers)
{
	const struct fog_ip peer[] = {
	        {.family = 4, .addr = {10, 0, 0, 1}},
	        {.family = 4, .addr = {10, 0, 0, 2}},
	        {.family = 4, .addr = {10, 0, 0, 2}}, // two of one host
	        {.family = 4, .addr = {10, 0, 0, 3}},
	};

	now = 1000000;
	descriptor = 100;
	CU_ASSERT_EQUAL_FATAL(crowd_create(peer, peers, &crowd), 0);
}

static void begin(void)
{
	begin_with(1);
}

// NULL: he isn't let in.
static struct crowd_guest *come(union from from, int *put_out)
{
	int ended;

	if (!crowd_admits(crowd, &from.any, now, &ended))
		return NULL;
	if (put_out != NULL)
		*put_out = ended;
	else
		CU_ASSERT_EQUAL(ended, -1);
	struct crowd_guest *g = crowd_enter(crowd, &from.any, descriptor++, now);
	CU_ASSERT_PTR_NOT_NULL(g);
	return g;
}

static void test_of_source(void)
{
	struct crowd_guest *g[CROWD_OF_SOURCE];

	begin();
	for (unsigned i = 0; i < CROWD_OF_SOURCE; i++)
		CU_ASSERT_PTR_NOT_NULL_FATAL(g[i] = come(four(2), NULL));
	CU_ASSERT_PTR_NULL(come(four(2), NULL));
	CU_ASSERT_PTR_NOT_NULL(come(four(3), NULL));
	crowd_leave(crowd, g[5]);
	CU_ASSERT_PTR_NOT_NULL(come(four(2), NULL));
	CU_ASSERT_PTR_NULL(come(four(2), NULL));
	// All of a network of 64 bits is one source; IPv4 within IPv6 is IPv4.
	for (unsigned i = 0; i < CROWD_OF_SOURCE; i++)
		CU_ASSERT_PTR_NOT_NULL(
		        come(six(i % 2 ? "2001:db8::1" : "2001:db8:0:0:ffff::9"), NULL)
		);
	CU_ASSERT_PTR_NULL(come(six("2001:db8::77"), NULL));
	CU_ASSERT_PTR_NOT_NULL(come(six("2001:db8:0:1::1"), NULL));
	CU_ASSERT_PTR_NULL(come(six("::ffff:10.0.0.2"), NULL));
	crowd_destroy(crowd);
}

// Fourteen sources hold all there is; whoever comes gets his share, down to one each.
static void test_share(void)
{
	struct crowd_guest *first = NULL;
	unsigned let_in = 0;
	int put_out = -1;

	begin();
	for (unsigned i = 0; i < CROWD_STRANGERS; i++) {
		struct crowd_guest *g = come(four(10 + i / CROWD_OF_SOURCE), NULL);
		CU_ASSERT_PTR_NOT_NULL_FATAL(g);
		first = first != NULL ? first : g;
		now++;
	}
	CU_ASSERT_PTR_NOT_NULL(come(four(1000), &put_out));
	CU_ASSERT_EQUAL(put_out, 100); // the oldest
	CU_ASSERT_EQUAL(crowd_asks(first, now), 1); // and it gets nothing any more
	crowd_leave(crowd, first);
	for (unsigned i = 1; i < 400; i++)
		if (come(four(1000 + i), &put_out) != NULL) {
			let_in++;
			CU_ASSERT(put_out >= 101);
		}
	// In the end everybody has one: nobody has more than a newcomer would have and one.
	CU_ASSERT(let_in >= CROWD_STRANGERS - 2 * CROWD_STRANGERS / CROWD_OF_SOURCE);
	CU_ASSERT(let_in < CROWD_STRANGERS);
	crowd_destroy(crowd);
}

// As many sources as places: who has been there for long goes.
static void test_slow(void)
{
	int put_out;

	begin();
	for (unsigned i = 0; i < CROWD_STRANGERS; i++)
		CU_ASSERT_PTR_NOT_NULL(come(four(10 + i), NULL));
	now += CROWD_PATIENCE_MS - 1;
	CU_ASSERT_PTR_NULL(come(four(5000), NULL));
	now++;
	for (unsigned i = 0; i < CROWD_STRANGERS; i++) {
		CU_ASSERT_PTR_NOT_NULL(come(four(5000 + i), &put_out));
		CU_ASSERT_EQUAL(put_out, 100 + (int)i);
	}
	CU_ASSERT_PTR_NULL(come(four(7000), NULL));
	crowd_destroy(crowd);
}

static void test_peers(void)
{
	struct crowd_guest *g[CROWD_OF_PEERS];

	begin();
	for (unsigned i = 0; i < CROWD_STRANGERS; i++)
		CU_ASSERT_PTR_NOT_NULL(come(four(10 + i), NULL));
	for (unsigned i = 0; i < CROWD_OF_PEERS; i++) {
		CU_ASSERT_PTR_NOT_NULL_FATAL(g[i] = come(four(1), NULL));
		CU_ASSERT_TRUE(crowd_peer(g[i]));
		for (unsigned k = 0; k < 100; k++) {
			CU_ASSERT_EQUAL(crowd_asks(g[i], now), 0);
			crowd_gets(g[i], 100 << 20, now);
		}
	}
	CU_ASSERT_PTR_NULL(come(four(1), NULL));
	crowd_leave(crowd, g[0]);
	CU_ASSERT_PTR_NOT_NULL(come(four(1), NULL));
	CU_ASSERT_FALSE(crowd_peer(NULL));
	crowd_destroy(crowd);
}

// A peer that takes all it can get leaves the others theirs.
static void test_greedy_peer(void)
{
	struct crowd_guest *g, *last = NULL;
	unsigned of[4] = {0};

	begin_with(4);
	for (unsigned from = 1; from <= 3; from++)
		while ((g = come(four(from), NULL)) != NULL) {
			of[from]++;
			last = g;
		}
	CU_ASSERT_EQUAL(of[1], CROWD_OF_PEERS / 4);
	CU_ASSERT_EQUAL(of[2], CROWD_OF_PEERS / 2);
	CU_ASSERT_EQUAL(of[3], CROWD_OF_PEERS / 4);
	crowd_leave(crowd, last);
	CU_ASSERT_PTR_NULL(come(four(1), NULL));
	CU_ASSERT_PTR_NOT_NULL(come(four(3), NULL));
	crowd_destroy(crowd);
}

// Whoever has not read his answer in time goes, peer or not, once; who has asks on.
static void test_slow_readers(void)
{
	const size_t len = 4 << 20;

	begin();
	struct crowd_guest *slow = come(four(2), NULL), *fine = come(four(2), NULL);
	struct crowd_guest *peer = come(four(1), NULL), *idle = come(four(3), NULL);
	crowd_gets(slow, len, now);
	crowd_gets(fine, len, now);
	crowd_gets(peer, 2 * len, now);
	CU_ASSERT_EQUAL(crowd_slow(crowd, now), -1);
	now += CROWD_ANSWER_MS + len / CROWD_PER_MS - 1;
	crowd_got(fine);
	CU_ASSERT_EQUAL(crowd_slow(crowd, now), -1);
	now++;
	CU_ASSERT_EQUAL(crowd_slow(crowd, now), 100);
	CU_ASSERT_EQUAL(crowd_slow(crowd, now), -1);
	CU_ASSERT_EQUAL(crowd_asks(slow, now), 1);
	CU_ASSERT_EQUAL(crowd_asks(fine, now), 0);
	now += 3600 * 1000;
	CU_ASSERT_EQUAL(crowd_slow(crowd, now), 102);
	CU_ASSERT_EQUAL(crowd_slow(crowd, now), -1);
	CU_ASSERT_EQUAL(crowd_asks(idle, now), 0);
	crowd_leave(crowd, peer);
	crowd_leave(crowd, slow);
	// Its place is somebody else's now, and he has asked for nothing.
	CU_ASSERT_PTR_NOT_NULL(come(four(1), NULL));
	now += 3600 * 1000;
	CU_ASSERT_EQUAL(crowd_slow(crowd, now), -1);
	crowd_gets(NULL, len, now);
	crowd_got(NULL);
	crowd_destroy(crowd);
}

static void test_units(void)
{
	begin();
	struct crowd_guest *g = come(four(2), NULL);
	for (unsigned i = 0; i < CROWD_BURST - 1; i++) // the connection cost one
		CU_ASSERT_EQUAL(crowd_asks(g, now), 0);
	CU_ASSERT_EQUAL(crowd_asks(g, now), 1);
	CU_ASSERT_PTR_NOT_NULL(come(four(2), NULL)); // he may hear that on another connection
	now += 1000;
	unsigned answered = 0;
	for (unsigned i = 0; i < 3 * CROWD_PER_S; i++)
		answered += crowd_asks(g, now) == 0;
	CU_ASSERT_EQUAL(answered, CROWD_PER_S - 2);
	while (crowd_asks(g, now) < (unsigned)-CROWD_FLOOR / CROWD_PER_S + 2)
		;
	CU_ASSERT_PTR_NULL(come(four(2), NULL));
	CU_ASSERT_PTR_NOT_NULL(come(four(3), NULL));
	// Somebody else's are his own; time heals, up to the burst.
	now += 3600 * 1000;
	for (unsigned i = 0; i < CROWD_BURST; i++)
		CU_ASSERT_EQUAL(crowd_asks(g, now), 0);
	CU_ASSERT_EQUAL(crowd_asks(g, now), 1);
	// Large answers cost more.
	now += 3600 * 1000;
	crowd_gets(g, 100 * CROWD_UNIT, now);
	crowd_asks(g, now);
	crowd_gets(g, (CROWD_BURST - 2) * CROWD_UNIT, now);
	CU_ASSERT_EQUAL(crowd_asks(g, now), 0);
	CU_ASSERT_NOT_EQUAL(crowd_asks(g, now), 0);
	crowd_destroy(crowd);
}

// More addresses than are remembered, each of which has gone again.
static void test_many(void)
{
	begin();
	struct crowd_guest *stays = come(four(2), NULL);
	for (unsigned i = 0; i < 5000; i++) {
		struct crowd_guest *g = come(four(100 + i), NULL);
		CU_ASSERT_PTR_NOT_NULL_FATAL(g);
		CU_ASSERT_EQUAL(crowd_asks(g, now), 0);
		crowd_leave(crowd, g);
		now++;
	}
	CU_ASSERT_EQUAL(crowd_asks(stays, now), 0);
	crowd_leave(crowd, NULL);
	crowd_destroy(crowd);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"connections of one source", test_of_source},
	        {"shares", test_share},
	        {"slow ones", test_slow},
	        {"peers", test_peers},
	        {"a greedy peer", test_greedy_peer},
	        {"slow readers", test_slow_readers},
	        {"units", test_units},
	        {"many sources", test_many},
	        CU_TEST_INFO_NULL,
	};

	return check_run("crowd", tests);
}
