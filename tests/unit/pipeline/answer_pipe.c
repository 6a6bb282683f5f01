// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A worker behind a loop port that answer_check.py speaks to: on standard input a frame in
// hexadecimal a line ("wait": let the buckets fill), on standard output what became of it:
//   answered HEX | punted HEX-OF-STRUCT | sent HEX | dropped REASON
// "flood HEX" passes the frame without a pause until one is too many: flooded ANSWERED REFUSED
// "mac HEX", "link_local HEX" and "listen HEX", the report of a group, are said first. The books are checked after every frame.
#include <rte_cycles.h>
#include <rte_ring.h>
#include <rte_ring_elem.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../../dataplane/frame.h"
#include "../../../dataplane/question.h"
#include "pipe.h"
#include "rig.h"

enum { PREFIX4 = 24, PREFIX6 = 64, LINE = 8192, FLOOD = 100000 };

static void say(
        struct rig *r, const struct fog_worker_counters *before, const uint8_t *frame, uint32_t len
)
{
	const struct fog_worker_counters *c = rig_snapshot(r);
	struct fog_heard h;

	for (unsigned i = 1; i < FOG_DROP_COUNT; i++)
		if (c->drop[i] != before->drop[i])
			printf("dropped %s\n", fog_drop_label(i));
	if (c->punted != before->punted &&
	    rte_ring_sc_dequeue_elem(r->w->heard, &h, sizeof(h)) == 0)
		pipe_print_hex("punted", (const uint8_t *)&h, sizeof(h));
	if (c->tx != before->tx)
		pipe_print_hex(c->answered != before->answered ? "answered" : "sent", frame, len);
	fflush(stdout);
}

static void put(struct rig *r, const uint8_t *bytes, unsigned n)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(r->w->pool);

	if (m == NULL || n > rte_pktmbuf_tailroom(m))
		exit(2);
	memcpy(rte_pktmbuf_append(m, (uint16_t)n), bytes, n);
	if (fog_loop_put(r->port, 0, &m, 1) != 1)
		exit(2);
}

static void pass(struct rig *r, const uint8_t *bytes, unsigned n)
{
	static uint8_t sent[4096];
	struct fog_worker_counters before = *rig_snapshot(r);
	uint32_t len = 0;

	put(r, bytes, n);
	rig_run(r, sent, &len);
	say(r, &before, sent, len);
}

static void flood(struct rig *r, const uint8_t *bytes, unsigned n)
{
	uint64_t answered = r->w->count.answered;
	const uint64_t *refused = &r->w->count.drop[FOG_DROP_ANSWER_RATE], before = *refused;

	for (unsigned i = 0; i < FLOOD && *refused == before; i++) {
		put(r, bytes, n);
		rig_run(r, NULL, NULL);
	}
	rig_snapshot(r); // asserts that the books close
	printf("flooded %lu %lu\n", r->w->count.answered - answered, *refused - before);
	fflush(stdout);
}

static bool vlan;

static void serve(void)
{
	static char line[LINE];
	uint8_t bytes[LINE / 2] = {0};
	struct rig *r = rig_create(vlan ? RIG_VLAN : 0, 64);

	r->w->heard = rte_ring_create_elem(
	        "heard", sizeof(struct fog_heard), 64, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ
	);
	r->port->prefix[0] = PREFIX4;
	r->port->prefix[1] = PREFIX6;
	pipe_print_hex("mac", r->port->mac, 6);
	pipe_print_hex("link_local", r->port->link_local.addr, 16);
	pipe_print_hex("listen", bytes, fog_frame_listen(bytes, r->port, &r->port->address[1]));
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		if (strncmp(line, "wait", 4) == 0)
			rte_delay_us_sleep(FOG_ANSWER_BURST * 1000000u / FOG_ANSWER_RATE + 1000u);
		else if (strncmp(line, "flood ", 6) == 0)
			flood(r, bytes, pipe_read_hex(line + 6, bytes, sizeof(bytes)));
		else
			pass(r, bytes, pipe_read_hex(line, bytes, sizeof(bytes)));
	}
	rte_ring_free(r->w->heard);
	rig_destroy(r);
}

int main(int argc, char **argv)
{
	vlan = argc > 1;
	return pipe_run("answer", serve);
}
