// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Deny list, buckets, exempt addresses, and the change from one filter to the next.
#include <CUnit/CUnit.h>
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../unit/run.h"
#include "steer_rig.h"

// No socket sits at the queue, so what passes the filter is counted as NO_SOCKET.
#define THROUGH FOG_STEER_NO_SOCKET

static struct fog_prefix prefix(const char *text, uint8_t len)
{
	return (struct fog_prefix){.ip = frame_ip(text), .len = len};
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

// Run a frame 'times' times; returns how many came through, the rest must be counted as 'else_as'.
static uint64_t through(
        struct fog_steer *steer, const struct frame *frame, unsigned times,
        enum fog_steer_verdict else_as
)
{
	uint64_t before[FOG_STEER_VERDICTS], after[FOG_STEER_VERDICTS];
	uint8_t in[FRAME_MAX];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in, .repeat = (int)times);

	opts.data_size_in = frame_build(frame, 1, in);
	CU_ASSERT_EQUAL_FATAL(fog_steer_verdicts(steer, before), 0);
	CU_ASSERT_EQUAL_FATAL(bpf_prog_test_run_opts(fog_steer_program(steer), &opts), 0);
	CU_ASSERT_EQUAL_FATAL(fog_steer_verdicts(steer, after), 0);
	CU_ASSERT_EQUAL(after[THROUGH] - before[THROUGH] + after[else_as] - before[else_as], times);
	return after[THROUGH] - before[THROUGH];
}

static const struct row deny_rows[] = {
        {"address", {.to = OUR4, .from = "198.51.100.7"}, 0, FOG_STEER_DROP_DENIED},
        {"its neighbour", {.to = OUR4, .from = "198.51.100.6"}, 0, THROUGH},
        {"range, first", {.to = OUR4, .from = "203.0.112.0"}, 0, FOG_STEER_DROP_DENIED},
        {"range, last", {.to = OUR4, .from = "203.0.127.255"}, 0, FOG_STEER_DROP_DENIED},
        {"before the range", {.to = OUR4, .from = "203.0.111.255"}, 0, THROUGH},
        {"behind the range", {.to = OUR4, .from = "203.0.128.0"}, 0, THROUGH},
        {"range inside a range", {.to = OUR4, .from = "203.0.113.9"}, 0, FOG_STEER_DROP_DENIED},
        {"IPv6 address", {.to = OUR6, .from = "2001:db8:1::7"}, 0, FOG_STEER_DROP_DENIED},
        {"IPv6 its neighbour", {.to = OUR6, .from = "2001:db8:1::6"}, 0, THROUGH},
        {"IPv6 range", {.to = OUR6, .from = "2001:db8:2:3::"}, 0, FOG_STEER_DROP_DENIED},
        {"IPv6 behind the range", {.to = OUR6, .from = "2001:db8:3::"}, 0, THROUGH},
        {"IPv6 with an IPv4 range's bytes", {.to = OUR6, .from = "cb00:7000::"}, 0, THROUGH},
        {"fragment of a denied source",
         {.to = OUR4, .from = "198.51.100.7", .more_fragments = true},
         0,
         FOG_STEER_DROP_DENIED},
        {"options of a denied source",
         {.to = OUR6, .from = "2001:db8:1::7", .extensions = "hd"},
         0,
         FOG_STEER_DROP_DENIED},
        {"denied source, other port",
         {.to = OUR4, .from = "198.51.100.7", .port = 22},
         0,
         FOG_STEER_PASS_PORT},
        {"denied source, TCP",
         {.to = OUR4, .from = "198.51.100.7", .protocol = IPPROTO_TCP},
         0,
         FOG_STEER_PASS_TRANSPORT},
        {"denied source, other address",
         {.to = "10.7.0.9", .from = "198.51.100.7"},
         0,
         FOG_STEER_PASS_ADDRESS},
};

