// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Buckets on a clock of the test's own; two control planes on one store.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sodium.h>

#include "../../../controlplane/limits/rates.h"
#include "../run.h"
#include "../store/store_rig.h"

enum { SECOND = 1000000, PATIENCE_MS = 60 * 1000 };

static uint64_t clock_us;

static uint64_t test_clock(void *ctx)
{
	return clock_us;
}

static struct fog_rates *rates(unsigned identities, struct fog_db *shared)
{
	const struct fog_rates_params p = {
	        .a_minute = {10, 30, 100},
	        .identities = identities,
	        .shared = shared,
	        .now_us = test_clock};
	struct fog_rates *r;

	clock_us = 1000 * SECOND;
	CU_ASSERT_EQUAL_FATAL(fog_rates_open(&r, &p), 0);
	return r;
}

static struct fog_rate take(struct fog_rates *r, const char *who, enum fog_rate_class class)
{
	struct fog_rate rate;

	fog_rates_take(r, who, false, class, 0, &rate);
	return rate;
}

// How many are allowed at once.
static unsigned burst(
        struct fog_rates *r, const char *who, bool stranger, enum fog_rate_class class, uint32_t own
)
{
	struct fog_rate rate;
	unsigned n = 0;

	for (; n < 100000; n++) {
		fog_rates_take(r, who, stranger, class, own, &rate);
		if (!rate.allowed)
			break;
	}
	return n;
}

static void test_classes(void)
{
	struct fog_rates *r = rates(0, NULL);

	for (unsigned i = 0; i < 10; i++) {
		struct fog_rate rate = take(r, "user:1", FOG_RATE_AUTH);
		CU_ASSERT_TRUE(rate.allowed && rate.limit == 10 && rate.remaining == 9 - i);
		CU_ASSERT_TRUE(rate.reset_s == 6 * (i + 1) && rate.retry_after_s == 0);
	}
	struct fog_rate rate = take(r, "user:1", FOG_RATE_AUTH);
	CU_ASSERT_TRUE(
	        !rate.allowed && rate.remaining == 0 && rate.retry_after_s == 6 &&
	        rate.reset_s == 60
	);
	clock_us += 5 * SECOND;
	rate = take(r, "user:1", FOG_RATE_AUTH); // a refusal costs nothing
	CU_ASSERT_TRUE(!rate.allowed && rate.retry_after_s == 1);
	clock_us += SECOND;
	CU_ASSERT_EQUAL(burst(r, "user:1", false, FOG_RATE_AUTH, 0), 1);
	CU_ASSERT_EQUAL(burst(r, "user:1", false, FOG_RATE_WRITE, 0), 30); // each class has its own
	CU_ASSERT_EQUAL(burst(r, "user:1", false, FOG_RATE_READ, 0), 100);
	CU_ASSERT_EQUAL(burst(r, "user:2", false, FOG_RATE_AUTH, 0), 10); // and each identity
	CU_ASSERT_EQUAL(
	        burst(r, "user:1", true, FOG_RATE_AUTH, 0), 10
	); // a stranger is nobody's namesake
	clock_us += 3600ull * SECOND;
	CU_ASSERT_EQUAL(burst(r, "user:1", false, FOG_RATE_AUTH, 0), 10); // never more than full
	fog_rates_close(r);
	const struct fog_rates_params bad = {.a_minute = {10, 0, 100}};
	CU_ASSERT_EQUAL(fog_rates_open(&r, &bad), -EINVAL);
}

static void test_own(void)
{
	struct fog_rates *r = rates(0, NULL);

	CU_ASSERT_EQUAL(burst(r, "key:1", false, FOG_RATE_READ, 3), 3);
	CU_ASSERT_EQUAL(burst(r, "key:2", false, FOG_RATE_READ, 5000), 5000);
	CU_ASSERT_EQUAL(burst(r, "key:1", false, FOG_RATE_READ, 60), 0); // what was used stays used
	clock_us += 30 * SECOND;
	CU_ASSERT_EQUAL(burst(r, "key:1", false, FOG_RATE_READ, 60), 30);
	CU_ASSERT_EQUAL(burst(r, "key:3", false, FOG_RATE_READ, UINT32_MAX), 100000);
	fog_rates_close(r);
}

