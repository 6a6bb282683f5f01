// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The way out: store, outbox, ring. The other end is the data plane's own session, driven by hand in
// this thread, so that it can be away, full, or dead at any moment.
#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <unistd.h>

#include "../../../controlplane/mixnet/sender.h"
#include "../../../dataplane/session.h"
#include "config_text.h"

enum { PACKET = 100, SLOTS = 4, ROUNDS = 20000 };

static char folder[64], socket_path[96], store_path[96];
static struct fog_session *session;
static struct fog_worker_rings *rings;
static struct fog_dpclient *dp;
static struct fog_store *store;
static struct fog_sender *sender;

static int on_attach(void *ctx, struct fog_worker_rings *fresh)
{
	fog_session_rings_free(session, rings);
	rings = fresh;
	return 0;
}

static void on_detach(void *ctx)
{
}

static const struct fog_session_ops ops = {.attach = on_attach, .detach = on_detach};

static void data_plane_start(void)
{
	struct fog_session_params params = {
	        .socket_path = socket_path,
	        .allowed_uid = geteuid(),
	        .group_gid = getegid(),
	        .worker_count = 1,
	        .deliver_slots = SLOTS,
	        .deliver_len = 100,
	        .inject_slots = SLOTS,
	        .inject_len = sizeof(struct fog_inject) + PACKET,
	        .build = "test",
	};
	struct fog_stats *stats;

	CU_ASSERT_EQUAL_FATAL(fog_session_create(&params, &ops, NULL, &session, &stats), 0);
}

static void data_plane_stop(void)
{
	fog_session_rings_free(session, rings);
	rings = NULL;
	fog_session_destroy(session);
	session = NULL;
}

// Let both sides work until the client is in 'state'.
static void until(enum fog_dpclient_state state)
{
	struct fog_dpclient_status status = {0};

	for (int i = 0; i < ROUNDS; i++) {
		struct pollfd p = {fog_dpclient_fd(dp), POLLIN, 0};
		if (poll(&p, 1, 1) > 0)
			fog_dpclient_process(dp);
		if (session != NULL)
			fog_session_process(session);
		fog_dpclient_status(dp, &status);
		if (status.state == state && (state != FOG_DPCLIENT_ATTACHED || rings != NULL))
			break;
	}
	CU_ASSERT_EQUAL_FATAL(status.state, state);
}

// A control plane begins; 'end' is what kill -9 does to it, as far as the store is concerned.
static void begin(void)
{
	static const uint8_t secret[32] = {1};
	struct fog_dpclient_params params = {.socket_path = socket_path, .build = "test"};
	static const struct fog_dpclient_ops none;

	CU_ASSERT_EQUAL_FATAL(fog_store_open(&store, store_path, secret), 0);
	CU_ASSERT_EQUAL_FATAL(fog_dpclient_create(&params, &none, NULL, &dp), 0);
	CU_ASSERT_EQUAL_FATAL(fog_sender_create(store, dp, &sender), 0);
}

static void end(void)
{
	fog_sender_destroy(sender);
	fog_dpclient_destroy(dp);
	fog_store_close(store);
}

static struct fog_parcel parcel_of(uint8_t number, enum fog_inject_type type)
{
	struct fog_parcel p = {.inject_type = type, .first_hop = {9}, .packet_len = PACKET};

	memset(p.packet, number, PACKET);
	return p;
}

static int send_one(uint8_t number, enum fog_inject_type type)
{
	struct fog_parcel p = parcel_of(number, type);
	int64_t id = 0;
	int r = fog_sender_begin(sender);

	if (r < 0)
		return r;
	CU_ASSERT_EQUAL(fog_sender_put(sender, &p, &id), 0);
	CU_ASSERT_EQUAL(fog_sender_end(sender, true, &p, id), 0);
	return 0;
}

// Take the next packet as a worker does. Returns its number, or -1 when the ring is empty.
static int take(struct fog_inject *in, uint32_t *type)
{
	uint8_t slot[512];
	struct fog_slot_header h;

	if (fog_ring_peek(&rings[0].inject, slot) != 1)
		return -1;
	memcpy(&h, slot, sizeof(h));
	memcpy(in, slot + sizeof(h), sizeof(*in));
	*type = h.type;
	CU_ASSERT_EQUAL(in->data_len, PACKET);
	fog_ring_advance(&rings[0].inject);
	return slot[sizeof(h) + sizeof(*in)];
}

static int taken(void)
{
	struct fog_inject in;
	uint32_t type;

	return take(&in, &type);
}

