// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The other direction of fuzz_ring_peer: a hostile data plane against the control plane's client.
#include <stdio.h>
#include <sys/un.h>

#include "../../controlplane/dpclient_internal.h"
#include "fuzz_ring_peer.h"

enum { WORKERS = 2, SLOTS = 4, BODY = 24, DELIVER_SLOT = 96, INJECT_SLOT = 80, EVT_SLOT = 1344 };

_Static_assert(
        (int)EVT_SLOT >= (int)(sizeof(struct fog_slot_header) + FOG_EVT_LEN_MAX), "an event fits"
);

static int listener = -1;
static char name[108]; // abstract: no file stays behind

static int on_delivered(
        void *ctx, uint32_t worker, const uint8_t boot_id[16], uint64_t seq,
        const struct fog_deliver *d, const uint8_t *data
)
{
	uint8_t sum = 0;

	demand(worker < FOG_WORKERS_MAX && seq > 0);
	for (uint32_t i = 0; i < d->data_len; i++) // all of it can be read
		sum ^= data[i];
	return sum % 8 == 7 ? -EAGAIN : 0;
}

static void on_event(void *ctx, uint32_t type, const struct fog_evt *evt)
{
	demand(type >= FOG_EVT_PONG && type <= FOG_EVT_LAST && type != FOG_EVT_PUNT);
}

static void on_punt(void *ctx, const struct fog_link_punt *p)
{
	demand(p->type >= FOG_FRAME_INITIATION && p->type <= FOG_FRAME_DATA);
	demand(p->len <= sizeof(p->data));
}

static const struct fog_dpclient_ops ops = {
        .delivered = on_delivered,
        .event = on_event,
        .punt = on_punt,
};

union address {
	struct sockaddr any;
	struct sockaddr_un un;
};

static void listen_once(void)
{
	union address addr = {.un = {.sun_family = AF_UNIX}};

	if (listener >= 0)
		return;
	snprintf(name + 1, sizeof(name) - 1, "fogt-fuzz-data-%d", (int)getpid());
	memcpy(addr.un.sun_path, name, sizeof(name));
	listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	demand(listener >= 0 && bind(listener, &addr.any, sizeof(addr.un)) == 0);
	demand(listen(listener, 4) == 0);
}

struct data_peer {
	struct fog_dpclient *client;
	int sock;
	struct fog_shm stats, evt, deliver[WORKERS];
};

static void peer_unmap(struct data_peer *p)
{
	fog_shm_unmap(&p->stats);
	fog_shm_unmap(&p->evt);
	for (unsigned w = 0; w < WORKERS; w++)
		fog_shm_unmap(&p->deliver[w]);
}

static struct fog_msg_welcome welcome_good(uint8_t boot)
{
	return (struct fog_msg_welcome){
	        .h = {.type = FOG_MSG_WELCOME, .size = sizeof(struct fog_msg_welcome)},
	        .magic = FOG_ABI_MAGIC,
	        .abi = FOG_ABI,
	        .worker_count = WORKERS,
	        .boot_id = {boot},
	        .stats_size = fog_stats_bytes(WORKERS),
	        .deliver_slots = SLOTS,
	        .deliver_slot_size = DELIVER_SLOT,
	        .inject_slots = SLOTS,
	        .inject_slot_size = INJECT_SLOT,
	        .cmd_slots = SLOTS,
	        .cmd_slot_size = 32,
	        .evt_slots = SLOTS,
	        .evt_slot_size = EVT_SLOT,
	};
}

static void half_make(
        struct fog_shm *m, enum fog_ring_type kind, uint32_t slot_size, uint16_t turn, int *fd
)
{
	struct fog_ring_tx tx;
	size_t size = sizeof(struct fog_ring_consumer) + fog_ring_bytes(SLOTS, slot_size);

	demand(fog_shm_create("half", size + turn % 2, FOG_SEALS_DATA, m, fd) == 0);
	fog_ring_tx_make(
	        &tx, (struct fog_ring_consumer *)m->addr + 1, NULL, kind, SLOTS, slot_size
	);
}

static void peer_welcome(struct data_peer *p, struct script *s)
{
	uint8_t turn = script_u8(s), bells = script_u8(s);
	struct fog_msg_welcome m = welcome_good(bells % 3);
	int fds[3 + 2 * WORKERS], bell[2];

	peer_unmap(p);
	demand(fog_shm_create("s", fog_stats_bytes(WORKERS), FOG_SEALS_DATA, &p->stats, &fds[0]) ==
	       0);
	struct fog_stats *head = p->stats.addr;
	head->magic = FOG_ABI_MAGIC;
	head->abi = FOG_ABI;
	head->worker_count = WORKERS;
	head->worker_size = sizeof(struct fog_stats_worker);
	half_make(&p->evt, FOG_RING_EVT, EVT_SLOT, turn == 3, &fds[1]);
	for (unsigned w = 0; w < WORKERS; w++)
		half_make(&p->deliver[w], FOG_RING_DELIVER, DELIVER_SLOT, turn == 4, &fds[3 + w]);
	demand(pipe2(bell, O_CLOEXEC | O_NONBLOCK) == 0);
	fds[2] = bell[0];
	for (unsigned w = 0; w < WORKERS; w++)
		fds[3 + WORKERS + w] = bells % 16 == 15 ? p->sock : bell[1];
	if (turn & 0x80)
		script_write(s, &m, sizeof(m));
	if (turn & 0x40)
		script_write(s, p->deliver[0].addr, p->deliver[0].size);
	if (turn & 0x20)
		script_write(s, head, 64);
	fog_sock_send(p->sock, &m, sizeof(m), fds, 3 + 2 * WORKERS - (turn == 5));
	fog_sock_close_fds(fds, 2);
	fog_sock_close_fds(fds + 3, WORKERS);
	fog_sock_close_fds(bell, 2);
}