static void test_clock_back(void)
{
	struct fog_rates *r = rates(0, NULL);

	CU_ASSERT_EQUAL(burst(r, "user:1", false, FOG_RATE_AUTH, 0), 10);
	clock_us -= 500 * SECOND;
	CU_ASSERT_EQUAL(
	        take(r, "user:1", FOG_RATE_AUTH).retry_after_s, 6
	); // nor is anybody locked out
	CU_ASSERT_EQUAL(burst(r, "user:2", false, FOG_RATE_AUTH, 0), 10);
	clock_us += 490 * SECOND; // still before
	CU_ASSERT_EQUAL(burst(r, "user:1", false, FOG_RATE_AUTH, 0), 0);
	clock_us += 16 * SECOND;
	CU_ASSERT_EQUAL(burst(r, "user:1", false, FOG_RATE_AUTH, 0), 1);
	fog_rates_close(r);
}

// A table of 16: whoever floods it with identities neither gets his own bucket back nor takes others' away.
static void test_flood(void)
{
	struct fog_rates *r = rates(16, NULL);
	unsigned allowed = 0;
	char name[32];

	CU_ASSERT_EQUAL(burst(r, "198.51.100.1", true, FOG_RATE_AUTH, 0), 10);
	for (int i = 0; i < 10000; i++) {
		snprintf(name, sizeof(name), "flood %d", i);
		allowed += burst(r, name, true, FOG_RATE_AUTH, 0);
	}
	CU_ASSERT_EQUAL(
	        allowed, 15 * 10 + 10
	); // those who found a place, and all the others together
	CU_ASSERT_EQUAL(burst(r, "198.51.100.1", true, FOG_RATE_AUTH, 0), 0);
	CU_ASSERT_EQUAL(burst(r, "user:1", false, FOG_RATE_AUTH, 0), 10);
	// A minute later all buckets are full, so that new ones take their places.
	clock_us += 60 * SECOND;
	CU_ASSERT_EQUAL(burst(r, "new", true, FOG_RATE_AUTH, 0), 10);
	CU_ASSERT_EQUAL(burst(r, "198.51.100.1", true, FOG_RATE_AUTH, 0), 10);
	fog_rates_close(r);
}

// However identities come and go, in no minute does one get more than a full bucket and what flows in.
static void test_never_more(void)
{
	struct fog_rates *r = rates(8, NULL);
	static unsigned got[64];
	char name[16];

	memset(got, 0, sizeof(got));
	for (int step = 0; step < 20000; step++) {
		unsigned who = randombytes_uniform(64);
		struct fog_rate rate;
		snprintf(name, sizeof(name), "n%u", who);
		fog_rates_take(r, name, true, FOG_RATE_AUTH, 0, &rate);
		got[who] += rate.allowed;
		clock_us += randombytes_uniform(6000); // a minute in all, about
	}
	double minutes = (double)(clock_us - 1000ull * SECOND) / (60.0 * SECOND);
	for (unsigned i = 0; i < 64; i++)
		CU_ASSERT_TRUE(got[i] <= 10 * (1 + minutes) + 1);
	fog_rates_close(r);
}

union any_address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static const char *address(const char *text)
{
	static char out[FOG_RATES_ADDRESS_LEN];
	union any_address a = {.any.sa_family = AF_INET};

	if (inet_pton(AF_INET, text, &a.in.sin_addr) != 1) {
		a.any.sa_family = AF_INET6;
		CU_ASSERT_EQUAL(inet_pton(AF_INET6, text, &a.in6.sin6_addr), 1);
	}
	fog_rates_address(&a.any, out);
	return out;
}

