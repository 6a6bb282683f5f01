// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Whose a frame is, and what early drop makes of it.
#include <CUnit/CUnit.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../unit/run.h"
#include "steer_rig.h"

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
        {"IPv4 total below the header",
         {.to = OUR4, .ip_len_off = -9},
         0,
         FOG_STEER_PASS_TRUNCATED},
        {"IPv4 UDP in the padding only",
         {.to = OUR4, .ip_len_off = -8},
         0,
         FOG_STEER_PASS_TRUNCATED},
        {"IPv4 total ends in UDP", {.to = OUR4, .ip_len_off = -1}, 0, FOG_STEER_PASS_TRUNCATED},
        {"IPv4 other address, other port",
         {.to = "10.7.0.9", .port = 53},
         0,
         FOG_STEER_PASS_ADDRESS},
        {"IPv4 middle fragment of TCP",
         {.to = OUR4, .protocol = IPPROTO_TCP, .fragment_offset = 9},
         0,
         FOG_STEER_PASS_FRAGMENT},
        {"IPv4 middle fragment to another address",
         {.to = "10.7.0.9", .fragment_offset = 9},
         0,
         FOG_STEER_PASS_ADDRESS},
        {"IPv6 hop-by-hop", {.to = OUR6, .extensions = "h"}, 0, FOG_STEER_REDIRECTED},
        {"IPv6 destination options", {.to = OUR6, .extensions = "d"}, 0, FOG_STEER_REDIRECTED},
        {"IPv6 long options", {.to = OUR6, .extensions = "D"}, 0, FOG_STEER_REDIRECTED},
        {"IPv6 routing, last stop", {.to = OUR6, .extensions = "r"}, 0, FOG_STEER_REDIRECTED},
        {"IPv6 routing, a stop left", {.to = OUR6, .extensions = "R"}, 0, FOG_STEER_PASS_TRANSPORT},
        {"IPv6 all headers", {.to = OUR6, .extensions = "hdrfD"}, 0, FOG_STEER_REDIRECTED},
        {"IPv6 six headers", {.to = OUR6, .extensions = "hdrfDd"}, 0, FOG_STEER_REDIRECTED},
        {"IPv6 seven headers", {.to = OUR6, .extensions = "hdrfDdd"}, 0, FOG_STEER_PASS_TRANSPORT},
        {"IPv6 authentication", {.to = OUR6, .extensions = "ha"}, 0, FOG_STEER_PASS_TRANSPORT},
        {"IPv6 options before TCP",
         {.to = OUR6, .extensions = "hd", .protocol = IPPROTO_TCP},
         0,
         FOG_STEER_PASS_TRANSPORT},
        {"IPv6 options, other port",
         {.to = OUR6, .extensions = "hd", .port = 53},
         0,
         FOG_STEER_PASS_PORT},
        {"IPv6 options, other address",
         {.to = "fd00:7::9", .extensions = "hd"},
         0,
         FOG_STEER_PASS_ADDRESS},
        {"IPv6 later fragment behind options",
         {.to = OUR6, .extensions = "hdf", .fragment_offset = 1},
         0,
         FOG_STEER_PASS_FRAGMENT},
        {"IPv6 length ends in the options",
         {.to = OUR6, .extensions = "hd", .ip_len_off = -12},
         0,
         FOG_STEER_PASS_TRUNCATED},
        {"IPv6 length zero", {.to = OUR6, .ip_len_off = -8}, 0, FOG_STEER_PASS_TRUNCATED},
        {"IPv6 no next header",
         {.to = OUR6, .protocol = IPPROTO_NONE},
         0,
         FOG_STEER_PASS_TRANSPORT},
        {"priority tag, IPv4", {.to = OUR4, .vlan = 0xe000}, 0, FOG_STEER_REDIRECTED},
        {"priority tag, IPv6", {.to = OUR6, .vlan = 0x2000}, 0, FOG_STEER_REDIRECTED},
        {"two priority tags",
         {.to = OUR4, .vlan = 0xe000, .tpid = 0x88a8, .inner_vlan = 0x2000},
         0,
         FOG_STEER_REDIRECTED},
        {"priority tag around a network's",
         {.to = OUR4, .vlan = 0xe000, .inner_vlan = TAG},
         0,
         FOG_STEER_PASS_VLAN},
        {"priority tag, ARP",
         {.to = OUR4, .vlan = 0xe000, .ethertype = 0x0806},
         0,
         FOG_STEER_PASS_ETHERTYPE},
        {"three tags",
         {.to = OUR4, .vlan = 0xe000, .inner_vlan = 0xe000, .ethertype = 0x8100},
         0,
         FOG_STEER_PASS_ETHERTYPE},
        {"two networks' tags",
         {.to = OUR4, .vlan = 7, .tpid = 0x88a8, .inner_vlan = TAG},
         0,
         FOG_STEER_PASS_VLAN},
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
        {"our tag in a priority tag",
         {.to = OUR4, .vlan = 0xe000, .inner_vlan = TAG},
         0,
         FOG_STEER_REDIRECTED},
        {"our tag in a priority service tag",
         {.to = OUR6, .vlan = 0xe000, .tpid = 0x88a8, .inner_vlan = TAG},
         0,
         FOG_STEER_REDIRECTED},
        {"a priority tag in our tag",
         {.to = OUR4, .vlan = TAG, .inner_vlan = 0xe000},
         0,
         FOG_STEER_REDIRECTED},
        {"our tag in another network's",
         {.to = OUR4, .vlan = 7, .tpid = 0x88a8, .inner_vlan = TAG},
         0,
         FOG_STEER_PASS_VLAN},
        {"our tag around another network's",
         {.to = OUR4, .vlan = TAG, .inner_vlan = 7},
         0,
         FOG_STEER_PASS_VLAN},
        {"our tag twice", {.to = OUR4, .vlan = TAG, .inner_vlan = TAG}, 0, FOG_STEER_PASS_VLAN},
        {"our tag inside, service tag",
         {.to = OUR4, .vlan = 0xe000, .inner_vlan = TAG, .inner_tpid = 0x88a8},
         0,
         FOG_STEER_PASS_VLAN},
        {"inner tag cut",
         {.to = OUR4, .vlan = 0xe000, .inner_vlan = TAG},
         21,
         FOG_STEER_PASS_TRUNCATED},
        {"priority tag only", {.to = OUR4, .vlan = 0xe000}, 0, FOG_STEER_PASS_VLAN},
        {"no tag, IPv4", {.to = OUR4}, 0, FOG_STEER_PASS_VLAN},
        {"no tag, IPv6", {.to = OUR6}, 0, FOG_STEER_PASS_VLAN},
};

