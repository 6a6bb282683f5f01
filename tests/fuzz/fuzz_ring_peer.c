// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Hostile peers on both ends of dp.sock and of the rings. The first byte picks the victim; in this
// file it is the data plane's session, with workers that take and give packets as the real ones do.
#include <sodium.h>
#include <stdio.h>

#include "../../dataplane/session_internal.h"
#include "fuzz_ring_peer.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WORKERS = 2, SLOTS = 4, BODY = 24 };

static struct fog_session *session;
static struct fog_worker_rings *rings; // of the attached peer, or of the last one
static uint64_t delivered[WORKERS]; // by every worker

static int on_config(void *ctx, const void *blob, size_t len, char *text, size_t text_len)
{
	demand(len >= sizeof(struct fog_blob) && len <= FOG_BLOB_SIZE_MAX);
	memset(text, 'x', text_len); // no end: the session has to put one
	return ((const struct fog_blob *)blob)->run.node_count % 2 == 0 ? 0 : -EINVAL;
}

static int on_key(void *ctx, const struct fog_msg_key *m, char *text, size_t text_len)
{
	return m->epoch % 3 == 0 ? 0 : m->epoch % 3 == 1 ? -ENOSPC : -EINPROGRESS;
}

static int on_keep(void *ctx, const struct fog_msg_keys_keep *m, char *text, size_t text_len)
{
	demand(m->count <= FOG_MIX_KEYS_MAX && m->withhold <= 1);
	fog_session_key_done(session, -ECANCELED, "not wanted");
	return m->count % 2 == 0 ? 0 : -ENOMEM;
}

static void on_command(void *ctx, uint32_t type, const struct fog_cmd *cmd)
{
	struct fog_evt evt = {.token = cmd->token};

	demand(type >= FOG_CMD_PING && type <= FOG_CMD_LAST);
	fog_session_event(session, FOG_EVT_PONG, &evt);
}

static int on_attach(void *ctx, struct fog_worker_rings *fresh)
{
	for (unsigned w = 0; w < WORKERS && rings != NULL; w++) {
		const struct fog_ring_tx *old = &rings[w].deliver;
		uint32_t from = fog_session_carry_start(old);
		demand(old->head - from <= SLOTS);
		fog_session_carry(old, &from, old->head, &fresh[w].deliver);
		demand(fresh[w].deliver.seq == delivered[w] + 1);
	}
	fog_session_rings_free(session, rings);
	rings = fresh;
	return 0;
}

static int on_link_install(void *ctx, const struct fog_link_session *s)
{
	return s->rx_index % 2 == 0 ? 0 : -EEXIST;
}

static int on_link_remove(void *ctx, uint32_t rx_index)
{
	return rx_index % 2 == 0 ? 0 : -ENOENT;
}

// What is sent comes back.
static void on_link_send(void *ctx, const struct fog_link_send *s)
{
	struct fog_link_punt punt = {.type = s->type, .len = s->len};

	demand(s->len <= sizeof(punt.data));
	memcpy(punt.data, s->data, s->len);
	(void)fog_session_punt(session, &punt); // it need not read its events
}

static void on_detach(void *ctx)
{
}

static const struct fog_session_ops ops = {
        .config = on_config,
        .key_install = on_key,
        .keys_keep = on_keep,
        .command = on_command,
        .attach = on_attach,
        .detach = on_detach,
        .link_install = on_link_install,
        .link_remove = on_link_remove,
        .link_send = on_link_send,
};