static void test_addresses(void)
{
	char out[FOG_RATES_ADDRESS_LEN];
	const union any_address local = {.any.sa_family = AF_UNIX};

	CU_ASSERT_STRING_EQUAL(address("192.0.2.1"), "192.0.2.1");
	CU_ASSERT_STRING_EQUAL(address("::ffff:192.0.2.1"), "192.0.2.1");
	CU_ASSERT_STRING_EQUAL(address("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
	CU_ASSERT_STRING_EQUAL(address("2001:db8:1:2:ffff::"), "2001:db8:1:2::/64");
	CU_ASSERT_STRING_EQUAL(address("2001:db8:1:3::1"), "2001:db8:1:3::/64");
	fog_rates_address(&local.any, out);
	CU_ASSERT_STRING_EQUAL(out, "unix");
}

// How many are allowed of all networks of 64 bits from 'first' on, 'count' of them.
static unsigned burst_nets(struct fog_rates *r, const char *prefix, unsigned first, unsigned count)
{
	unsigned allowed = 0;
	char text[64];

	for (unsigned i = first; i < first + count; i++) {
		snprintf(text, sizeof(text), "%s:%x::1", prefix, i);
		allowed += burst(r, address(text), true, FOG_RATE_AUTH, 0);
	}
	return allowed;
}

// Networks of strangers that somebody may have many of.
static void test_wide(void)
{
	struct fog_rates *r = rates(0, NULL);

	CU_ASSERT_EQUAL(burst(r, address("2001:db8:1:2::1"), true, FOG_RATE_AUTH, 0), 10);
	CU_ASSERT_EQUAL(burst(r, address("2001:db8:1:2::2"), true, FOG_RATE_AUTH, 0), 0);
	CU_ASSERT_EQUAL(burst_nets(r, "2001:db8:1", 0, 0x100), 10 * (FOG_RATES_56 - 1));
	CU_ASSERT_EQUAL(burst_nets(r, "2001:db8:1", 0x100, 0x100), 10 * FOG_RATES_56);
	CU_ASSERT_EQUAL(
	        burst_nets(r, "2001:db8:1", 0x200, 0xfdff), 10 * (FOG_RATES_48 - 2 * FOG_RATES_56)
	);
	struct fog_rate rate;
	fog_rates_take(r, address("2001:db8:1:fe00::1"), true, FOG_RATE_AUTH, 0, &rate);
	CU_ASSERT_TRUE(!rate.allowed && rate.limit == 10 * FOG_RATES_48 && rate.retry_after_s == 1);
	CU_ASSERT_EQUAL(burst(r, address("2001:db8:2:2::1"), true, FOG_RATE_AUTH, 0), 10);
	CU_ASSERT_EQUAL(burst(r, address("192.0.2.1"), true, FOG_RATE_AUTH, 0), 10);
	// Whoever has said who he is has a bucket of his own.
	CU_ASSERT_EQUAL(burst(r, "user:1", false, FOG_RATE_AUTH, 0), 10);
	// A request that a narrow bucket refuses is not taken from the wide ones.
	clock_us += 60 * SECOND;
	CU_ASSERT_EQUAL(burst(r, address("2001:db8:1:2::1"), true, FOG_RATE_AUTH, 0), 10);
	for (int i = 0; i < 100; i++)
		CU_ASSERT_EQUAL(burst(r, address("2001:db8:1:2::1"), true, FOG_RATE_AUTH, 0), 0);
	CU_ASSERT_EQUAL(burst_nets(r, "2001:db8:1", 0, 0x100), 10 * (FOG_RATES_56 - 1));
	fog_rates_close(r);
}

// A flood from one /48 takes no more places than it has requests, so that a stranger from elsewhere finds one.
static void test_wide_flood(void)
{
	struct fog_rates *r = rates(400, NULL);

	CU_ASSERT_EQUAL(burst_nets(r, "2001:db8:1", 0, 0x10000), 10 * FOG_RATES_48);
	CU_ASSERT_EQUAL(burst(r, "198.51.100.1", true, FOG_RATE_AUTH, 0), 10);
	CU_ASSERT_EQUAL(burst(r, "198.51.100.2", true, FOG_RATE_AUTH, 0), 10);
	fog_rates_close(r);
}

// All keys of an account together.
static void test_owned(void)
{
	struct fog_rates *r = rates(0, NULL);
	unsigned allowed = 0;
	struct fog_rate rate;
	char key[16];

	for (int k = 0; k < 50; k++) {
		snprintf(key, sizeof(key), "key:%d", k);
		for (int i = 0; i < 20; i++) {
			fog_rates_take_owned(r, key, 0, "keys of 1", 0, FOG_RATE_AUTH, &rate);
			allowed += rate.allowed;
			CU_ASSERT_TRUE(rate.allowed || rate.retry_after_s > 0);
		}
	}
	CU_ASSERT_EQUAL(allowed, 10 * FOG_RATES_KEYS);
	CU_ASSERT_EQUAL(rate.limit, 10 * FOG_RATES_KEYS);
	fog_rates_take_owned(r, "key:51", 0, "keys of 2", 0, FOG_RATE_AUTH, &rate);
	CU_ASSERT_TRUE(rate.allowed); // others' keys
	CU_ASSERT_EQUAL(burst(r, "user:1", false, FOG_RATE_AUTH, 0), 10); // the owner himself
	// The owner's own limit, and a key that an administrator gave more.
	allowed = 0;
	for (int i = 0; i < 100; i++) {
		snprintf(key, sizeof(key), "key:%d", 100 + i);
		fog_rates_take_owned(r, key, 0, "keys of 3", 2, FOG_RATE_AUTH, &rate);
		allowed += rate.allowed;
	}
	CU_ASSERT_EQUAL(allowed, 2 * FOG_RATES_KEYS);
	for (allowed = 0; allowed < 1000; allowed++) {
		fog_rates_take_owned(r, "key:7", 300, "keys of 4", 2, FOG_RATE_AUTH, &rate);
		if (!rate.allowed)
			break;
	}
	CU_ASSERT_EQUAL(allowed, 300);
	fog_rates_close(r);
}

static void test_look(void)
{
	struct fog_rates *r = rates(0, NULL);
	struct fog_rate rate;

	for (int i = 0; i < 1000; i++) {
		fog_rates_look(r, "192.0.2.1", true, FOG_RATE_UNKNOWN, 0, &rate);
		CU_ASSERT_TRUE(rate.allowed && rate.remaining == 100);
	}
	CU_ASSERT_EQUAL(burst(r, "192.0.2.1", true, FOG_RATE_UNKNOWN, 0), 100); // as many as reads
	fog_rates_look(r, "192.0.2.1", true, FOG_RATE_UNKNOWN, 0, &rate);
	CU_ASSERT_TRUE(!rate.allowed && rate.retry_after_s == 1);
	CU_ASSERT_EQUAL(burst(r, "192.0.2.1", true, FOG_RATE_READ, 0), 100); // a bucket of its own
	fog_rates_close(r);
}

struct pair {
	struct fog_db *db[2];
	struct fog_rates *r[2];
};

// Two control planes; the store's clock is a real one, so buckets are slow ones (two a minute).
static void pair_start(struct pair *p)
{
	p->db[0] = rig_open_migrated();
	p->db[1] = rig_open();
	for (int i = 0; i < 2; i++)
		p->r[i] = rates(0, p->db[i]);
}

static void pair_stop(struct pair *p)
{
	fog_rates_close(p->r[0]);
	fog_rates_close(p->r[1]);
	fog_db_close(p->db[1]);
	rig_close(p->db[0]);
}

static bool take_slow(struct fog_rates *r, const char *who)
{
	struct fog_rate rate;

	fog_rates_take(r, who, false, FOG_RATE_READ, 2, &rate);
	return rate.allowed;
}

static void test_shared(void)
{
	struct pair p;

	pair_start(&p);
	// All at one of them: the other, which has never heard of it, refuses.
	CU_ASSERT_TRUE(take_slow(p.r[0], "user:1") && take_slow(p.r[0], "user:1"));
	CU_ASSERT_EQUAL(fog_rates_share(p.r[0]), 0);
	CU_ASSERT_EQUAL(fog_rates_share(p.r[1]), 0);
	CU_ASSERT_FALSE(take_slow(p.r[1], "user:1"));
	CU_ASSERT_FALSE(take_slow(p.r[0], "user:1"));
	// Half at each.
	CU_ASSERT_TRUE(take_slow(p.r[0], "user:2") && take_slow(p.r[1], "user:2"));
	for (int i = 0; i < 4; i++)
		CU_ASSERT_EQUAL(fog_rates_share(p.r[i % 2]), 0);
	CU_ASSERT_FALSE(take_slow(p.r[0], "user:2"));
	CU_ASSERT_FALSE(take_slow(p.r[1], "user:2"));
	// Only one of two: the other one is left, once.
	CU_ASSERT_TRUE(take_slow(p.r[0], "user:3"));
	for (int i = 0; i < 4; i++)
		CU_ASSERT_EQUAL(fog_rates_share(p.r[i % 2]), 0);
	CU_ASSERT_TRUE(take_slow(p.r[1], "user:3"));
	CU_ASSERT_FALSE(take_slow(p.r[1], "user:3"));
	pair_stop(&p);
}

// By itself, in the background.
static void test_shared_by_itself(void)
{
	struct pair p;
	int ms = 0;

	pair_start(&p);
	struct fog_rate rate;
	for (int i = 0; i < 1000; i++)
		fog_rates_take(p.r[0], "user:1", false, FOG_RATE_READ, 1000, &rate);
	do {
		usleep(10 * 1000);
		ms += 10;
		fog_rates_take(p.r[1], "user:1", false, FOG_RATE_READ, 1000, &rate);
	} while (rate.remaining > 500 && ms < PATIENCE_MS);
	printf("agreed after about %d ms .. ", ms);
	CU_ASSERT_TRUE(ms < PATIENCE_MS);
	pair_stop(&p);
}

static int rename_table(struct fog_tx *tx, void *sql)
{
	return fog_db_run(tx, sql, FOG_NONE);
}

// While the store is away each counts for itself, and tells afterwards.
static void test_shared_away(void)
{
	struct pair p;

	pair_start(&p);
	CU_ASSERT_TRUE(
	        fog_db_write(
	                p.db[0], rename_table, (void *)"ALTER TABLE rate_window RENAME TO gone"
	        ) >= 0
	);
	CU_ASSERT_TRUE(take_slow(p.r[0], "user:1") && take_slow(p.r[0], "user:1"));
	CU_ASSERT_FALSE(take_slow(p.r[0], "user:1"));
	CU_ASSERT_TRUE(fog_rates_share(p.r[0]) < 0);
	CU_ASSERT_FALSE(take_slow(p.r[0], "user:1"));
	CU_ASSERT_TRUE(
	        fog_db_write(
	                p.db[0], rename_table, (void *)"ALTER TABLE gone RENAME TO rate_window"
	        ) >= 0
	);
	CU_ASSERT_EQUAL(fog_rates_share(p.r[0]), 0);
	CU_ASSERT_EQUAL(fog_rates_share(p.r[1]), 0);
	CU_ASSERT_FALSE(take_slow(p.r[1], "user:1"));
	pair_stop(&p);
}

// Changes can be read, but not written: what all took, and what was taken here.
static void test_shared_half_away(void)
{
	struct pair p;

	pair_start(&p);
	CU_ASSERT_TRUE(take_slow(p.r[0], "user:1"));
	CU_ASSERT_EQUAL(fog_rates_share(p.r[0]), 0);
	CU_ASSERT_TRUE(
	        fog_db_write(
	                p.db[0], rename_table,
	                (void *)"CREATE TRIGGER refuse BEFORE INSERT ON rate_window BEGIN"
	                        " SELECT RAISE(ABORT, 'no'); END"
	        ) >= 0
	);
	CU_ASSERT_TRUE(take_slow(p.r[0], "user:1"));
	CU_ASSERT_EQUAL(fog_rates_share(p.r[0]), -EPERM);
	CU_ASSERT_EQUAL(fog_rates_share(p.r[0]), -EPERM);
	CU_ASSERT_FALSE(take_slow(p.r[0], "user:1"));
	pair_stop(&p);
}

int main(void)
{
	const CU_TestInfo tests[] = {
	        {"classes, headers, refill", test_classes},
	        {"limits of one's own", test_own},
	        {"a clock that goes back", test_clock_back},
	        {"a flood of identities", test_flood},
	        {"never more than the limit", test_never_more},
	        {"addresses", test_addresses},
	        {"wide networks", test_wide},
	        {"a flood from a wide network", test_wide_flood},
	        {"keys of one owner", test_owned},
	        {"looking takes nothing", test_look},
	        {"two control planes", test_shared},
	        {"two control planes, by themselves", test_shared_by_itself},
	        {"two control planes without their store", test_shared_away},
	        {rig_is_shared() ? NULL : "two control planes, and a store that takes nothing",
	         test_shared_half_away},
	        CU_TEST_INFO_NULL,
	};
	return sodium_init() < 0 ? 1 : check_run("rates", tests);
}