// The deny list is the operator's word, so it holds with early drop and without. It concerns mix
// traffic only: nobody locks himself out of SSH by it.
static void test_deny(void)
{
	const struct fog_prefix deny[] = {
	        prefix("198.51.100.7", 32),   prefix("203.0.112.0", 20),  prefix("203.0.113.0", 24),
	        prefix("2001:db8:1::7", 128), prefix("2001:db8:2::", 48),
	};
	struct fog_steer_rules rules = {.deny = deny, .deny_count = 5};
	struct fog_steer *steer = steer_load(0, &rules);
	const struct frame wrong = {.to = OUR4, .from = "198.51.100.7"};

	steer_check_rows(steer, ROWS(deny_rows));
	// With early drop the length, which costs less, is looked at first.
	rules.early_drop = 1;
	CU_ASSERT_EQUAL(fog_steer_set_rules(steer, &rules), 0);
	CU_ASSERT_EQUAL(through(steer, &wrong, 1, FOG_STEER_DROP_LENGTH), 0);
	const struct frame packet = {.to = OUR4, .from = "198.51.100.7", .payload = PACKET};
	CU_ASSERT_EQUAL(through(steer, &packet, 1, FOG_STEER_DROP_DENIED), 0);
	fog_steer_close(steer);
}

// A prefix of length 0 is a whole family, not both.
static void test_deny_family(void)
{
	const struct fog_prefix deny[] = {{.ip = {.family = 4}, .len = 0}};
	const struct fog_steer_rules rules = {.deny = deny, .deny_count = 1};
	struct fog_steer *steer = steer_load(0, &rules);

	CU_ASSERT_EQUAL(through(steer, &(struct frame){.to = OUR4}, 1, FOG_STEER_DROP_DENIED), 0);
	CU_ASSERT_EQUAL(through(steer, &(struct frame){.to = OUR6}, 1, FOG_STEER_DROP_DENIED), 1);
	fog_steer_close(steer);
}

// A burst at once, then as many as the clock has earned: never more, and by and by no less.
static void test_rate(void)
{
	const struct fog_steer_rules rules = {.source_rate = 500, .source_burst = 20};
	const struct frame frame = {.to = OUR4};
	struct fog_steer *steer = steer_load(0, &rules);
	double begin = now();
	uint64_t got = through(steer, &frame, 5000, FOG_STEER_DROP_RATE);

	CU_ASSERT_TRUE(got >= 20);
	CU_ASSERT_TRUE(got <= 20 + (now() - begin) * 500 + 1);
	while (got < 120 && now() - begin < 60) {
		got += through(steer, &frame, 10, FOG_STEER_DROP_RATE);
		CU_ASSERT_TRUE(got <= 20 + (now() - begin) * 500 + 1);
		usleep(1000);
	}
	CU_ASSERT_TRUE(got >= 120);
	fog_steer_close(steer);
}

// Every source has its own bucket; an IPv6 source is a /64. One packet a second and a burst of 3, so
// that nothing is earned while the test looks, unless it takes a second: then more may come.
static void test_sources(void)
{
	const struct fog_ip exempt[] = {frame_ip("192.0.2.200"), frame_ip("2001:db8:9::1")};
	const struct fog_steer_rules rules = {
	        .source_rate = 1, .source_burst = 3, .exempt = exempt, .exempt_count = 2};
	struct fog_steer *steer = steer_load(0, &rules);
	double begin = now();
	uint64_t most = 3, got[6];

	got[0] = through(steer, &(struct frame){.to = OUR4}, 100, FOG_STEER_DROP_RATE);
	got[1] = through(
	        steer, &(struct frame){.to = OUR4, .from = "192.0.2.2"}, 100, FOG_STEER_DROP_RATE
	);
	got[2] = through(
	        steer, &(struct frame){.to = OUR6, .from = "2001:db8::1"}, 100, FOG_STEER_DROP_RATE
	);
	got[3] =
	        through(steer, &(struct frame){.to = OUR6, .from = "2001:db8::ffff:1"}, 100,
	                FOG_STEER_DROP_RATE);
	got[4] =
	        through(steer, &(struct frame){.to = OUR6, .from = "2001:db8:0:1::1"}, 100,
	                FOG_STEER_DROP_RATE);
	got[5] =
	        through(steer, &(struct frame){.to = OUR6, .from = "2001:db8:9::2"}, 100,
	                FOG_STEER_DROP_RATE);
	most += (uint64_t)(now() - begin) + 1;
	for (unsigned i = 0; i < 6; i++) {
		uint64_t least = i == 3 ? 0 : 3; // its /64 has sent its burst

		CU_ASSERT_TRUE(got[i] >= least && got[i] <= least + most - 3);
	}
	// Nodes of the network are known by their address, all of it.
	CU_ASSERT_EQUAL(
	        through(steer, &(struct frame){.to = OUR4, .from = "192.0.2.200"}, 1000,
	                FOG_STEER_DROP_RATE),
	        1000
	);
	CU_ASSERT_EQUAL(
	        through(steer, &(struct frame){.to = OUR6, .from = "2001:db8:9::1"}, 1000,
	                FOG_STEER_DROP_RATE),
	        1000
	);
	fog_steer_close(steer);
}