// With early drop: what is ours and no packet of the network ends here, what is not ours passes as
// without.
static const struct row early_rows[] = {
        {"IPv4 packet", {.to = OUR4, .payload = PACKET}, 0, FOG_STEER_REDIRECTED},
        {"IPv4 packet, options",
         {.to = OUR4, .payload = PACKET, .options = 4},
         0,
         FOG_STEER_REDIRECTED},
        {"IPv4 packet, padded frame",
         {.to = OUR4, .payload = PACKET, .padding = 6},
         0,
         FOG_STEER_REDIRECTED},
        {"IPv4 packet, room behind UDP",
         {.to = OUR4, .payload = PACKET + 4, .udp_len_off = -4},
         0,
         FOG_STEER_REDIRECTED},
        {"IPv6 packet", {.to = OUR6, .payload = PACKET}, 0, FOG_STEER_REDIRECTED},
        {"IPv6 packet, options",
         {.to = OUR6, .payload = PACKET, .extensions = "hDrd"},
         0,
         FOG_STEER_REDIRECTED},
        {"IPv4 a byte short", {.to = OUR4, .payload = PACKET - 1}, 0, FOG_STEER_DROP_LENGTH},
        {"IPv4 a byte long", {.to = OUR4, .payload = PACKET + 1}, 0, FOG_STEER_DROP_LENGTH},
        {"IPv4 nothing", {.to = OUR4}, 0, FOG_STEER_DROP_LENGTH},
        {"IPv4 64-byte frame", {.to = OUR4, .payload = 18}, 0, FOG_STEER_DROP_LENGTH},
        {"IPv4 largest frame", {.to = OUR4, .payload = 1472}, 0, FOG_STEER_DROP_LENGTH},
        {"IPv4 UDP says less than it has",
         {.to = OUR4, .payload = PACKET, .udp_len_off = -1},
         0,
         FOG_STEER_DROP_LENGTH},
        {"IPv4 UDP says more than it has",
         {.to = OUR4, .payload = PACKET - 1, .udp_len_off = 1},
         0,
         FOG_STEER_DROP_LENGTH},
        {"IPv4 UDP says zero",
         {.to = OUR4, .payload = PACKET, .udp_len_off = -PACKET - 8},
         0,
         FOG_STEER_DROP_LENGTH},
        {"IPv4 IP says a byte less",
         {.to = OUR4, .payload = PACKET, .ip_len_off = -1},
         0,
         FOG_STEER_DROP_LENGTH},
        {"IPv4 IP says a byte more",
         {.to = OUR4, .payload = PACKET, .ip_len_off = 1},
         0,
         FOG_STEER_DROP_LENGTH},
        {"IPv4 the rest in the padding",
         {.to = OUR4, .payload = PACKET - 4, .udp_len_off = 4, .padding = 4},
         0,
         FOG_STEER_DROP_LENGTH},
        {"IPv6 a byte short", {.to = OUR6, .payload = PACKET - 1}, 0, FOG_STEER_DROP_LENGTH},
        {"IPv6 a byte long", {.to = OUR6, .payload = PACKET + 1}, 0, FOG_STEER_DROP_LENGTH},
        {"IPv6 options count for nothing",
         {.to = OUR6, .payload = PACKET - 8, .extensions = "h"},
         0,
         FOG_STEER_DROP_LENGTH},
        {"IPv6 IP says more",
         {.to = OUR6, .payload = PACKET, .ip_len_off = 1},
         0,
         FOG_STEER_DROP_LENGTH},
        {"IPv6 IP says less",
         {.to = OUR6, .payload = PACKET, .ip_len_off = -1},
         0,
         FOG_STEER_DROP_LENGTH},
        {"IPv4 first fragment",
         {.to = OUR4, .payload = PACKET, .more_fragments = true},
         0,
         FOG_STEER_DROP_FRAGMENT},
        {"IPv4 first fragment of wrong length",
         {.to = OUR4, .payload = 64, .more_fragments = true},
         0,
         FOG_STEER_DROP_FRAGMENT},
        {"IPv6 first fragment",
         {.to = OUR6, .payload = PACKET, .extensions = "f", .more_fragments = true},
         0,
         FOG_STEER_DROP_FRAGMENT},
        {"IPv6 whole packet as a fragment",
         {.to = OUR6, .payload = PACKET, .extensions = "f"},
         0,
         FOG_STEER_DROP_FRAGMENT},
        {"IPv6 fragment behind options",
         {.to = OUR6, .payload = PACKET, .extensions = "hf"},
         0,
         FOG_STEER_DROP_FRAGMENT},
        {"IPv4 later fragment",
         {.to = OUR4, .payload = PACKET, .fragment_offset = 4},
         0,
         FOG_STEER_PASS_FRAGMENT},
        {"IPv6 later fragment",
         {.to = OUR6, .payload = PACKET, .extensions = "f", .fragment_offset = 4},
         0,
         FOG_STEER_PASS_FRAGMENT},
        {"IPv4 first fragment, other port",
         {.to = OUR4, .port = 53, .more_fragments = true},
         0,
         FOG_STEER_PASS_PORT},
        {"IPv4 other port, any length", {.to = OUR4, .port = 53}, 0, FOG_STEER_PASS_PORT},
        {"IPv4 other address, any length", {.to = "10.7.0.9"}, 0, FOG_STEER_PASS_ADDRESS},
        {"IPv6 other address, any length", {.to = "fd00:7::9"}, 0, FOG_STEER_PASS_ADDRESS},
        {"IPv4 TCP", {.to = OUR4, .protocol = IPPROTO_TCP}, 0, FOG_STEER_PASS_TRANSPORT},
        {"ARP", {.to = OUR4, .ethertype = 0x0806}, 0, FOG_STEER_PASS_ETHERTYPE},
        {"another network's tag", {.to = OUR4, .vlan = TAG}, 0, FOG_STEER_PASS_VLAN},
};

