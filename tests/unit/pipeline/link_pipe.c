// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A worker with encrypted links behind a loop port that link_check.py speaks to, as its node 1. First it
// says "self HEX", its mix key, "next HEX", node 1's ID, and "next_key HEX", node 1's mix key. Then
// commands, a line each:
//   session RX_BASE TX_BASE RX_COUNT RX_KEY TX_KEY   indices in hexadecimal, as all else
//   put HEX                                          the UDP payload of a frame from node 1
//   nothing RX_BASE | notice RX_BASE HEX             a control frame to node 1
// and what came of it: sent HEX, the payload of a frame | answered | noticed | dropped REASON | status
// NUMBER. The books are checked after every frame.
#include <stdio.h>
#include <stdlib.h>

#include "../../../dataplane/link_stage.h"
#include "pipe.h"
#include "rig.h"

enum { LINE = 8192, PAYLOAD_AT = 14 + 20 + 8 };

static struct rig *rig;

static void session(const char *text)
{
	char rx[65], tx[65];
	struct fog_link_session s = {
	        .class = FOG_LINK_NODE,
	        .initiator = 1,
	        .ip = {.family = 4, .addr = {10, 0, 0, 2}},
	        .port = 9001,
	        .rekey_packets = 1u << 30,
	        .reject_packets = 1u << 31,
	};
	unsigned count;

	if (sscanf(text, "%x %x %x %64s %64s", &s.rx_index, &s.tx_index, &count, rx, tx) != 5)
		exit(2);
	s.rx_count = (uint16_t)count;
	memcpy(s.node_id, rig->id[1], sizeof(s.node_id));
	pipe_read_hex(rx, s.rx_key, sizeof(s.rx_key));
	pipe_read_hex(tx, s.tx_key, sizeof(s.tx_key));
	printf("status %d\n",
	       fog_link_install(rig->links, &s, fog_conf_peer(rig->peer_id, rig->id[1])));
}

// What the worker has done since.
static void say(const struct fog_worker_counters *before)
{
	static uint8_t frame[4096];
	uint32_t len = 0;

	rig_run(rig, frame, &len);
	const struct fog_worker_counters *c = rig_snapshot(rig);
	for (unsigned i = 1; i < FOG_DROP_COUNT; i++)
		if (c->drop[i] != before->drop[i])
			printf("dropped %s\n", fog_drop_label(i));
	if (c->answered != before->answered)
		printf("answered\n");
	if (c->punted != before->punted)
		printf("noticed\n");
	if (c->tx != before->tx) {
		pipe_print_hex("sent", frame + PAYLOAD_AT, len - PAYLOAD_AT);
	}
}

static void command(const char *line)
{
	static uint8_t bytes[LINE / 2];
	struct fog_worker_counters before = *rig_snapshot(rig);
	struct rig_frame good = rig_frame_good(rig);
	unsigned index;
	int at = 0;

	if (strncmp(line, "session ", 8) == 0) {
		session(line + 8);
	} else if (strncmp(line, "put ", 4) == 0) {
		rig_put(rig, &good, bytes, pipe_read_hex(line + 4, bytes, sizeof(bytes)));
		say(&before);
	} else if (sscanf(line, "%*s %x %n", &index, &at) == 1) {
		bool nothing = line[2] == 't' && line[3] == 'h';
		unsigned len = pipe_read_hex(line + at, bytes, sizeof(bytes));
		int ret = stage_link_send_control(
		        rig->w, index, nothing ? FOG_KIND_NOTHING : FOG_KIND_NOTICE, bytes, len
		);
		if (ret < 0)
			printf("status %d\n", ret);
		say(&before);
	}
	fflush(stdout);
}

static void serve(void)
{
	static char line[LINE];

	rig = rig_create(RIG_LINKS, 64);
	pipe_print_hex("self", rig->public_key[0], 32);
	pipe_print_hex("next", rig->id[1], 32);
	pipe_print_hex("next_key", rig->public_key[1], 32);
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin) != NULL)
		command(line);
	rig_destroy(rig);
}

int main(void)
{
	return pipe_run("link", serve);
}
