// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Places of connections: shares of networks, places that come back, descriptors whose numbers are used again.
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "../../../controlplane/http/places.h"
#include "../run.h"

static struct http_places places;

static bool take(int fd, const char *text)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	struct sockaddr_in in = {.sin_family = AF_INET};
	const void *from = &in6;

	if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
		from = &in;
	else
		CU_ASSERT_EQUAL_FATAL(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
	return http_place_take(&places, fd, from, 1000);
}

// How many of 100 connections find a place, with a number between 'before' and 'behind' that grows.
static int taken(const char *before, const char *behind, int fd)
{
	char address[64];
	int n = 0;

	for (int i = 0; i < 100; i++) {
		snprintf(address, sizeof(address), "%s%02d%s", before, i, behind);
		n += take(fd + i, address);
	}
	return n;
}

static void test_shares(void)
{
	http_places_init(&places);
	CU_ASSERT_EQUAL(taken("2001:db8:1:1::", "", 1000), 16);
	CU_ASSERT_EQUAL(taken("2001:db8:1:", "::1", 1100), 8); // the rest of the /56
	CU_ASSERT_EQUAL(taken("2001:db8:1:1", "::1", 1200), 8); // the rest of the /48
	CU_ASSERT_EQUAL(taken("2001:db8:1:", "00::1", 1300), 0);
	CU_ASSERT_EQUAL(
	        taken("::ffff:192.0.2.1", "", 1400), 96
	); // other hosts, until all places are taken
	http_places_destroy(&places);
	http_places_init(&places);
	for (int i = 0; i < 16; i++)
		CU_ASSERT_TRUE(take(i, "192.0.2.7"));
	CU_ASSERT_FALSE(take(16, "192.0.2.7"));
	CU_ASSERT_FALSE(take(16, "::ffff:192.0.2.7")); // the same one
	CU_ASSERT_TRUE(take(16, "192.0.2.8"));
	http_places_destroy(&places);
}

static void test_back(void)
{
	struct http_place *at[16];

	http_places_init(&places);
	for (int i = 0; i < 16; i++) {
		CU_ASSERT_TRUE(take(i, "2001:db8::1"));
		at[i] = http_place_enter(&places, i, 5000);
		CU_ASSERT_PTR_NOT_NULL_FATAL(at[i]);
	}
	CU_ASSERT_FALSE(take(16, "2001:db8::2"));
	http_place_leave(&places, at[3]);
	CU_ASSERT_TRUE(take(16, "2001:db8::2"));
	http_place_drop(&places, 16);
	CU_ASSERT_TRUE(take(17, "2001:db8::2"));
	CU_ASSERT_PTR_NULL(http_place_enter(&places, 99, 5000)); // it has no place
	http_place_leave(&places, NULL);
	http_place_drop(&places, 5); // it has begun, so it stays
	CU_ASSERT_FALSE(take(18, "2001:db8::2"));
	// One that never began is forgotten after a while, and nothing is done to its number.
	http_places_tick(&places, 999);
	CU_ASSERT_FALSE(take(18, "2001:db8::2"));
	http_places_tick(&places, 1000);
	CU_ASSERT_TRUE(take(18, "2001:db8::2"));
	http_places_destroy(&places);
}

static void test_deadline(void)
{
	int pair[2];
	char byte;

	http_places_init(&places);
	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	CU_ASSERT_TRUE(
	        http_place_take(&places, pair[0], &(struct sockaddr){.sa_family = AF_UNIX}, 1)
	);
	struct http_place *at = http_place_enter(&places, pair[0], 50);
	http_place_deadline(&places, at, 100);
	http_places_tick(&places, 99);
	CU_ASSERT_EQUAL(recv(pair[1], &byte, 1, MSG_DONTWAIT), -1); // open
	http_place_deadline(&places, at, 0);
	http_places_tick(&places, 1000);
	CU_ASSERT_EQUAL(recv(pair[1], &byte, 1, MSG_DONTWAIT), -1);
	http_place_deadline(&places, at, 1001);
	http_places_tick(&places, 1001);
	CU_ASSERT_EQUAL(recv(pair[1], &byte, 1, MSG_DONTWAIT), 0); // its end
	http_places_destroy(&places);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"shares", test_shares},
	        {"places that come back", test_back},
	        {"deadlines", test_deadline},
	        CU_TEST_INFO_NULL,
	};

	return check_run("places", tests);
}