static void worker_step(unsigned w)
{
	uint8_t slot[16 + sizeof(struct fog_inject) + BODY];
	struct fog_worker_rings *r = &rings[w];
	struct fog_slot_header h;
	int err = 0;

	if (!r->inject_faulty) {
		demand(r->inject.slot_size <= sizeof(slot));
		int ret = fog_ring_peek(&r->inject, slot);
		memcpy(&h, slot, sizeof(h));
		demand(ret <= 0 || h.len <= sizeof(slot) - sizeof(h));
		r->inject_faulty = ret < 0;
		if (ret > 0)
			fog_ring_advance(&r->inject);
	}
	void *out = r->deliver_faulty ? NULL : fog_ring_reserve(&r->deliver, &err);
	r->deliver_faulty |= err == -EPROTO;
	if (out != NULL) {
		memset(out, 0x11, sizeof(struct fog_deliver) + BODY);
		fog_ring_commit(&r->deliver, FOG_DELIVER_PACKET, sizeof(struct fog_deliver) + BODY);
		delivered[w]++;
	}
	if (r->inject_faulty || r->deliver_faulty)
		fog_session_fault(session, w);
}

struct peer {
	int sock;
	struct fog_shm cmd, inject[WORKERS];
};

static const size_t cmd_bytes = sizeof(struct fog_control_page) + sizeof(struct fog_ring_producer) +
        SESSION_CMD_SLOTS * 32;
static const size_t inject_bytes = sizeof(struct fog_ring_producer) +
        SLOTS * (16 + sizeof(struct fog_inject) + BODY);

static void peer_drop(struct peer *p)
{
	fog_shm_unmap(&p->cmd);
	for (unsigned w = 0; w < WORKERS; w++)
		fog_shm_unmap(&p->inject[w]);
	if (p->sock >= 0)
		close(p->sock);
	p->sock = -1;
}

