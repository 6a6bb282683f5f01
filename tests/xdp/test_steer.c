// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Runs the steering program on single frames by BPF_PROG_TEST_RUN: every row says the action and
// the one counter that must move.
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../xdp/loader.h"
#include "../unit/drivers/frame.h"
#include "../unit/run.h"

#define OUR4 "10.7.0.1"
#define OUR6 "fd00:7::1"

enum { TAG = 42 };

struct row {
	const char *name;
	struct frame frame;
	unsigned cut; // keep only so many bytes, 0 = all
	enum fog_steer_verdict verdict;
};

// For a port without a tag.
static const struct row untagged_rows[] = {
        {"IPv4 ours", {.to = OUR4, .payload = 100}, 0, FOG_STEER_REDIRECTED},
        {"IPv4 second address", {.to = "10.7.0.2"}, 0, FOG_STEER_REDIRECTED},
        {"IPv4 empty payload", {.to = OUR4}, 0, FOG_STEER_REDIRECTED},
        {"IPv4 largest frame", {.to = OUR4, .payload = 1472}, 0, FOG_STEER_REDIRECTED},
        {"IPv4 one option word", {.to = OUR4, .options = 1}, 0, FOG_STEER_REDIRECTED},
        {"IPv4 ten option words", {.to = OUR4, .options = 10}, 0, FOG_STEER_REDIRECTED},
        {"IPv4 options, other port",
         {.to = OUR4, .options = 3, .port = 53},
         0,
         FOG_STEER_PASS_PORT},
        {"IPv4 other port", {.to = OUR4, .port = 9002}, 0, FOG_STEER_PASS_PORT},
        {"IPv4 port bytes swapped", {.to = OUR4, .port = 0x2923}, 0, FOG_STEER_PASS_PORT},
        {"IPv4 other address", {.to = "10.7.0.9"}, 0, FOG_STEER_PASS_ADDRESS},
        {"IPv4 broadcast", {.to = "255.255.255.255"}, 0, FOG_STEER_PASS_ADDRESS},
        {"IPv4 TCP", {.to = OUR4, .protocol = IPPROTO_TCP}, 0, FOG_STEER_PASS_TRANSPORT},
        {"IPv4 ICMP", {.to = OUR4, .protocol = IPPROTO_ICMP}, 0, FOG_STEER_PASS_TRANSPORT},
        {"IPv4 first fragment",
         {.to = OUR4, .payload = 64, .more_fragments = true},
         0,
         FOG_STEER_REDIRECTED},
        {"IPv4 middle fragment",
         {.to = OUR4, .payload = 64, .more_fragments = true, .fragment_offset = 9},
         0,
         FOG_STEER_PASS_FRAGMENT},
        {"IPv4 last fragment",
         {.to = OUR4, .payload = 64, .fragment_offset = 1},
         0,
         FOG_STEER_PASS_FRAGMENT},
        {"IPv4 version 5", {.to = OUR4, .version = 5}, 0, FOG_STEER_PASS_TRUNCATED},
        {"IPv4 header length 4", {.to = OUR4, .ihl = 4}, 0, FOG_STEER_PASS_TRUNCATED},
        {"IPv4 header longer than frame", {.to = OUR4, .ihl = 15}, 0, FOG_STEER_PASS_TRUNCATED},
        {"IPv4 cut in Ethernet+1", {.to = OUR4}, 15, FOG_STEER_PASS_TRUNCATED},
        {"IPv4 cut in IP", {.to = OUR4}, 33, FOG_STEER_PASS_TRUNCATED},
        {"IPv4 cut after IP", {.to = OUR4}, 34, FOG_STEER_PASS_TRUNCATED},
        {"IPv4 cut in UDP", {.to = OUR4}, 41, FOG_STEER_PASS_TRUNCATED},
        {"IPv4 cut after UDP", {.to = OUR4, .payload = 50}, 42, FOG_STEER_REDIRECTED},
        {"IPv4 cut in options", {.to = OUR4, .options = 10}, 70, FOG_STEER_PASS_TRUNCATED},
        {"IPv6 ours", {.to = OUR6, .payload = 100}, 0, FOG_STEER_REDIRECTED},
        {"IPv6 other port", {.to = OUR6, .port = 9002}, 0, FOG_STEER_PASS_PORT},
        {"IPv6 other address", {.to = "fd00:7::2"}, 0, FOG_STEER_PASS_ADDRESS},
        {"IPv6 last byte differs", {.to = "fd00:7::101"}, 0, FOG_STEER_PASS_ADDRESS},
        {"IPv6 ICMPv6", {.to = OUR6, .protocol = IPPROTO_ICMPV6}, 0, FOG_STEER_PASS_TRANSPORT},
        {"IPv6 first fragment",
         {.to = OUR6, .fragmented = true, .more_fragments = true},
         0,
         FOG_STEER_REDIRECTED},
        {"IPv6 first fragment, other port",
         {.to = OUR6, .fragmented = true, .more_fragments = true, .port = 1},
         0,
         FOG_STEER_PASS_PORT},
        {"IPv6 later fragment",
         {.to = OUR6, .fragmented = true, .fragment_offset = 1},
         0,
         FOG_STEER_PASS_FRAGMENT},
        {"IPv6 fragment of TCP",
         {.to = OUR6, .fragmented = true, .protocol = IPPROTO_TCP},
         0,
         FOG_STEER_PASS_TRANSPORT},
        {"IPv6 version 4", {.to = OUR6, .version = 4}, 0, FOG_STEER_PASS_TRUNCATED},
        {"IPv6 cut in IP", {.to = OUR6}, 53, FOG_STEER_PASS_TRUNCATED},
        {"IPv6 cut in fragment header",
         {.to = OUR6, .fragmented = true},
         61,
         FOG_STEER_PASS_TRUNCATED},
        {"IPv6 cut in UDP", {.to = OUR6}, 61, FOG_STEER_PASS_TRUNCATED},
        {"IPv6 cut after UDP", {.to = OUR6, .payload = 9}, 62, FOG_STEER_REDIRECTED},
        {"ARP", {.to = OUR4, .ethertype = 0x0806}, 0, FOG_STEER_PASS_ETHERTYPE},
        {"IPv6 ethertype, IPv4 body",
         {.to = OUR4, .ethertype = 0x86dd, .payload = 40},
         0,
         FOG_STEER_PASS_TRUNCATED},
        {"tagged IPv4", {.to = OUR4, .vlan = TAG}, 0, FOG_STEER_PASS_VLAN},
        {"tagged IPv6", {.to = OUR6, .vlan = TAG}, 0, FOG_STEER_PASS_VLAN},
        {"tag cut", {.to = OUR4, .vlan = TAG}, 17, FOG_STEER_PASS_TRUNCATED},
};

