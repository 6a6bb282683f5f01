// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The messages of dp.sock, one handler each. All that arrives here was copied out of the socket, or
// is copied out of a sealed memfd, before anything looks at it.
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "log.h"
#include "session_internal.h"

static int refuse(const char **why, const char *text)
{
	*why = text;
	return -EPROTO;
}

// The peer's words go to our log: printable, and with an end.
static void build_copy(char out[FOG_BUILD_LEN], const char in[FOG_BUILD_LEN])
{
	unsigned i = 0;

	for (; i < FOG_BUILD_LEN - 1 && in[i] != '\0'; i++)
		out[i] = isprint((unsigned char)in[i]) ? in[i] : '?';
	out[i] = '\0';
}

static void welcome_fill(const struct fog_session *s, struct fog_msg_welcome *m)
{
	const struct fog_session_params *p = &s->params;

	*m = (struct fog_msg_welcome){
	        .h = {.type = FOG_MSG_WELCOME, .size = sizeof(*m)},
	        .magic = FOG_ABI_MAGIC,
	        .abi = FOG_ABI,
	        .worker_count = p->worker_count,
	        .generation = atomic_load_explicit(&s->stats->generation, memory_order_relaxed),
	        .stats_size = s->stats_mem.size,
	        .deliver_slots = p->deliver_slots,
	        .deliver_slot_size = fog_ring_slot_size(p->deliver_len),
	        .inject_slots = p->inject_slots,
	        .inject_slot_size = fog_ring_slot_size(p->inject_len),
	        .cmd_slots = SESSION_CMD_SLOTS,
	        .cmd_slot_size = fog_ring_slot_size(sizeof(struct fog_cmd)),
	        .evt_slots = SESSION_EVT_SLOTS,
	        .evt_slot_size = fog_ring_slot_size(FOG_EVT_LEN_MAX),
	};
	memcpy(m->build, s->build, sizeof(m->build));
	memcpy(m->boot_id, s->stats->boot_id, sizeof(m->boot_id));
	memcpy(m->checksum, s->stats->checksum, sizeof(m->checksum));
	for (unsigned i = 0; i < FOG_MIX_KEYS_MAX; i++)
		memcpy(m->key_id[i], s->stats->key[i].public_key, sizeof(m->key_id[i]));
}

static int welcome_send(struct fog_session *s, struct session_conn *c)
{
	unsigned n = s->params.worker_count;
	int evt_fd, deliver[FOG_WORKERS_MAX], fds[FOG_SOCK_FDS_MAX];
	struct fog_msg_welcome m;
	int ret;

	ret = session_set_create(s, &c->set, &evt_fd, deliver);
	if (ret < 0)
		return ret;
	welcome_fill(s, &m);
	fds[0] = s->stats_fd;
	fds[1] = evt_fd;
	fds[2] = s->doorbell[0];
	memcpy(fds + 3, deliver, n * sizeof(int));
	memcpy(fds + 3 + n, s->wake_wr, n * sizeof(int));
	ret = fog_sock_send(c->fd, &m, sizeof(m), fds, 3 + 2 * n);
	fog_sock_close_fds(deliver, n);
	close(evt_fd);
	return ret;
}

// Another version gets our ABI number before we hang up, so that its log can name the mend.
static int hello_foreign(struct fog_session *s, struct session_conn *c, const char **why)
{
	struct fog_msg_welcome m;

	welcome_fill(s, &m);
	(void)fog_sock_send(c->fd, &m, sizeof(m), NULL, 0);
	return refuse(
	        why, "it speaks another ABI: install control plane and data plane of one build"
	);
}

