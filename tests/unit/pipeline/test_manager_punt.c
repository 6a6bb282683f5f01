// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The manager between workers and control plane: whose messages it hands on when there is not room for all,
// and where what the control plane wants to have sent goes. Session and control plane's end are real.
#include "../../../dataplane/manager_punt.h"

#include <rte_ring_elem.h>
#include <stdio.h>
#include <unistd.h>

#include "../../../controlplane/dpclient.h"
#include "../../../dataplane/manager.h"
#include "../../../dataplane/punt.h"
#include "../run.h"
#include "rig.h"

enum { WORKERS = 3, MIX_PORT = 9001, STRANGER_PORT = 5555 };

static struct rig *rig;
static struct fog_manager *m;
static struct fog_link_table *table;
static struct fog_dpclient *client;
static uint32_t seen[WORKERS], last[WORKERS]; // messages of each worker; the newest one's number
static unsigned disorder;

// The worker stands in the low byte of the index, the message's number above it.
static void on_punt(void *ctx, const struct fog_link_punt *p)
{
	unsigned w = p->rx_index & 0xff;

	CU_ASSERT_TRUE_FATAL(w < WORKERS);
	disorder += p->rx_index >> 8 != last[w]++;
	seen[w]++;
}

static int on_attach(void *ctx, struct fog_worker_rings *rings)
{
	return 0;
}

static void on_detach(void *ctx)
{
}

static int config(void *ctx, const void *data, size_t len, char *text, size_t text_len)
{
	return -EPROTO;
}

static void manager_make(void)
{
	static const struct fog_session_ops ops = {
	        .config = config,
	        .attach = on_attach,
	        .detach = on_detach,
	        .link_send = manager_on_link_send,
	        .link_room = manager_link_room,
	};
	static const struct fog_dpclient_ops client_ops = {.punt = on_punt};
	char path[64];

	rig = rig_create(0, 64); // its own queues would have the manager's names
	m = calloc(1, sizeof(*m));
	m->geo = rig->w->geo;
	m->payload_len = (uint16_t)fog_worker_payload_len(rig->w);
	m->ports[0] = rig->port;
	m->port_count = 1;
	m->worker_count = WORKERS;
	m->links.table = table = fog_link_table_create(rig->w->crypto, WORKERS, 1);
	m->conf = rig->conf;
	m->blob = rig->blob;
	snprintf(path, sizeof(path), "/tmp/fogt-punt-%d.sock", (int)getpid());
	struct fog_session_params params = {
	        .socket_path = path,
	        .allowed_uid = geteuid(),
	        .group_gid = getegid(),
	        .worker_count = WORKERS,
	        .deliver_slots = 2,
	        .deliver_len = sizeof(struct fog_deliver),
	        .inject_slots = 2,
	        .inject_len = sizeof(struct fog_inject),
	        .build = "test",
	};
	struct fog_dpclient_params client_params = {.socket_path = path, .build = "test"};
	CU_ASSERT_EQUAL_FATAL(fog_session_create(&params, &ops, m, &m->session, &m->stats), 0);
	CU_ASSERT_EQUAL_FATAL(manager_punt_open(m, WORKERS), 0);
	CU_ASSERT_EQUAL_FATAL(fog_dpclient_create(&client_params, &client_ops, NULL, &client), 0);
	memset(seen, 0, sizeof(seen));
	memset(last, 0, sizeof(last));
	disorder = 0;
}

static void manager_free(void)
{
	fog_dpclient_destroy(client);
	manager_punt_close(m);
	fog_session_destroy(m->session);
	fog_link_table_destroy(table);
	free(m);
	rig_destroy(rig);
}

static void attach(void)
{
	for (unsigned i = 0; i < 20 && atomic_load(&m->stats->control_attached) == 0; i++) {
		fog_dpclient_process(client);
		fog_session_process(m->session);
	}
	CU_ASSERT_EQUAL_FATAL(atomic_load(&m->stats->control_attached), 1);
	fog_dpclient_process(client);
}

static void punt(unsigned worker, unsigned n)
{
	static uint32_t number[WORKERS];

	if (n == 0)
		number[worker] = 0;
	for (unsigned i = 0; i < n; i++) {
		struct fog_link_punt p = {
		        .type = FOG_FRAME_DATA,
		        .rx_index = number[worker]++ << 8 | worker,
		        .len = 1};
		CU_ASSERT_EQUAL_FATAL(
		        rte_ring_sp_enqueue_elem(m->punt.punts[worker], &p, sizeof(p)), 0
		);
	}
}