// For a port whose frames carry TAG.
static const struct row tagged_rows[] = {
        {"our tag, IPv4", {.to = OUR4, .vlan = TAG, .payload = 10}, 0, FOG_STEER_REDIRECTED},
        {"our tag, IPv6", {.to = OUR6, .vlan = TAG, .payload = 10}, 0, FOG_STEER_REDIRECTED},
        {"our tag with priority", {.to = OUR4, .vlan = 0xe000 | TAG}, 0, FOG_STEER_REDIRECTED},
        {"our tag, other port", {.to = OUR4, .vlan = TAG, .port = 1}, 0, FOG_STEER_PASS_PORT},
        {"our tag, IPv6, other port", {.to = OUR6, .vlan = TAG, .port = 1}, 0, FOG_STEER_PASS_PORT},
        {"our tag, other address", {.to = "10.7.0.9", .vlan = TAG}, 0, FOG_STEER_PASS_ADDRESS},
        {"our tag, IPv6, other address", {.to = "fd00::9", .vlan = TAG}, 0, FOG_STEER_PASS_ADDRESS},
        {"our tag, ARP",
         {.to = OUR4, .vlan = TAG, .ethertype = 0x0806},
         0,
         FOG_STEER_PASS_ETHERTYPE},
        {"our tag, a second tag",
         {.to = OUR4, .vlan = TAG, .ethertype = 0x8100},
         0,
         FOG_STEER_PASS_VLAN},
        {"our tag, TCP",
         {.to = OUR4, .vlan = TAG, .protocol = IPPROTO_TCP},
         0,
         FOG_STEER_PASS_TRANSPORT},
        {"our tag, options", {.to = OUR4, .vlan = TAG, .options = 2}, 0, FOG_STEER_REDIRECTED},
        {"our tag, first fragment",
         {.to = OUR4, .vlan = TAG, .more_fragments = true},
         0,
         FOG_STEER_REDIRECTED},
        {"our tag, later fragment",
         {.to = OUR4, .vlan = TAG, .fragment_offset = 2},
         0,
         FOG_STEER_PASS_FRAGMENT},
        {"our tag cut", {.to = OUR4, .vlan = TAG}, 17, FOG_STEER_PASS_TRUNCATED},
        {"our tag, cut in UDP", {.to = OUR4, .vlan = TAG}, 45, FOG_STEER_PASS_TRUNCATED},
        {"another tag", {.to = OUR4, .vlan = TAG + 1}, 0, FOG_STEER_PASS_VLAN},
        {"our number, service tag",
         {.to = OUR4, .vlan = TAG, .tpid = 0x88a8},
         0,
         FOG_STEER_PASS_VLAN},
        {"no tag, IPv4", {.to = OUR4}, 0, FOG_STEER_PASS_VLAN},
        {"no tag, IPv6", {.to = OUR6}, 0, FOG_STEER_PASS_VLAN},
};

static struct fog_steer *load(uint16_t vlan)
{
	const struct fog_ip ours[] = {frame_ip(OUR4), frame_ip("10.7.0.2"), frame_ip(OUR6)};
	const struct fog_steer_conf conf = {
	        .queues = 2,
	        .mix_port = FRAME_MIX_PORT,
	        .vlan = vlan,
	        .address_count = 3,
	        .address = ours};
	struct fog_steer *steer = NULL;
	char error[256] = "";