// Frames that are cut at every byte.
static const struct {
	struct frame frame;
	uint16_t vlan;
	unsigned headers; // up to the end of the UDP header
} cut_frames[] = {
        {{.to = OUR4, .payload = PACKET}, 0, 42},
        {{.to = OUR4, .payload = PACKET, .options = 10}, 0, 82},
        {{.to = OUR4, .payload = PACKET, .vlan = TAG}, TAG, 46},
        {{.to = OUR4, .payload = PACKET, .vlan = 0xe000, .inner_vlan = TAG}, TAG, 50},
        {{.to = OUR6, .payload = PACKET}, 0, 62},
        {{.to = OUR6, .payload = PACKET, .vlan = 0xe000, .inner_vlan = TAG}, TAG, 70},
        {{.to = OUR6, .payload = PACKET, .extensions = "hDrd"}, 0, 102},
        {{.to = OUR6, .payload = PACKET, .extensions = "dddddd"}, 0, 110},
};

static const struct fog_steer_rules early = {.early_drop = 1};

static void test_untagged(void)
{
	steer_run_rows(0, NULL, ROWS(untagged_rows));
}

static void test_tagged(void)
{
	steer_run_rows(TAG, NULL, ROWS(tagged_rows));
}

static void test_early(void)
{
	steer_run_rows(0, &early, ROWS(early_rows));
}