// There is less room than they have: each gets its part, in order, and nothing is lost.
static void test_turns(void)
{
	manager_make();
	attach();
	for (unsigned w = 0; w < WORKERS; w++)
		punt(w, 0);
	punt(0, FOG_PUNT_SLOTS - 1);
	punt(1, FOG_PUNT_SLOTS - 1);
	punt(2, 10);
	while (fog_session_punt_room(m->session)) // most of it is taken already
		fog_session_event(m->session, FOG_EVT_PONG, &(struct fog_evt){0});
	manager_punt_poll(m);
	fog_dpclient_process(client);
	CU_ASSERT_EQUAL(seen[0] + seen[1] + seen[2], 0);
	CU_ASSERT_EQUAL(rte_ring_count(m->punt.punts[0]), FOG_PUNT_SLOTS - 1);
	unsigned before = 0;
	do {
		before = seen[0] + seen[1] + seen[2];
		manager_punt_poll(m);
		fog_dpclient_process(client);
		unsigned few = seen[0] < seen[1] ? seen[0] : seen[1],
		         many = seen[0] + seen[1] - few;
		CU_ASSERT_TRUE(many - few <= 1);
		CU_ASSERT_TRUE(seen[2] == 10 || many - seen[2] <= 1);
	} while (seen[0] + seen[1] + seen[2] > before);
	CU_ASSERT_EQUAL(seen[0], FOG_PUNT_SLOTS - 1);
	CU_ASSERT_EQUAL(seen[1], FOG_PUNT_SLOTS - 1);
	CU_ASSERT_EQUAL(seen[2], 10);
	CU_ASSERT_EQUAL(disorder, 0);
	manager_free();
}

// Nobody is there to hear them: the queues empty all the same, and they are counted.
static void test_nobody(void)
{
	manager_make();
	for (unsigned w = 0; w < WORKERS; w++) {
		punt(w, 0);
		punt(w, 20 + w);
	}
	manager_punt_poll(m);
	for (unsigned w = 0; w < WORKERS; w++)
		CU_ASSERT_TRUE(rte_ring_empty(m->punt.punts[w]));
	CU_ASSERT_EQUAL(atomic_load(&m->stats->events_dropped), 20 + 21 + 22);
	manager_free();
}

static bool letter_next(struct fog_letter *letter)
{
	return rte_ring_sc_dequeue_elem(m->punt.letters, letter, sizeof(*letter)) == 0;
}

static uint16_t udp_port(const struct fog_next_hop *to, unsigned field)
{
	const uint8_t *at = to->header + to->udp_at + 2 * field;

	return (uint16_t)(at[0] << 8 | at[1]);
}

// To a node, to a neighbour that is none, and to nobody.
static void test_letters(void)
{
	manager_make();
	const struct fog_next_hop *node = &m->conf->node[fog_conf_find(m->conf, rig->id[1])];
	struct fog_link_send s = {
	        .type = FOG_FRAME_INITIATION,
	        .len = FOG_INITIATION_LEN,
	        .ip = node->ip,
	        .port = STRANGER_PORT,
	};
	struct fog_letter letter;

	manager_on_link_send(m, &s);
	CU_ASSERT_TRUE_FATAL(letter_next(&letter));
	CU_ASSERT_EQUAL(memcmp(&letter.send, &s, sizeof(s)), 0);
	// A node is where the topology says, and hears us from the port that cookies are good for.
	CU_ASSERT_EQUAL(memcmp(letter.to.header, node->header, node->header_len), 0);
	CU_ASSERT_EQUAL(letter.to.udp_port, node->udp_port);
	CU_ASSERT_EQUAL(letter.to.source_port, MIX_PORT);

	s.ip.addr[3] ^= 0x55;
	manager_on_link_send(m, &s); // no neighbour is known there
	CU_ASSERT_FALSE(letter_next(&letter));
	struct fog_blob_neighbour *known =
	        &rig->blob->run.neighbour[rig->blob->run.neighbour_count++];
	known->ip = s.ip;
	memcpy(known->mac, (uint8_t[]){2, 0, 0, 0, 0, 77}, 6);
	manager_on_link_send(m, &s);
	CU_ASSERT_TRUE_FATAL(letter_next(&letter));
	CU_ASSERT_EQUAL(memcmp(letter.to.header, known->mac, 6), 0);
	CU_ASSERT_EQUAL(udp_port(&letter.to, 0), MIX_PORT);
	CU_ASSERT_EQUAL(udp_port(&letter.to, 1), STRANGER_PORT);
	CU_ASSERT_EQUAL(letter.to.source_port, MIX_PORT);
	CU_ASSERT_EQUAL(letter.to.peer, FOG_PEER_NONE);

	// Through a session: the worker knows where. Not longer than a packet has room.
	s = (struct fog_link_send){.type = FOG_FRAME_DATA, .kind = FOG_KIND_NOTICE, .rx_index = 7};
	s.len = fog_notice_room(m->geo.packet_len);
	manager_on_link_send(m, &s);
	CU_ASSERT_TRUE(letter_next(&letter));
	CU_ASSERT_EQUAL(letter.send.rx_index, 7);
	s.len++;
	manager_on_link_send(m, &s);
	CU_ASSERT_FALSE(letter_next(&letter));
	manager_free();
}

