// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The table of neighbours against a made-up clock: when it asks, whom, whom it believes, and when it
// forgets.
#include <errno.h>
#include <string.h>

#include "../../../dataplane/neighbours.h"
#include "../../../dataplane/question.h"
#include "../run.h"

static const struct fog_ip near = {.family = 4, .addr = {10, 0, 0, 2}};
static const struct fog_ip six = {.family = 6, .addr = {0xfd, [15] = 2}};
static const uint8_t mac_a[6] = {2, 0, 0, 0, 0, 0xa}, mac_b[6] = {2, 0, 0, 0, 0, 0xb};

static struct asked {
	unsigned count, itself; // questions; of these, to the neighbour that is known
	int answer; // of the next ones
	struct fog_ip ip;
	uint16_t port;
	uint8_t mac[6];
} asked;

static int ask(void *ctx, uint16_t port, const struct fog_ip *ip, const uint8_t *mac)
{
	CU_ASSERT_PTR_EQUAL(ctx, &asked);
	if (asked.answer < 0)
		return asked.answer;
	asked.count++;
	asked.ip = *ip;
	asked.port = port;
	if (mac != NULL) {
		asked.itself++;
		memcpy(asked.mac, mac, 6);
	}
	return 0;
}

static struct fog_neighbours *make(void)
{
	struct fog_neighbours *t = NULL;

	memset(&asked, 0, sizeof(asked));
	CU_ASSERT_EQUAL_FATAL(fog_neighbours_create(&t), 0);
	return t;
}

static bool run(struct fog_neighbours *t, uint64_t now)
{
	return fog_neighbours_run(t, now, ask, &asked);
}

static bool told(
        struct fog_neighbours *t, const struct fog_ip *ip, const uint8_t *mac, bool solicited,
        uint64_t now
)
{
	struct fog_heard h = {.ip = *ip, .port = 1, .solicited = solicited, .has_mac = mac != NULL};

	if (mac != NULL)
		memcpy(h.mac, mac, 6);
	return fog_neighbours_heard(t, &h, now);
}

// Whether 'ip' is known, and as 'mac'.
static bool known(
        struct fog_neighbours *t, const struct fog_ip *ip, const uint8_t *mac, uint64_t now
)
{
	uint8_t got[6];

	return fog_neighbours_lookup(t, 1, ip, now, got) && memcmp(got, mac, 6) == 0;
}

// An entry for 'near' that mac_a has confirmed at 'now'.
static struct fog_neighbours *resolved(uint64_t now)
{
	struct fog_neighbours *t = make();

	CU_ASSERT_FALSE(known(t, &near, mac_a, now));
	CU_ASSERT_FALSE(run(t, now));
	CU_ASSERT_TRUE(told(t, &near, mac_a, true, now));
	CU_ASSERT_TRUE(known(t, &near, mac_a, now));
	return t;
}

// One a second for three times, then slower and slower.
static void test_asking(void)
{
	static const uint64_t at[] = {0, 1000, 2000, 3000, 5000, 9000, 17000, 33000, 63000, 93000};
	struct fog_neighbours *t = make();
	unsigned count = 0;

	CU_ASSERT_FALSE(run(t, 0));
	CU_ASSERT_EQUAL(asked.count, 0); // nobody looked anything up
	for (uint64_t now = 0; now < 100000; now += 10) {
		known(t, &six, mac_a, now);
		CU_ASSERT_FALSE(run(t, now));
		if (count < sizeof(at) / sizeof(at[0]) && now == at[count])
			count++;
		CU_ASSERT_EQUAL_FATAL(asked.count, count);
	}
	CU_ASSERT_EQUAL(count, sizeof(at) / sizeof(at[0]));
	CU_ASSERT_EQUAL(asked.itself, 0);
	CU_ASSERT_EQUAL(asked.port, 1);
	CU_ASSERT_EQUAL(memcmp(&asked.ip, &six, sizeof(six)), 0);
	fog_neighbours_destroy(t);
}

// A full ring costs no question.
static void test_no_room(void)
{
	struct fog_neighbours *t = make();

	known(t, &near, mac_a, 0);
	asked.answer = -EAGAIN;
	run(t, 0);
	// Nothing was asked, so nothing is an answer.
	CU_ASSERT_FALSE(told(t, &near, mac_a, true, 1));
	CU_ASSERT_FALSE(known(t, &near, mac_a, 1));
	asked.answer = 0;
	run(t, 2);
	CU_ASSERT_EQUAL(asked.count, 1);
	CU_ASSERT_TRUE(told(t, &near, mac_a, true, 3));
	CU_ASSERT_TRUE(known(t, &near, mac_a, 3));
	fog_neighbours_destroy(t);
}

static void test_belief(void)
{
	struct fog_neighbours *t = make();

	// Strangers' entries are nobody's to make.
	CU_ASSERT_FALSE(told(t, &near, mac_a, true, 0));
	CU_ASSERT_FALSE(known(t, &near, mac_a, 0));
	// Unasked words fill in nothing, on other ports neither, without an address neither.
	run(t, 0);
	CU_ASSERT_FALSE(told(t, &near, mac_b, false, 1));
	struct fog_heard elsewhere = {.ip = near, .port = 2, .solicited = 1, .has_mac = 1};
	CU_ASSERT_FALSE(fog_neighbours_heard(t, &elsewhere, 1));
	CU_ASSERT_FALSE(told(t, &near, NULL, true, 1));
	CU_ASSERT_FALSE(known(t, &near, mac_b, 1));
	// The first answer wins, later ones are none.
	CU_ASSERT_TRUE(told(t, &near, mac_a, true, 2));
	CU_ASSERT_FALSE(told(t, &near, mac_b, true, 3));
	CU_ASSERT_TRUE(known(t, &near, mac_a, 3));
	fog_neighbours_destroy(t);
}