// Wherever a packet is cut: in its headers it can't be told whose it is; behind them it is ours, and
// no packet. The shortest frame that a kernel takes is an Ethernet header.
static void test_cuts(void)
{
	for (unsigned i = 0; i < sizeof(cut_frames) / sizeof(cut_frames[0]); i++) {
		struct fog_steer *steer = steer_load(cut_frames[i].vlan, &early);
		struct fog_steer *lax = steer_load(cut_frames[i].vlan, NULL);
		unsigned len = cut_frames[i].headers + PACKET;
		uint8_t bytes[FRAME_MAX];

		CU_ASSERT_EQUAL(frame_build(&cut_frames[i].frame, 1, bytes), len);
		for (unsigned cut = 14; cut <= len; cut++) {
			struct row row = {.frame = cut_frames[i].frame, .cut = cut};
			char name[32];

			snprintf(name, sizeof(name), "frame %u cut at %u", i, cut);
			row.name = name;
			if (cut < cut_frames[i].headers)
				row.verdict = FOG_STEER_PASS_TRUNCATED;
			else
				row.verdict = cut < len ? FOG_STEER_DROP_LENGTH
				                        : FOG_STEER_NO_SOCKET;
			CU_ASSERT_EQUAL(
			        steer_run(steer, &row, row.verdict), steer_action(row.verdict)
			);
			if (row.verdict == FOG_STEER_DROP_LENGTH)
				steer_run(lax, &row, FOG_STEER_NO_SOCKET);
		}
		fog_steer_close(steer);
		fog_steer_close(lax);
	}
}

// Without a socket our frames are dropped, so that the kernel does not answer; others still pass.
static void test_no_socket(void)
{
	struct fog_steer *steer = steer_load(0, NULL);
	int xsk = socket(AF_XDP, SOCK_RAW, 0);
	const struct row ours = {.name = "ours", .frame = {.to = OUR4}};
	const struct row other = {.name = "other", .frame = {.to = OUR4, .port = 1}};

	CU_ASSERT_EQUAL(steer_run(steer, &ours, FOG_STEER_NO_SOCKET), XDP_DROP);
	CU_ASSERT_EQUAL(steer_run(steer, &other, FOG_STEER_PASS_PORT), XDP_PASS);
	// A socket at another queue changes nothing, one taken away leaves the drop.
	CU_ASSERT_EQUAL(fog_steer_set_socket(steer, 1, xsk), 0);
	CU_ASSERT_EQUAL(steer_run(steer, &ours, FOG_STEER_NO_SOCKET), XDP_DROP);
	CU_ASSERT_EQUAL(fog_steer_set_socket(steer, 0, xsk), 0);
	CU_ASSERT_EQUAL(steer_run(steer, &ours, FOG_STEER_REDIRECTED), XDP_REDIRECT);
	CU_ASSERT_EQUAL(fog_steer_set_socket(steer, 0, -1), 0);
	CU_ASSERT_EQUAL(fog_steer_set_socket(steer, 0, -1), 0);
	CU_ASSERT_EQUAL(steer_run(steer, &ours, FOG_STEER_NO_SOCKET), XDP_DROP);
	CU_ASSERT_TRUE(fog_steer_set_socket(steer, 2, xsk) < 0);
	close(xsk);
	fog_steer_close(steer);
}

int main(void)
{
	CU_pSuite suite;

	steer_need_root();
	CU_initialize_registry();
	suite = CU_add_suite("steer", NULL, NULL);
	CU_add_test(suite, "untagged port", test_untagged);
	CU_add_test(suite, "tagged port", test_tagged);
	CU_add_test(suite, "early drop", test_early);
	CU_add_test(suite, "cut at every byte", test_cuts);
	CU_add_test(suite, "no socket at the queue", test_no_socket);
	return check_run_registered();
}