static int hello(
        struct fog_session *s, struct session_conn *c, size_t len, unsigned nfds, const char **why
)
{
	const struct fog_msg_hello *m = &s->msg->hello;

	if (len < offsetof(struct fog_msg_hello, reserved) || m->magic != FOG_ABI_MAGIC)
		return refuse(why, "bad HELLO");
	if (m->abi != FOG_ABI)
		return hello_foreign(s, c, why);
	if (len != sizeof(*m) || nfds != 0 || c->state != CONN_NEW)
		return refuse(why, "HELLO of a wrong size or at a wrong time");
	build_copy(c->build, m->build);
	for (struct session_conn *o = s->conn; o < s->conn + SESSION_CONNS; o++)
		if (o->state == CONN_WELCOMED || o->state == CONN_ATTACHED)
			session_close(s, o, "another control plane took over", false);
	int ret = welcome_send(s, c);
	if (ret < 0) {
		*why = "cannot send WELCOME";
		return ret;
	}
	c->state = CONN_WELCOMED;
	return 0;
}

static int rings(
        struct fog_session *s, struct session_conn *c, const int *fds, unsigned nfds,
        const char **why
)
{
	struct fog_msg_attached m = {.h = {.type = FOG_MSG_ATTACHED, .size = sizeof(m)}};
	struct session_set *set = c->set;

	if (c->state != CONN_WELCOMED || nfds != 1 + s->params.worker_count)
		return refuse(why, "RINGS at a wrong time or with a wrong number of descriptors");
	int ret = session_set_open(s, set, fds);
	if (ret < 0) {
		*why = "its rings are not of the agreed sizes, seals and headers";
		return ret;
	}
	ret = s->ops.attach(s->ctx, set->rings);
	if (ret < 0) {
		*why = "the workers cannot take new rings now";
		return ret;
	}
	c->set = NULL;
	set->next = s->sets;
	s->sets = set;
	s->live = c;
	s->live_set = set;
	c->state = CONN_ATTACHED;
	s->heartbeat = 0;
	s->heartbeat_ms = 0;
	atomic_store_explicit(&s->stats->control_attached, 1, memory_order_relaxed);
	LOG_INFO("control plane attached: uid %u, pid %d, build %s", c->uid, c->pid, c->build);
	*why = "cannot send ATTACHED";
	return fog_sock_send(c->fd, &m, sizeof(m), NULL, 0);
}

static int ack_send(
        struct fog_session *s, struct session_conn *c, uint32_t type, int status, const char *text,
        const char **why
)
{
	struct fog_msg_ack m = {
	        .h = {.type = type, .size = sizeof(m)},
	        .generation = atomic_load_explicit(&s->stats->generation, memory_order_relaxed),
	        .status = status < 0 ? status : 0,
	};

	memcpy(m.checksum, s->stats->checksum, sizeof(m.checksum));
	if (status < 0)
		snprintf(m.text, sizeof(m.text), "%.*s", (int)sizeof(m.text) - 1, text);
	*why = "it does not read our answers";
	return fog_sock_send(c->fd, &m, sizeof(m), NULL, 0);
}

// Copy the blob, which can't change any more, into memory that only we have.
static int blob_copy(int fd, uint64_t generation, uint8_t **out, size_t *len, const char **why)
{
	uint64_t size;

	if (fog_shm_check(fd, FOG_SEALS_BLOB, &size) < 0)
		return refuse(why, "its configuration is not in a sealed memfd");
	if (size < sizeof(struct fog_blob) || size > FOG_BLOB_SIZE_MAX)
		return refuse(why, "its configuration is too short or too long");
	uint8_t *blob = malloc(size);
	if (blob == NULL) {
		*why = "no memory for its configuration";
		return -ENOMEM;
	}
	for (size_t at = 0; at < size;) {
		ssize_t n = pread(fd, blob + at, size - at, (off_t)at);
		if (n <= 0) {
			free(blob);
			return refuse(why, "its configuration can't be read");
		}
		at += (size_t)n;
	}
	if (((const struct fog_blob *)blob)->generation != generation) {
		free(blob);
		return refuse(why, "CONFIG and its blob name different generations");
	}
	*out = blob;
	*len = size;
	return 0;
}

