// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The XDP program and the worker's parser must say the same of every frame: 100,000 of them, with
// FOGLINE_LONG 1,000,000. Who looks first differs: what early drop takes away, the parser would have
// dropped by a reason of its own. README.md has the table.
#include <CUnit/CUnit.h>
#include <bpf/bpf.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../dataplane/parse.h"
#include "../unit/run.h"
#include "steer_mutate.h"
#include "steer_rig.h"

enum { FRAMES = 100000, FRAMES_LONG = 1000000, PLANTED_FRAMES = 20000, SHOWN = 5 };

#define SEED UINT64_C(0xf09)

// The same port to both, in the four forms that the parsers tell apart.
struct twin {
	uint16_t vlan;
	uint32_t early_drop;
	struct fog_steer *steer;
	struct fog_parse_rules rules;
	uint64_t seen[FOG_STEER_VERDICTS];
};

static struct fog_ip ours[3];

static struct twin twin_make(uint16_t vlan, uint32_t early_drop)
{
	const struct fog_steer_rules filter = {.early_drop = early_drop};

	ours[0] = frame_ip(OUR4);
	ours[1] = frame_ip("10.7.0.2");
	ours[2] = frame_ip(OUR6);
	return (struct twin
	){.vlan = vlan,
	  .early_drop = early_drop,
	  .steer = steer_load(vlan, &filter),
	  .rules = {
	          .address = ours,
	          .address_count = 3,
	          .vlan = vlan,
	          .mix_port = FRAME_MIX_PORT,
	          .payload_len = PACKET}};
}

// What the program must say of a frame of which the parser says this. No socket sits at the queue.
static enum fog_steer_verdict same_verdict(enum fog_drop drop, bool ours_too, bool early_drop)
{
	if (ours_too && drop != FOG_DROP_NONE && early_drop)
		return drop == FOG_DROP_FRAGMENT ? FOG_STEER_DROP_FRAGMENT : FOG_STEER_DROP_LENGTH;
	if (ours_too)
		return FOG_STEER_NO_SOCKET;
	switch (drop) {
	case FOG_DROP_FRAME_TRUNCATED:
	case FOG_DROP_IP_HEADER:
		return FOG_STEER_PASS_TRUNCATED;
	case FOG_DROP_VLAN:
		return FOG_STEER_PASS_VLAN;
	case FOG_DROP_ETHERTYPE:
		return FOG_STEER_PASS_ETHERTYPE;
	case FOG_DROP_NOT_OUR_ADDRESS:
		return FOG_STEER_PASS_ADDRESS;
	case FOG_DROP_FRAGMENT:
		return FOG_STEER_PASS_FRAGMENT;
	case FOG_DROP_NOT_UDP:
		return FOG_STEER_PASS_TRANSPORT;
	case FOG_DROP_UDP_PORT:
		return FOG_STEER_PASS_PORT;
	default: // not ours, and yet kept or dropped for its length: never right
		return FOG_STEER_VERDICTS;
	}
}

// The one verdict that a run of the program counts.
static enum fog_steer_verdict program_verdict(struct twin *t, const uint8_t *frame, unsigned len)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = len, .repeat = 1);
	uint64_t now[FOG_STEER_VERDICTS];
	unsigned moved = 0, verdict = FOG_STEER_VERDICTS;

	CU_ASSERT_EQUAL_FATAL(bpf_prog_test_run_opts(fog_steer_program(t->steer), &opts), 0);
	CU_ASSERT_EQUAL_FATAL(fog_steer_verdicts(t->steer, now), 0);
	for (unsigned v = 0; v < FOG_STEER_VERDICTS; v++) {
		if (now[v] == t->seen[v])
			continue;
		moved += now[v] - t->seen[v];
		verdict = v;
	}
	memcpy(t->seen, now, sizeof(now));
	if (moved != 1 || (int)opts.retval != steer_action(verdict))
		return FOG_STEER_VERDICTS;
	return verdict;
}

static void show(
        const struct twin *t, const uint8_t *frame, unsigned len, enum fog_steer_verdict program,
        enum fog_drop drop, bool ours_too
)
{
	printf("\n  port of vlan %u, early drop %u: program %s, parser %s%s, frame:", t->vlan,
	       t->early_drop, fog_steer_label(program), fog_drop_label(drop),
	       ours_too ? " (ours)" : "");
	for (unsigned i = 0; i < len; i++)
		printf("%s%02x", i % 32 == 0 ? "\n    " : "", frame[i]);
}

// A mistake in the parser, planted by changing what it gets to see.
typedef void (*planted_bug)(struct fog_parse_rules *rules, uint8_t *frame, unsigned *len);