static bool outbox_empty(void)
{
	uint8_t hop[32], packet[PACKET];
	uint64_t epoch;
	uint32_t type;
	int64_t id;

	CU_ASSERT_EQUAL(fog_store_begin(store), 0);
	int r = fog_store_outbox_next(store, &id, &type, hop, &epoch, packet, sizeof(packet));
	CU_ASSERT_EQUAL(fog_store_end(store, 0), 0);
	return r == -ENOENT;
}

static void test_detached(void)
{
	begin();
	CU_ASSERT_EQUAL(send_one(1, FOG_INJECT_UNWRAP), -ENOTCONN);
	CU_ASSERT_TRUE(outbox_empty());
	end();
}

static void test_attached(void)
{
	struct fog_inject in;
	uint32_t type;

	data_plane_start();
	begin();
	until(FOG_DPCLIENT_ATTACHED);
	fog_sender_flush(sender);
	CU_ASSERT_EQUAL(send_one(1, FOG_INJECT_UNWRAP), 0);
	CU_ASSERT_EQUAL(send_one(2, FOG_INJECT_FORWARD), 0);
	CU_ASSERT_TRUE(outbox_empty());
	CU_ASSERT_EQUAL(take(&in, &type), 1);
	CU_ASSERT_EQUAL(type, FOG_INJECT_UNWRAP);
	CU_ASSERT_EQUAL(in.next_hop[0], 0);
	CU_ASSERT_EQUAL(take(&in, &type), 2);
	CU_ASSERT_EQUAL(type, FOG_INJECT_FORWARD);
	CU_ASSERT_EQUAL(in.next_hop[0], 9);
	CU_ASSERT_EQUAL(taken(), -1);
	// What is not committed is not sent.
	struct fog_parcel p = parcel_of(3, FOG_INJECT_UNWRAP);
	int64_t id;
	CU_ASSERT_EQUAL(fog_sender_begin(sender), 0);
	CU_ASSERT_EQUAL(fog_sender_put(sender, &p, &id), 0);
	CU_ASSERT_EQUAL(fog_sender_end(sender, false, &p, id), 0);
	CU_ASSERT_EQUAL(taken(), -1);
	CU_ASSERT_TRUE(outbox_empty());
	end();
	data_plane_stop();
}

// More packets than the ring holds wait in the outbox, and leave in their order.
static void test_full(void)
{
	data_plane_start();
	begin();
	until(FOG_DPCLIENT_ATTACHED);
	fog_sender_flush(sender);
	for (uint8_t i = 1; i <= 2 * SLOTS; i++)
		CU_ASSERT_EQUAL(send_one(i, FOG_INJECT_UNWRAP), 0);
	CU_ASSERT_FALSE(outbox_empty());
	CU_ASSERT_EQUAL(taken(), 1);
	// There is room now, but nobody overtakes.
	CU_ASSERT_EQUAL(send_one(2 * SLOTS + 1, FOG_INJECT_UNWRAP), 0);
	for (uint8_t i = 2; i <= SLOTS + 1; i++)
		CU_ASSERT_EQUAL(taken(), i);
	CU_ASSERT_EQUAL(taken(), -1);
	fog_sender_flush(sender);
	for (uint8_t i = SLOTS + 2; i <= 2 * SLOTS + 1; i++)
		CU_ASSERT_EQUAL(taken(), i);
	CU_ASSERT_EQUAL(taken(), -1);
	fog_sender_flush(sender);
	CU_ASSERT_TRUE(outbox_empty());
	// Without a backlog packets go straight again.
	CU_ASSERT_EQUAL(send_one(77, FOG_INJECT_UNWRAP), 0);
	CU_ASSERT_EQUAL(taken(), 77);
	// A backlog has an end.
	int n = 0, r = 0;
	while (n < 2000 && (r = send_one(1, FOG_INJECT_UNWRAP)) == 0)
		n++;
	CU_ASSERT_EQUAL(r, -ENOBUFS);
	CU_ASSERT_EQUAL(n, SLOTS + FOG_SENDER_BACKLOG_MAX + 1);
	end();
	data_plane_stop();
	unlink(store_path);
}