static void peer_connect(struct peer *p)
{
	int pair[2];

	peer_drop(p);
	demand(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
	demand(session_adopt(session, pair[0], 0, 0) != NULL);
	p->sock = pair[1];
}

// Rings as they should be, but for one byte that the script may turn.
static void peer_rings(struct peer *p, struct script *s)
{
	struct fog_msg_rings m = {.h = {.type = FOG_MSG_RINGS, .size = sizeof(m)}};
	int fds[1 + WORKERS], made = 0;
	struct fog_ring_tx tx;
	uint8_t turn = script_u8(s);
	int seals = turn & 0x40 ? F_SEAL_SHRINK | F_SEAL_SEAL : FOG_SEALS_CONTROL;
	size_t more = turn & 0x20 ? 16 : 0;

	for (unsigned w = 0; w < WORKERS; w++)
		fog_shm_unmap(&p->inject[w]);
	fog_shm_unmap(&p->cmd);
	made += fog_shm_create("cmd", cmd_bytes + more, seals, &p->cmd, &fds[0]) == 0;
	fog_ring_tx_make(
	        &tx, (struct fog_control_page *)p->cmd.addr + 1, NULL, FOG_RING_CMD,
	        SESSION_CMD_SLOTS, 32
	);
	for (unsigned w = 0; w < WORKERS; w++) {
		made += fog_shm_create("inject", inject_bytes, seals, &p->inject[w], &fds[1 + w]) ==
		        0;
		fog_ring_tx_make(
		        &tx, p->inject[w].addr, NULL, FOG_RING_INJECT, SLOTS,
		        fog_ring_slot_size(sizeof(struct fog_inject) + BODY)
		);
	}
	demand(made == 1 + WORKERS);
	if (turn & 0x80)
		script_write(s, p->inject[turn % WORKERS].addr, inject_bytes);
	fog_sock_send(p->sock, &m, sizeof(m), fds, 1 + WORKERS - (turn & 0x10 ? 1 : 0));
	fog_sock_close_fds(fds, 1 + WORKERS);
}

static void peer_config(struct peer *p, struct script *s)
{
	static uint8_t blob[sizeof(struct fog_blob) + 256];
	struct fog_msg_config m = {.h = {.type = FOG_MSG_CONFIG, .size = sizeof(m)}};
	int fd = memfd_create("blob", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	size_t len = sizeof(struct fog_blob) - 4 + script_u8(s);

	script_bytes(s, blob + offsetof(struct fog_blob, run), 64);
	m.generation = script_u8(s) % 2;
	demand(write(fd, blob, len) == (ssize_t)len);
	fcntl(fd, F_ADD_SEALS, FOG_SEALS_BLOB & ~(script_u8(s) % 16 == 1 ? F_SEAL_WRITE : 0));
	fog_sock_send(p->sock, &m, sizeof(m), &fd, 1);
	close(fd);
}

static void peer_hello(struct peer *p)
{
	struct fog_msg_hello m = {
	        .h = {.type = FOG_MSG_HELLO, .size = sizeof(m)},
	        .magic = FOG_ABI_MAGIC,
	        .abi = FOG_ABI,
	};

	fog_sock_send(p->sock, &m, sizeof(m), NULL, 0);
}

// Any bytes, with the header made right half of the time, and any number of descriptors.
static void peer_raw(struct peer *p, struct script *s)
{
	static uint8_t msg[sizeof(struct fog_msg_link_send)];
	uint8_t n = script_u8(s), type = script_u8(s);
	size_t len = (type & 15) == FOG_MSG_LINK_SEND ? sizeof(msg) : n;
	int fds[8] = {0};

	script_bytes(s, msg, n);
	struct fog_msg_header h = {.type = type & 15, .size = (uint32_t)len};
	if (type & 0x80 && len >= sizeof(h))
		memcpy(msg, &h, sizeof(h));
	fog_sock_send(p->sock, msg, len, fds, (type >> 4) & 7);
}

static void peer_step(struct peer *p, struct script *s)
{
	struct fog_evt evt = {0};
	uint8_t op = script_u8(s);

	switch (op % 10) {
	case 0:
		peer_connect(p);
		break;
	case 1:
		peer_hello(p);
		break;
	case 2:
		peer_rings(p, s);
		break;
	case 3:
		peer_raw(p, s);
		break;
	case 4:
		peer_config(p, s);
		break;
	case 5:
		script_write(s, p->cmd.addr, cmd_bytes);
		break;
	case 6:
		script_write(s, p->inject[op / 10 % WORKERS].addr, inject_bytes);
		break;
	case 7:
		if (rings != NULL)
			worker_step(op / 10 % WORKERS);
		break;
	case 8:
		fog_session_event(session, FOG_EVT_LINK, &evt);
		break;
	default:
		break;
	}
	fog_session_process(session);
}

void fuzz_control_peer(struct script *s)
{
	struct peer p = {.sock = -1};
	int lowest = fd_lowest();
	unsigned open = 0;

	memset(delivered, 0, sizeof(delivered));
	peer_connect(&p);
	while (s->left > 0)
		peer_step(&p, s);
	demand(sodium_is_zero((const uint8_t *)session->msg, sizeof(*session->msg)));
	peer_drop(&p);
	for (unsigned i = 0; i < 64; i++)
		fog_session_process(session);
	for (unsigned i = 0; i < SESSION_CONNS; i++)
		open += session->conn[i].state != CONN_FREE;
	demand(open == 0 && session->live == NULL);
	fog_session_rings_free(session, rings);
	rings = NULL;
	demand(session->sets == NULL);
	demand(fd_lowest() == lowest);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct fog_session_params params = {
	        .worker_count = WORKERS,
	        .deliver_slots = SLOTS,
	        .deliver_len = sizeof(struct fog_deliver) + BODY,
	        .inject_slots = SLOTS,
	        .inject_len = sizeof(struct fog_inject) + BODY,
	        .build = "fuzz",
	};
	struct fog_stats *stats;
	char path[64];

	snprintf(path, sizeof(path), "/tmp/fogt-fuzz-%d.sock", (int)getpid());
	params.socket_path = path;
	// libFuzzer has kept its own; the victims' log would drown its words.
	stderr = fopen("/dev/null", "w");
	demand(fog_session_create(&params, &ops, NULL, &session, &stats) == 0);
	unlink(path); // connections are handed in
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script s = {.at = data, .left = size};

	if (script_u8(&s) % 2 == 0)
		fuzz_control_peer(&s);
	else
		fuzz_data_peer(&s);
	return 0;
}