	CU_ASSERT_EQUAL_FATAL(fog_steer_load(&conf, &steer, error, sizeof(error)), 0);
	return steer;
}

// Run one frame; returns the action and checks that nothing but 'expected' was counted and that the
// frame came through unchanged.
static int run(struct fog_steer *steer, const struct row *row, enum fog_steer_verdict expected)
{
	uint64_t before[FOG_STEER_VERDICTS], after[FOG_STEER_VERDICTS];
	uint8_t in[FRAME_MAX], out[FRAME_MAX];
	unsigned len = frame_build(&row->frame, 1, in);
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in, .data_out = out, .repeat = 1);

	if (row->cut)
		len = row->cut;
	opts.data_size_in = len;
	opts.data_size_out = sizeof(out);
	CU_ASSERT_EQUAL_FATAL(fog_steer_verdicts(steer, before), 0);
	CU_ASSERT_EQUAL_FATAL(bpf_prog_test_run_opts(fog_steer_program(steer), &opts), 0);
	CU_ASSERT_EQUAL_FATAL(fog_steer_verdicts(steer, after), 0);
	CU_ASSERT_EQUAL(opts.data_size_out, len);
	CU_ASSERT_EQUAL(memcmp(in, out, len), 0);
	for (int v = 0; v < FOG_STEER_VERDICTS; v++) {
		if (after[v] - before[v] == (v == (int)expected))
			continue;
		printf("\n  row '%s': verdict %d moved by %lu", row->name, v, after[v] - before[v]);
		CU_FAIL("another counter moved");
	}
	return opts.retval;
}

static void run_rows(uint16_t vlan, const struct row *rows, unsigned n)
{
	struct fog_steer *steer = load(vlan);
	int xsk = socket(AF_XDP, SOCK_RAW, 0);

	CU_ASSERT_FATAL(xsk >= 0);
	CU_ASSERT_EQUAL_FATAL(fog_steer_set_socket(steer, 0, xsk), 0);
	for (unsigned i = 0; i < n; i++) {
		int wanted = rows[i].verdict == FOG_STEER_REDIRECTED ? XDP_REDIRECT : XDP_PASS;
		int action = run(steer, &rows[i], rows[i].verdict);

		if (action != wanted)
			printf("\n  row '%s': action %d, expected %d", rows[i].name, action,
			       wanted);
		CU_ASSERT_EQUAL(action, wanted);
	}
	printf("%u rows ", n);
	close(xsk);
	fog_steer_close(steer);
}

static void test_untagged(void)
{
	run_rows(0, untagged_rows, sizeof(untagged_rows) / sizeof(untagged_rows[0]));
}

static void test_tagged(void)
{
	run_rows(TAG, tagged_rows, sizeof(tagged_rows) / sizeof(tagged_rows[0]));
}

// Without a socket our frames are dropped, so that the kernel does not answer; others still pass.
static void test_no_socket(void)
{
	struct fog_steer *steer = load(0);
	int xsk = socket(AF_XDP, SOCK_RAW, 0);
	const struct row ours = {.name = "ours", .frame = {.to = OUR4}};
	const struct row other = {.name = "other", .frame = {.to = OUR4, .port = 1}};

	CU_ASSERT_EQUAL(run(steer, &ours, FOG_STEER_NO_SOCKET), XDP_DROP);
	CU_ASSERT_EQUAL(run(steer, &other, FOG_STEER_PASS_PORT), XDP_PASS);
	// A socket at another queue changes nothing, one taken away leaves the drop.
	CU_ASSERT_EQUAL(fog_steer_set_socket(steer, 1, xsk), 0);
	CU_ASSERT_EQUAL(run(steer, &ours, FOG_STEER_NO_SOCKET), XDP_DROP);
	CU_ASSERT_EQUAL(fog_steer_set_socket(steer, 0, xsk), 0);
	CU_ASSERT_EQUAL(run(steer, &ours, FOG_STEER_REDIRECTED), XDP_REDIRECT);
	CU_ASSERT_EQUAL(fog_steer_set_socket(steer, 0, -1), 0);
	CU_ASSERT_EQUAL(fog_steer_set_socket(steer, 0, -1), 0);
	CU_ASSERT_EQUAL(run(steer, &ours, FOG_STEER_NO_SOCKET), XDP_DROP);
	CU_ASSERT_TRUE(fog_steer_set_socket(steer, 2, xsk) < 0);
	close(xsk);
	fog_steer_close(steer);
}

int main(void)
{
	CU_pSuite suite;

	if (geteuid() != 0) {
		printf("skipped: needs root (loading BPF programs)\n");
		return 77;
	}
	CU_initialize_registry();
	suite = CU_add_suite("steer", NULL, NULL);
	CU_add_test(suite, "untagged port", test_untagged);
	CU_add_test(suite, "tagged port", test_tagged);
	CU_add_test(suite, "no socket at the queue", test_no_socket);
	return check_run_registered();
}