// Where letters to the session with a client go.
static void test_clients(void)
{
	manager_make();
	struct fog_link_session session = {
	        .class = FOG_LINK_CLIENT,
	        .rx_index = 0x40,
	        .tx_index = 0x80,
	        .rx_count = 1,
	        .rx_key = {1},
	        .tx_key = {2},
	        .ip = m->conf->node[fog_conf_find(m->conf, rig->id[1])].ip,
	        .port = STRANGER_PORT,
	        .rekey_packets = 10,
	        .reject_packets = 20,
	};
	struct fog_link_send s = {.type = FOG_FRAME_DATA, .rx_index = 0x40};
	struct fog_letter letter;

	CU_ASSERT_EQUAL_FATAL(fog_link_install(table, &session, FOG_LINK_NO_PEER), 0);
	// Also from a node's address: it has its own port.
	manager_on_link_send(m, &s);
	CU_ASSERT_TRUE_FATAL(letter_next(&letter));
	CU_ASSERT_EQUAL(letter.client, 1);
	CU_ASSERT_EQUAL(letter.to.resolved, 1);
	CU_ASSERT_EQUAL(udp_port(&letter.to, 0), MIX_PORT);
	CU_ASSERT_EQUAL(udp_port(&letter.to, 1), STRANGER_PORT);
	// It moves to where no neighbour is known, who then appears.
	struct fog_ip ip = session.ip;
	ip.addr[3] ^= 0x55;
	fog_link_moved(fog_link_find(table, 0x40), 1, &ip, 77, 5);
	manager_on_link_send(m, &s);
	CU_ASSERT_TRUE_FATAL(letter_next(&letter));
	CU_ASSERT_EQUAL(letter.client, 1);
	CU_ASSERT_EQUAL(letter.to.resolved, 0);
	struct fog_blob_neighbour *known =
	        &rig->blob->run.neighbour[rig->blob->run.neighbour_count++];
	known->ip = ip;
	memcpy(known->mac, (uint8_t[]){2, 0, 0, 0, 0, 77}, 6);
	manager_on_link_send(m, &s);
	CU_ASSERT_TRUE_FATAL(letter_next(&letter));
	CU_ASSERT_EQUAL(letter.to.resolved, 1);
	CU_ASSERT_EQUAL(memcmp(letter.to.header, known->mac, 6), 0);
	CU_ASSERT_EQUAL(udp_port(&letter.to, 1), 77);
	// A session that isn't here.
	s.rx_index = 0x1040;
	manager_on_link_send(m, &s);
	CU_ASSERT_TRUE_FATAL(letter_next(&letter));
	CU_ASSERT_EQUAL(letter.client, 0);
	manager_free();
}

// More letters than worker 0 takes: the control plane hears of it, and none is lost.
static void test_back_pressure(void)
{
	enum { MANY = 20 * FOG_LETTER_SLOTS };

	manager_make();
	attach();
	struct fog_link_send s = {.type = FOG_FRAME_DATA};
	struct fog_letter letter;
	uint32_t sent = 0, taken = 0;
	int ret = 0;

	while (sent < MANY && (ret = fog_dpclient_link_send(client, &s)) == 0) {
		s.rx_index = ++sent;
		fog_session_process(m->session);
	}
	CU_ASSERT_EQUAL(ret, -ENOBUFS);
	CU_ASSERT_TRUE(sent >= FOG_LETTER_SLOTS && sent < MANY);
	for (unsigned idle = 0; idle < 3; idle++) {
		while (letter_next(&letter)) {
			CU_ASSERT_EQUAL(letter.send.rx_index, taken++);
			idle = 0;
		}
		fog_session_process(m->session);
	}
	CU_ASSERT_EQUAL(taken, sent);
	CU_ASSERT_EQUAL(fog_dpclient_link_send(client, &s), 0);
	manager_free();
}

// What worker 0 has not taken stays; what comes on top is lost.
static void test_full(void)
{
	manager_make();
	struct fog_link_send s = {.type = FOG_FRAME_DATA};
	struct fog_letter letter;
	uint32_t n = 0;

	for (s.rx_index = 0; s.rx_index < 2 * FOG_LETTER_SLOTS; s.rx_index++)
		manager_on_link_send(m, &s);
	while (letter_next(&letter))
		CU_ASSERT_EQUAL(letter.send.rx_index, n++);
	CU_ASSERT_EQUAL(n, FOG_LETTER_SLOTS - 1);
	// Without links there is nothing to send with, and nothing to poll.
	manager_punt_close(m);
	manager_on_link_send(m, &s);
	manager_punt_poll(m);
	m->links.table = NULL;
	CU_ASSERT_EQUAL(manager_punt_open(m, WORKERS), 0);
	CU_ASSERT_PTR_NULL(m->punt.letters);
	manager_free();
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"workers in turn", test_turns},
	        {"nobody there", test_nobody},
	        {"where letters go", test_letters},
	        {"letters to clients", test_clients},
	        {"more than worker 0 takes", test_back_pressure},
	        {"a full queue", test_full},
	        CU_TEST_INFO_NULL,
	};

	if (rig_global_init("fogt-manager-punt") < 0)
		return 2;
	return check_run("manager's link messages", tests);
}