// What a source owes by one limit is nothing by the next: a limit that is raised is raised at once.
static void test_limit_raised(void)
{
	struct fog_steer_rules rules = {.source_rate = 1, .source_burst = 3600};
	const struct frame frame = {.to = OUR4};
	struct fog_steer *steer = steer_load(0, &rules);
	double begin;
	uint64_t got;

	CU_ASSERT_TRUE(
	        through(steer, &frame, 4000, FOG_STEER_DROP_RATE) >= 3600
	); // an hour of debt
	rules.source_rate = 500;
	rules.source_burst = 20;
	CU_ASSERT_EQUAL(fog_steer_set_rules(steer, &rules), 0);
	begin = now();
	got = through(steer, &frame, 1000, FOG_STEER_DROP_RATE);
	while (got < 50 && now() - begin < 60) {
		CU_ASSERT_TRUE(got <= 20 + (now() - begin) * 500 + 1);
		usleep(1000);
		got += through(steer, &frame, 10, FOG_STEER_DROP_RATE);
	}
	CU_ASSERT_TRUE(got >= 50);
	fog_steer_close(steer);
}

// 10,000 sources at once: each gets its burst, none another's.
static void test_many_sources(void)
{
	const struct fog_steer_rules rules = {.source_rate = 1, .source_burst = 2};
	struct fog_steer *steer = steer_load(0, &rules);
	double begin = now();
	uint64_t got = 0;

	for (unsigned i = 0; i < 10000; i++) {
		struct in_addr address = {htonl(0x0a800000 + i)};
		char from[INET_ADDRSTRLEN];

		inet_ntop(AF_INET, &address, from, sizeof(from));
		// One by one: for a repeated run the kernel changes its XDP dispatcher, which takes
		// some 20 ms.
		for (int k = 0; k < 4; k++)
			got +=
			        through(steer, &(struct frame){.to = OUR4, .from = from}, 1,
			                FOG_STEER_DROP_RATE);
	}
	CU_ASSERT_TRUE(got >= 20000);
	CU_ASSERT_TRUE(got <= 20000 + (now() - begin) * 10000);
	fog_steer_close(steer);
}