// It is asked again before it is given up, and used meanwhile.
static void test_refresh(void)
{
	struct fog_neighbours *t = resolved(0);

	run(t, FOG_NEIGHBOUR_FRESH_MS - 1);
	CU_ASSERT_EQUAL(asked.count, 1);
	CU_ASSERT_FALSE(run(t, FOG_NEIGHBOUR_FRESH_MS));
	CU_ASSERT_EQUAL(asked.itself, 1);
	CU_ASSERT_EQUAL(memcmp(asked.mac, mac_a, 6), 0);
	CU_ASSERT_TRUE(known(t, &near, mac_a, FOG_NEIGHBOUR_FRESH_MS));
	// While itself is asked, nobody else's word counts; its own needs no address (RFC 4861 4.4).
	CU_ASSERT_FALSE(told(t, &near, mac_b, true, FOG_NEIGHBOUR_FRESH_MS + 1));
	CU_ASSERT_TRUE(known(t, &near, mac_a, FOG_NEIGHBOUR_FRESH_MS + 1));
	CU_ASSERT_FALSE(told(t, &near, NULL, true, FOG_NEIGHBOUR_FRESH_MS + 2));
	run(t, 2 * FOG_NEIGHBOUR_FRESH_MS + 1);
	CU_ASSERT_EQUAL(asked.count, 2);
	run(t, 2 * FOG_NEIGHBOUR_FRESH_MS + 2);
	CU_ASSERT_EQUAL(asked.count, 3);
	fog_neighbours_destroy(t);
}

// Three questions to itself, three to everybody, then packets have nowhere to go.
static void test_loss(void)
{
	struct fog_neighbours *t = resolved(0);
	uint64_t lost = 0;

	for (uint64_t now = 0; now < FOG_NEIGHBOUR_FRESH_MS + 10000 && lost == 0; now += 100)
		if (run(t, now))
			lost = now;
	CU_ASSERT_EQUAL(lost, FOG_NEIGHBOUR_FRESH_MS + 6000);
	CU_ASSERT_EQUAL(asked.itself, 3);
	CU_ASSERT_EQUAL(asked.count, 1 + 3 + 3 + 1); // the last begins anew
	CU_ASSERT_FALSE(known(t, &near, mac_a, lost));
	CU_ASSERT_TRUE(told(t, &near, mac_b, true, lost + 1));
	CU_ASSERT_TRUE(known(t, &near, mac_b, lost + 1));
	fog_neighbours_destroy(t);
}

// Who has moved says so; the old place is asked first, and when it is silent, everybody.
static void test_move(void)
{
	struct fog_neighbours *t = resolved(0);

	CU_ASSERT_FALSE(told(t, &near, mac_a, false, 10)); // no news
	run(t, 10);
	CU_ASSERT_EQUAL(asked.count, 1);
	CU_ASSERT_FALSE(told(t, &near, mac_b, false, 20));
	CU_ASSERT_TRUE(known(t, &near, mac_a, 20));
	for (uint64_t now = 20; now <= 3020; now += 500)
		CU_ASSERT_FALSE(run(t, now));
	CU_ASSERT_EQUAL(asked.itself, 3);
	CU_ASSERT_EQUAL(asked.count, 5);
	CU_ASSERT_TRUE(told(t, &near, mac_b, true, 3030));
	CU_ASSERT_TRUE(known(t, &near, mac_b, 3030));
	fog_neighbours_destroy(t);
}

static void test_forgetting(void)
{
	struct fog_neighbours *t = make();
	struct fog_ip ip = {.family = 6};
	unsigned count = 0;

	// More than fit are not asked for, ...
	for (unsigned i = 0; i < FOG_NEIGHBOURS_MAX_ENTRIES + 10; i++) {
		ip.addr[14] = (uint8_t)(i >> 8);
		ip.addr[15] = (uint8_t)i;
		CU_ASSERT_FALSE(known(t, &ip, mac_a, 0));
	}
	run(t, 0);
	CU_ASSERT_EQUAL(asked.count, FOG_NEIGHBOURS_MAX_ENTRIES);
	// ... until those that nobody uses are gone.
	for (uint64_t now = 0; now < FOG_NEIGHBOUR_UNUSED_MS; now += 1000)
		run(t, now);
	run(t, FOG_NEIGHBOUR_UNUSED_MS);
	count = asked.count;
	CU_ASSERT_FALSE(known(t, &ip, mac_a, FOG_NEIGHBOUR_UNUSED_MS));
	run(t, FOG_NEIGHBOUR_UNUSED_MS);
	CU_ASSERT_EQUAL(asked.count, count + 1);
	fog_neighbours_destroy(t);
	fog_neighbours_destroy(NULL);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"when it asks", test_asking},           {"no room to ask", test_no_room},
	        {"whom it believes", test_belief},       {"asked again in time", test_refresh},
	        {"a neighbour that is gone", test_loss}, {"a neighbour that moved", test_move},
	        {"forgetting", test_forgetting},         CU_TEST_INFO_NULL,
	};
	return check_run("neighbours", tests);
}