static void peer_raw(struct data_peer *p, struct script *s)
{
	uint8_t msg[512] = {0}, n = script_u8(s), type = script_u8(s);
	size_t len = type & 0x40 ? sizeof(struct fog_msg_ack) : n;
	int fds[2] = {0};

	script_bytes(s, msg, n);
	struct fog_msg_header h = {.type = type & 15, .size = (uint32_t)len};
	if (type & 0x80 && len >= sizeof(h))
		memcpy(msg, &h, sizeof(h));
	fog_sock_send(p->sock, msg, len, fds, (type >> 4) & 2);
}

static void peer_accept(struct data_peer *p)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	if (p->sock >= 0)
		close(p->sock);
	p->sock = fd;
}

static void client_asks(struct data_peer *p, struct script *s)
{
	static uint8_t packet[INJECT_SLOT];
	static struct fog_dpclient_key keys[FOG_MIX_KEYS_MAX];
	static struct fog_blob blob;
	uint8_t op = script_u8(s);

	blob = (struct fog_blob){.magic = FOG_ABI_MAGIC, .abi = FOG_ABI, .size = sizeof(blob)};
	blob.checksum[0] = op;
	for (unsigned i = 0; i < FOG_MIX_KEYS_MAX; i++) {
		keys[i].epoch = op + i;
		keys[i].public_key[0] = (uint8_t)(1 + op + i);
	}
	switch (op % 5) {
	case 0:
		fog_dpclient_inject(p->client, FOG_INJECT_UNWRAP, NULL, 1, packet, op / 5);
		break;
	case 1:
		fog_dpclient_command(p->client, FOG_CMD_PING, op);
		break;
	case 2:
		fog_dpclient_config_set(p->client, &blob, sizeof(blob));
		break;
	case 3:
		fog_dpclient_keys_set(p->client, keys, op % (FOG_MIX_KEYS_MAX + 1));
		break;
	default:
		fog_dpclient_keys_withhold(p->client, op / 5 % 2);
		break;
	}
}

static void peer_read(struct data_peer *p)
{
	uint8_t msg[512];
	int fds[FOG_SOCK_FDS_MAX];
	unsigned n;

	while (p->sock >= 0 && fog_sock_recv(p->sock, msg, sizeof(msg), fds, &n) > 0)
		fog_sock_close_fds(fds, n);
}

static void peer_step(struct data_peer *p, struct script *s)
{
	struct fog_msg_attached attached = {
	        .h = {.type = FOG_MSG_ATTACHED, .size = sizeof(attached)}};
	struct fog_dpclient_stats view;
	uint8_t op = script_u8(s);

	switch (op % 8) {
	case 0:
		peer_welcome(p, s);
		break;
	case 1:
		fog_sock_send(p->sock, &attached, sizeof(attached), NULL, 0);
		break;
	case 2:
		peer_raw(p, s);
		break;
	case 3:
		if (p->evt.addr != NULL)
			script_write(s, p->deliver[op / 8 % WORKERS].addr, p->deliver[0].size);
		break;
	case 4:
		if (p->evt.addr != NULL)
			script_write(s, p->evt.addr, p->evt.size);
		break;
	case 5:
		client_asks(p, s);
		break;
	case 6:
		if (p->sock >= 0)
			close(p->sock);
		p->sock = -1;
		break;
	default:
		if (fog_dpclient_stats_get(p->client, &view) == 0) {
			demand(view.worker_count <= FOG_WORKERS_MAX);
			(void)atomic_load(&view.worker[view.worker_count - 1].sequence); // mapped
			fog_dpclient_stats_put(p->client, &view);
		}
		break;
	}
	p->client->retry_ms = 0; // the backoff is not what is tested
	fog_dpclient_process(p->client);
	peer_accept(p);
	peer_read(p);
}

void fuzz_data_peer(struct script *s)
{
	struct fog_dpclient_params params = {.socket_path = "", .build = "fuzz"};
	struct data_peer p = {.sock = -1};

	listen_once();
	int lowest = fd_lowest();
	demand(fog_dpclient_create(&params, &ops, NULL, &p.client) == 0);
	memcpy(p.client->path, name, sizeof(name));
	fog_dpclient_process(p.client);
	peer_accept(&p);
	while (s->left > 0)
		peer_step(&p, s);
	fog_dpclient_destroy(p.client);
	peer_unmap(&p);
	peer_accept(&p);
	if (p.sock >= 0)
		close(p.sock);
	demand(fd_lowest() == lowest);
}