// A list that can't be taken leaves the old filter as it was; the largest one fits, again and again.
static void test_all_or_nothing(void)
{
	const struct frame frame = {.to = OUR4, .from = "198.51.100.7"};
	struct fog_prefix *many = calloc(FOG_DENY_MAX + 1, sizeof(*many));
	struct fog_prefix one = prefix("198.51.100.7", 32);
	struct fog_steer_rules rules = {.deny = &one, .deny_count = 1};
	struct fog_steer *steer = steer_load(0, &rules);

	CU_ASSERT_PTR_NOT_NULL_FATAL(many);
	for (uint32_t i = 0; i <= FOG_DENY_MAX; i++) {
		uint32_t net = htonl(0x0b000000 + (i << 8));

		many[i] = (struct fog_prefix){.ip.family = 4, .len = 24};
		memcpy(many[i].ip.addr, &net, 4);
	}
	rules.deny = many;
	rules.deny_count = FOG_DENY_MAX + 1;
	CU_ASSERT_EQUAL(fog_steer_set_rules(steer, &rules), -E2BIG);
	rules.deny_count = FOG_DENY_MAX;
	many[FOG_DENY_MAX - 1].len = 200; // the kernel refuses the last one
	CU_ASSERT_EQUAL(fog_steer_set_rules(steer, &rules), -EINVAL);
	CU_ASSERT_EQUAL(through(steer, &frame, 1, FOG_STEER_DROP_DENIED), 0);
	many[FOG_DENY_MAX - 1].len = 24;
	for (int i = 0; i < 5; i++) {
		CU_ASSERT_EQUAL(fog_steer_set_rules(steer, &rules), 0);
		CU_ASSERT_EQUAL(through(steer, &frame, 1, FOG_STEER_DROP_DENIED), 1);
		const struct frame last = {.to = OUR4, .from = "11.15.255.1"};
		CU_ASSERT_EQUAL(through(steer, &last, 1, FOG_STEER_DROP_DENIED), 0);
	}
	CU_ASSERT_EQUAL(fog_steer_set_rules(steer, &(struct fog_steer_rules){}), 0);
	CU_ASSERT_EQUAL(
	        through(steer, &(struct frame){.to = OUR4, .from = "11.0.0.1"}, 1,
	                FOG_STEER_DROP_DENIED),
	        1
	);
	fog_steer_close(steer);
	free(many);
}

struct sender {
	struct fog_steer *steer;
	atomic_bool stop;
	uint64_t sent, failed;
};

static void *send_denied(void *arg)
{
	const struct frame frame = {.to = OUR4, .from = "198.51.100.7"};
	struct sender *s = arg;
	uint8_t in[FRAME_MAX];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in, .repeat = 1000);

	opts.data_size_in = frame_build(&frame, 1, in);
	while (!atomic_load(&s->stop)) {
		s->failed += bpf_prog_test_run_opts(fog_steer_program(s->steer), &opts) < 0;
		s->sent += 1000;
	}
	return NULL;
}

// A source that the old list and the new one deny never finds a moment to slip through.
static void test_change_under_traffic(void)
{
	struct fog_prefix deny[64];
	struct fog_steer_rules rules = {.deny = deny, .deny_count = 64};
	struct sender sender = {};
	uint64_t count[FOG_STEER_VERDICTS];
	pthread_t thread;

	deny[0] = prefix("198.51.100.7", 32);
	for (unsigned i = 1; i < 64; i++) {
		deny[i] = prefix("11.0.0.0", 24);
		deny[i].ip.addr[2] = i;
	}
	sender.steer = steer_load(0, &rules);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, send_denied, &sender), 0);
	for (int i = 0; i < 300; i++) {
		rules.deny_count = 1 + i % 64;
		CU_ASSERT_EQUAL(fog_steer_set_rules(sender.steer, &rules), 0);
		usleep(500);
	}
	atomic_store(&sender.stop, true);
	pthread_join(thread, NULL);
	CU_ASSERT_EQUAL(sender.failed, 0);
	CU_ASSERT_EQUAL(fog_steer_verdicts(sender.steer, count), 0);
	CU_ASSERT_EQUAL(count[FOG_STEER_DROP_DENIED], sender.sent);
	CU_ASSERT_TRUE(sender.sent > 0);
	fog_steer_close(sender.steer);
}

int main(void)
{
	const CU_TestInfo tests[] = {
	        {"deny list", test_deny},
	        {"deny a family", test_deny_family},
	        {"bucket by the clock", test_rate},
	        {"a bucket per source", test_sources},
	        {"limit raised", test_limit_raised},
	        {"10,000 sources", test_many_sources},
	        {"all or nothing", test_all_or_nothing},
	        {"change under traffic", test_change_under_traffic},
	        CU_TEST_INFO_NULL,
	};

	steer_need_root();
	return check_run("steer filter", tests);
}
