// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "steer_rig.h"

#include <CUnit/CUnit.h>
#include <bpf/bpf.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void steer_need_root(void)
{
	if (geteuid() == 0)
		return;
	printf("skipped: needs root (loading BPF programs)\n");
	exit(77);
}

struct fog_steer *steer_load(uint16_t vlan, const struct fog_steer_rules *rules)
{
	const struct fog_ip ours[] = {frame_ip(OUR4), frame_ip("10.7.0.2"), frame_ip(OUR6)};
	const struct fog_steer_conf conf = {
	        .queues = 2,
	        .mix_port = FRAME_MIX_PORT,
	        .vlan = vlan,
	        .payload_len = PACKET,
	        .address_count = 3,
	        .address = ours,
	};
	struct fog_steer *steer = NULL;
	char error[256] = "";

	if (fog_steer_load(&conf, &steer, error, sizeof(error)) < 0)
		printf("\n  %s", error);
	CU_ASSERT_PTR_NOT_NULL_FATAL(steer);
	if (rules)
		CU_ASSERT_EQUAL_FATAL(fog_steer_set_rules(steer, rules), 0);
	return steer;
}

int steer_run(struct fog_steer *steer, const struct row *row, enum fog_steer_verdict expected)
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
		printf("\n  row '%s': verdict %s moved by %" PRIu64, row->name, fog_steer_label(v),
		       after[v] - before[v]);
		CU_FAIL("another counter moved");
	}
	return opts.retval;
}

int steer_action(enum fog_steer_verdict verdict)
{
	if (verdict == FOG_STEER_REDIRECTED)
		return XDP_REDIRECT;
	return verdict >= FOG_STEER_PASS_TRUNCATED ? XDP_PASS : XDP_DROP;
}

void steer_check_rows(struct fog_steer *steer, const struct row *rows, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		int wanted = steer_action(rows[i].verdict);
		int action = steer_run(steer, &rows[i], rows[i].verdict);

		if (action != wanted)
			printf("\n  row '%s': action %d, expected %d", rows[i].name, action,
			       wanted);
		CU_ASSERT_EQUAL(action, wanted);
	}
	printf("%u rows ", n);
}

void steer_run_rows(
        uint16_t vlan, const struct fog_steer_rules *rules, const struct row *rows, unsigned n
)
{
	struct fog_steer *steer = steer_load(vlan, rules);
	int xsk = socket(AF_XDP, SOCK_RAW, 0);

	CU_ASSERT_FATAL(xsk >= 0);
	CU_ASSERT_EQUAL_FATAL(fog_steer_set_socket(steer, 0, xsk), 0);
	steer_check_rows(steer, rows, n);
	close(xsk);
	fog_steer_close(steer);
}