// Committed and then dead: the next life hands the packet over, once it is attached.
static void test_crash(void)
{
	struct fog_store_sent sent = {.inject_type = FOG_INJECT_UNWRAP, .packet_len = PACKET};
	uint8_t packet[PACKET];
	int64_t id;

	memset(packet, 42, sizeof(packet));
	sent.packet = packet;
	begin();
	CU_ASSERT_EQUAL(fog_store_begin(store), 0);
	CU_ASSERT_EQUAL(fog_store_send(store, &sent, &id), 0);
	CU_ASSERT_EQUAL(fog_store_end(store, 1), 0);
	end();
	begin();
	fog_sender_flush(sender); // nobody there
	CU_ASSERT_FALSE(outbox_empty());
	data_plane_start();
	until(FOG_DPCLIENT_ATTACHED);
	CU_ASSERT_EQUAL(send_one(43, FOG_INJECT_UNWRAP), 0); // queues behind it
	CU_ASSERT_EQUAL(taken(), 42);
	CU_ASSERT_EQUAL(taken(), 43);
	CU_ASSERT_TRUE(outbox_empty());
	// A packet that this data plane will never take must not block the others.
	sent.packet_len = 1;
	CU_ASSERT_EQUAL(fog_store_begin(store), 0);
	sent.packet = calloc(1, 4000);
	sent.packet_len = 4000;
	CU_ASSERT_EQUAL(fog_store_send(store, &sent, &id), 0);
	CU_ASSERT_EQUAL(fog_store_end(store, 1), 0);
	free((void *)(uintptr_t)sent.packet);
	end();
	begin();
	until(FOG_DPCLIENT_ATTACHED);
	CU_ASSERT_EQUAL(send_one(44, FOG_INJECT_UNWRAP), 0);
	fog_sender_flush(sender);
	CU_ASSERT_EQUAL(taken(), 44);
	CU_ASSERT_TRUE(outbox_empty());
	end();
	data_plane_stop();
}

static int gate_says;
static uint64_t gate_epoch;

static int gate(void *ctx, uint64_t epoch, enum fog_inject_type type)
{
	gate_epoch = epoch;
	return gate_says;
}

// A packet waits for its epoch's key, leaves with it, or is given up when the epoch is over.
static void test_gate(void)
{
	struct fog_store_sent_state state = {0};
	int64_t last;

	data_plane_start();
	begin();
	until(FOG_DPCLIENT_ATTACHED);
	fog_sender_gate_set(sender, gate, NULL);
	fog_sender_flush(sender);
	struct fog_parcel p = parcel_of(1, FOG_INJECT_UNWRAP);
	p.epoch = 29401234;
	gate_says = -EAGAIN;
	CU_ASSERT_EQUAL(fog_sender_begin(sender), 0);
	CU_ASSERT_EQUAL(fog_sender_put(sender, &p, &last), 0);
	CU_ASSERT_EQUAL(fog_sender_end(sender, true, &p, last), 0);
	fog_sender_flush(sender);
	CU_ASSERT_EQUAL(gate_epoch, 29401234);
	CU_ASSERT_EQUAL(taken(), -1);
	CU_ASSERT_FALSE(outbox_empty());
	gate_says = 0;
	fog_sender_flush(sender);
	CU_ASSERT_EQUAL(taken(), 1);
	CU_ASSERT_TRUE(outbox_empty());
	gate_says = -EAGAIN;
	CU_ASSERT_EQUAL(fog_sender_begin(sender), 0);
	CU_ASSERT_EQUAL(fog_sender_put(sender, &p, &last), 0);
	CU_ASSERT_EQUAL(fog_sender_end(sender, true, &p, last), 0);
	gate_says = -ESTALE;
	fog_sender_flush(sender);
	CU_ASSERT_EQUAL(taken(), -1);
	CU_ASSERT_TRUE(outbox_empty());
	CU_ASSERT_EQUAL(fog_store_begin(store), 0);
	CU_ASSERT_EQUAL(fog_store_sent_get(store, last, &state), 0);
	CU_ASSERT_TRUE(state.given_up && !state.waiting);
	CU_ASSERT_EQUAL(fog_store_sent_get(store, last - 1, &state), 0);
	CU_ASSERT_TRUE(!state.given_up && !state.waiting);
	CU_ASSERT_EQUAL(fog_store_end(store, 0), 0);
	end();
	data_plane_stop();
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"no data plane", test_detached}, {"straight through", test_attached},
	        {"full ring", test_full},         {"crash between commit and ring", test_crash},
	        {"epochs of packets", test_gate}, CU_TEST_INFO_NULL,
	};
	char command[96];

	snprintf(folder, sizeof(folder), "/tmp/fog-sender-XXXXXX");
	if (sodium_init() < 0 || mkdtemp(folder) == NULL)
		return 1;
	snprintf(socket_path, sizeof(socket_path), "%s/dp.sock", folder);
	snprintf(store_path, sizeof(store_path), "%s/store.db", folder);
	int r = check_run("sender", tests);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command) == 0 ? r : 1;
}