// Compare 'n' frames; returns on how many the two differ, and shows the first ones when told.
static uint64_t compare(struct twin *t, uint64_t seed, unsigned n, planted_bug bug, bool telling)
{
	uint8_t frame[MUTATE_MAX], changed[MUTATE_MAX + 8];
	uint64_t state = seed, differ = 0;
	struct fog_parsed parsed;

	for (unsigned i = 0; i < n; i++) {
		unsigned len = steer_mutate(&state, frame), seen_len = len;
		struct fog_parse_rules rules = t->rules;

		memset(changed, 0, sizeof(changed));
		memcpy(changed, frame, len);
		if (bug)
			bug(&rules, changed, &seen_len);
		enum fog_drop drop = fog_parse(&rules, changed, seen_len, &parsed);
		enum fog_steer_verdict program = program_verdict(t, frame, len);
		if (program == same_verdict(drop, parsed.ours, t->early_drop))
			continue;
		if (telling && differ < SHOWN)
			show(t, frame, len, program, drop, parsed.ours);
		differ++;
	}
	return differ;
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void test_same(void)
{
	struct twin twins[] = {
	        twin_make(0, 1), twin_make(0, 0), twin_make(TAG, 1), twin_make(TAG, 0)};
	unsigned n = getenv("FOGLINE_LONG") ? FRAMES_LONG : FRAMES;
	uint64_t total[FOG_STEER_VERDICTS] = {};
	double begin = seconds();

	// The tagged port gets a quarter: most of what it sees is not for it.
	const unsigned share[] = {n / 2, n / 4, n / 8, n / 8};
	for (unsigned i = 0; i < 4; i++) {
		CU_ASSERT_EQUAL(compare(&twins[i], SEED + i, share[i], NULL, true), 0);
		for (unsigned v = 0; v < FOG_STEER_VERDICTS; v++)
			total[v] += twins[i].seen[v];
		fog_steer_close(twins[i].steer);
	}
	printf("\n  %u frames, %.0f a second:", n, n / (seconds() - begin));
	for (unsigned v = 0; v < FOG_STEER_VERDICTS; v++) {
		// Need a socket or rules, so they are none of the parser's business.
		if (v == FOG_STEER_REDIRECTED || v == FOG_STEER_DROP_DENIED ||
		    v == FOG_STEER_DROP_RATE)
			continue;
		printf(" %s %" PRIu64, fog_steer_label(v), total[v]);
		// A comparison that never gets there compares nothing.
		CU_ASSERT_TRUE(total[v] >= n / 500);
	}
	printf("\n  ");
}

static void bug_length(struct fog_parse_rules *rules, uint8_t *frame, unsigned *len)
{
	rules->payload_len++;
}

static void bug_byte_more(struct fog_parse_rules *rules, uint8_t *frame, unsigned *len)
{
	++*len;
}

static void bug_service_tag(struct fog_parse_rules *rules, uint8_t *frame, unsigned *len)
{
	if (frame[12] == 0x88 && frame[13] == 0xa8)
		memcpy(frame + 12, "\x81", 2);
}

static void bug_more_fragments(struct fog_parse_rules *rules, uint8_t *frame, unsigned *len)
{
	if (frame[12] == 0x08 && frame[13] == 0x00)
		frame[14 + 6] &= 0xdf;
}

static void bug_stops_left(struct fog_parse_rules *rules, uint8_t *frame, unsigned *len)
{
	if (frame[12] == 0x86 && frame[13] == 0xdd && frame[14 + 6] == IPPROTO_ROUTING)
		frame[14 + 40 + 3] = 0;
}

static void bug_ip_length(struct fog_parse_rules *rules, uint8_t *frame, unsigned *len)
{
	// As if the IP length were not looked at.
	if (frame[12] == 0x08 && frame[13] == 0x00 && *len > 34) {
		frame[16] = (*len - 14) >> 8;
		frame[17] = (*len - 14) & 0xff;
	}
}

static void bug_address(struct fog_parse_rules *rules, uint8_t *frame, unsigned *len)
{
	// As if the last byte of an IPv6 address did not count.
	if (frame[12] == 0x86 && frame[13] == 0xdd && *len >= 54)
		frame[14 + 39] = 1;
}

// The comparison is worth what it finds: each of these mistakes must come out.
static void test_planted(void)
{
	static const struct {
		const char *name;
		planted_bug bug;
	} bugs[] = {
	        {"length off by one", bug_length},
	        {"a byte behind the frame", bug_byte_more},
	        {"service tag as ours", bug_service_tag},
	        {"more-fragments flag", bug_more_fragments},
	        {"routing header's stops", bug_stops_left},
	        {"IP length", bug_ip_length},
	        {"last byte of an address", bug_address},
	};

	for (unsigned i = 0; i < sizeof(bugs) / sizeof(bugs[0]); i++) {
		struct twin untagged = twin_make(0, 1), tagged = twin_make(TAG, 1);
		uint64_t found = compare(&untagged, SEED, PLANTED_FRAMES, bugs[i].bug, false) +
		        compare(&tagged, SEED, PLANTED_FRAMES, bugs[i].bug, false);

		printf("\n  %s: %" PRIu64 " differ", bugs[i].name, found);
		CU_ASSERT_TRUE(found > 0);
		fog_steer_close(untagged.steer);
		fog_steer_close(tagged.steer);
	}
	printf("\n  ");
}

int main(void)
{
	const CU_TestInfo tests[] = {
	        {"same verdict", test_same},
	        {"planted mistakes are found", test_planted},
	        CU_TEST_INFO_NULL,
	};

	steer_need_root();
	return check_run("steer and parser", tests);
}