static int config(
        struct fog_session *s, struct session_conn *c, const int *fds, unsigned nfds,
        const char **why
)
{
	char text[sizeof(((struct fog_msg_ack *)0)->text)] = "";
	uint8_t *blob;
	size_t len;

	if (c->state != CONN_ATTACHED || nfds != 1)
		return refuse(why, "CONFIG at a wrong time or without its blob");
	int ret = blob_copy(fds[0], s->msg->config.generation, &blob, &len, why);
	if (ret < 0)
		return ret;
	ret = s->ops.config(s->ctx, blob, len, text, sizeof(text));
	free(blob);
	return ack_send(s, c, FOG_MSG_CONFIG_ACK, ret, text, why);
}

static int key(struct fog_session *s, struct session_conn *c, unsigned nfds, const char **why)
{
	char text[sizeof(((struct fog_msg_ack *)0)->text)] = "";
	const struct fog_msg_key *m = &s->msg->key;

	if (c->state != CONN_ATTACHED || nfds != 0)
		return refuse(why, "a key at a wrong time or with descriptors");
	if (c->key_owed)
		return ack_send(
		        s, c, FOG_MSG_KEY_ACK, -EBUSY, "the key before is not answered yet", why
		);
	int ret = s->ops.key_install(s->ctx, m, text, sizeof(text));
	c->key_owed = ret == -EINPROGRESS;
	return c->key_owed ? 0 : ack_send(s, c, FOG_MSG_KEY_ACK, ret, text, why);
}

void fog_session_key_done(struct fog_session *s, int status, const char *text)
{
	const char *why;

	if (s->live == NULL || !s->live->key_owed)
		return;
	s->live->key_owed = false;
	if (ack_send(s, s->live, FOG_MSG_KEY_ACK, status, text, &why) < 0)
		session_close(s, s->live, why, false);
}

static int keep(struct fog_session *s, struct session_conn *c, unsigned nfds, const char **why)
{
	char text[sizeof(((struct fog_msg_ack *)0)->text)] = "";
	const struct fog_msg_keys_keep *m = &s->msg->keep;

	if (c->state != CONN_ATTACHED || nfds != 0)
		return refuse(why, "KEYS_KEEP at a wrong time or with descriptors");
	if (m->count > FOG_MIX_KEYS_MAX || m->withhold > 1)
		return refuse(why, "KEYS_KEEP with too many keys, or with an unknown wish");
	int ret = s->ops.keys_keep(s->ctx, m, text, sizeof(text));
	if (c->state != CONN_ATTACHED) // it did not read the answer to its KEY_INSTALL
		return 0;
	return ack_send(s, c, FOG_MSG_KEY_ACK, ret, text, why);
}

int session_message(
        struct fog_session *s, struct session_conn *c, size_t len, const int *fds, unsigned nfds,
        const char **why
)
{
	const struct fog_msg_header *h = &s->msg->h;

	if (len < sizeof(*h) || h->size != len)
		return refuse(why, "a message disagrees with its own size");
	if (h->type == FOG_MSG_HELLO)
		return hello(s, c, len, nfds, why);
	if (h->type == FOG_MSG_RINGS && len == sizeof(s->msg->rings))
		return rings(s, c, fds, nfds, why);
	if (h->type == FOG_MSG_CONFIG && len == sizeof(s->msg->config))
		return config(s, c, fds, nfds, why);
	if (h->type == FOG_MSG_KEY_INSTALL && len == sizeof(s->msg->key))
		return key(s, c, nfds, why);
	if (h->type == FOG_MSG_KEYS_KEEP && len == sizeof(s->msg->keep))
		return keep(s, c, nfds, why);
	if (h->type >= FOG_MSG_LINK_INSTALL && h->type <= FOG_MSG_LINK_SEND)
		return session_link_message(s, c, len, nfds, why);
	return refuse(why, "a message of an unknown type or a wrong size");
}
