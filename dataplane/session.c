// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Connections, bells and the polled rings of the session (see session.h).
#include "session.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>

#include "log.h"
#include "session_internal.h"

enum { EPOLL_LISTEN = SESSION_CONNS };

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void complain(uint32_t uid, int pid, const char *why)
{
	LOG_LIMITED(LOG_WARN, "closed the control connection of uid %u, pid %d: %s", uid, pid, why);
}

void session_close(struct fog_session *s, struct session_conn *c, const char *why, bool fault)
{
	bool live = c == s->live;

	if (c->state == CONN_FREE)
		return;
	close(c->fd);
	session_set_free(s, c->set);
	c->set = NULL;
	c->fd = -1;
	c->state = CONN_FREE;
	if (fault)
		atomic_fetch_add_explicit(&s->stats->control_faults, 1, memory_order_relaxed);
	complain(c->uid, c->pid, why);
	if (!live)
		return;
	s->live = NULL;
	s->live_set = NULL;
	atomic_store_explicit(&s->stats->control_attached, 0, memory_order_relaxed);
	s->ops.detach(s->ctx);
}

// A free place, if need be that of the connection that has been silent for the longest time. At
// most one of them is past HELLO.
static struct session_conn *conn_place(struct fog_session *s)
{
	struct session_conn *oldest = &s->conn[s->conn[0].state == CONN_NEW ? 0 : 1];

	for (struct session_conn *c = s->conn; c < s->conn + SESSION_CONNS; c++) {
		if (c->state == CONN_FREE)
			return c;
		if (c->state == CONN_NEW && c->arrival < oldest->arrival)
			oldest = c;
	}
	session_close(s, oldest, "it said nothing and others wait", false);
	return oldest;
}

struct session_conn *session_adopt(struct fog_session *s, int fd, uint32_t uid, int pid)
{
	struct session_conn *c = conn_place(s);
	struct epoll_event ev = {.events = EPOLLIN, .data.u32 = (uint32_t)(c - s->conn)};

	if (epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0) {
		close(fd);
		return NULL;
	}
	*c = (struct session_conn){
	        .state = CONN_NEW,
	        .fd = fd,
	        .uid = uid,
	        .pid = pid,
	        .arrival = s->arrivals++,
	};
	return c;
}

static void conns_accept(struct fog_session *s)
{
	for (int i = 0; i < SESSION_CONNS; i++) {
		struct ucred peer;
		socklen_t len = sizeof(peer);
		int fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0)
			return;
		if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0) {
			close(fd);
			continue;
		}
		if (peer.uid == 0 || peer.uid == s->params.allowed_uid) {
			session_adopt(s, fd, peer.uid, peer.pid);
			continue;
		}
		close(fd);
		atomic_fetch_add_explicit(&s->stats->control_faults, 1, memory_order_relaxed);
		complain(peer.uid, peer.pid, "this user may not control the data plane");
	}
}

static void conn_read(struct fog_session *s, struct session_conn *c)
{
	int fds[FOG_SOCK_FDS_MAX];

	for (int i = 0; i < SESSION_BURST && c->state != CONN_FREE; i++) {
		// What we can't take yet waits in the socket, which tells the peer when it is full.
		if (c == s->live && s->ops.link_room != NULL && !s->ops.link_room(s->ctx))
			return;
		const char *why = "it broke the framing";
		unsigned nfds;
		int ret = fog_sock_recv(c->fd, s->msg, sizeof(*s->msg), fds, &nfds);
		if (ret == -EAGAIN)
			return;
		if (ret > 0)
			ret = session_message(s, c, (size_t)ret, fds, nfds, &why);
		else if (ret == 0 || ret == -ECONNRESET)
			ret = -ECONNRESET, why = "it went away";
		fog_sock_close_fds(fds, nfds);
		sodium_memzero(s->msg, sizeof(*s->msg));
		if (ret < 0)
			session_close(s, c, why, ret == -EPROTO);
	}
}

// One slot of the cmd ring.
struct cmd_slot {
	struct fog_slot_header h;
	struct fog_cmd cmd;
	uint8_t rest[8];
};

_Static_assert(sizeof(struct cmd_slot) % 16 == 0, "slots are multiples of 16");

static void commands_take(struct fog_session *s)
{
	struct cmd_slot slot;

	for (int i = 0; i < SESSION_CMD_BURST && s->live != NULL; i++) {
		int ret = fog_ring_peek(&s->live_set->cmd, &slot);
		if (ret == 0)
			return;
		if (ret < 0 || slot.h.len != sizeof(slot.cmd) || slot.h.type < FOG_CMD_PING ||
		    slot.h.type > FOG_CMD_LAST) {
			fog_session_fault(s, UINT32_MAX);
			return;
		}
		fog_ring_advance(&s->live_set->cmd);
		s->ops.command(s->ctx, slot.h.type, &slot.cmd);
	}
}

static void heartbeat_look(struct fog_session *s)
{
	const struct fog_control_page *page;

	if (s->live == NULL)
		return;
	page = s->live_set->cmd_mem.addr;
	uint64_t beat = atomic_load_explicit(&page->heartbeat, memory_order_relaxed);
	if (s->heartbeat_ms == 0 || beat != s->heartbeat)
		s->heartbeat_ms = now_ms();
	s->heartbeat = beat;
}

void fog_session_process(struct fog_session *s)
{
	struct epoll_event ev[SESSION_CONNS + 1];
	int n = epoll_wait(s->epoll_fd, ev, SESSION_CONNS + 1, 0);

	for (int i = 0; i < n; i++) {
		if (ev[i].data.u32 == EPOLL_LISTEN)
			conns_accept(s);
		else
			conn_read(s, &s->conn[ev[i].data.u32]);
	}
	commands_take(s);
	heartbeat_look(s);
}

static void doorbell_ring(struct fog_session *s)
{
	uint64_t one = 1;

	if (write(s->doorbell[1], &one, sizeof(one)) < 0)
		return; // full: it rings already
}

void fog_session_event(struct fog_session *s, uint32_t type, const struct fog_evt *evt)
{
	int err = 0;
	void *slot = s->live == NULL ? NULL : fog_ring_reserve(&s->live_set->evt, &err);

	if (slot == NULL) {
		atomic_fetch_add_explicit(&s->stats->events_dropped, 1, memory_order_relaxed);
		if (err == -EPROTO)
			session_close(
			        s, s->live, "its index of the event ring is impossible", true
			);
		return;
	}
	memcpy(slot, evt, sizeof(*evt));
	fog_ring_commit(&s->live_set->evt, type, sizeof(*evt));
	doorbell_ring(s);
}

bool fog_session_event_room(const struct fog_session *s)
{
	return s->live == NULL || fog_ring_free(&s->live_set->evt) != 0;
}

// Some slots are left to what is rarer.
static bool record_room(const struct fog_session *s)
{
	int64_t room = fog_ring_free(&s->live_set->evt);

	return room < 0 || room > SESSION_EVT_RESERVE; // below 0 is for who writes to find out
}

static int record_put(
        struct fog_session *s, enum fog_evt_type type, const void *record, uint32_t len
)
{
	int err = 0;

	if (s->live == NULL)
		return -ENOTCONN;
	if (!record_room(s))
		return -ENOBUFS;
	void *slot = fog_ring_reserve(&s->live_set->evt, &err);
	if (slot == NULL) {
		session_close(s, s->live, "its index of the event ring is impossible", true);
		return -ENOTCONN;
	}
	memcpy(slot, record, len);
	fog_ring_commit(&s->live_set->evt, type, len);
	doorbell_ring(s);
	return 0;
}

int fog_session_trace(
        struct fog_session *s, enum fog_evt_type type, const union fog_trace_entry *record
)
{
	return record_put(s, type, record, sizeof(*record));
}

bool fog_session_punt_room(const struct fog_session *s)
{
	return s->live == NULL || record_room(s);
}

int fog_session_punt(struct fog_session *s, const struct fog_link_punt *punt)
{
	int ret = record_put(s, FOG_EVT_PUNT, punt, sizeof(*punt));

	if (ret == -ENOTCONN)
		atomic_fetch_add_explicit(&s->stats->events_dropped, 1, memory_order_relaxed);
	return ret;
}

void fog_session_fault(struct fog_session *s, uint32_t worker)
{
	struct fog_evt evt = {.index = worker};

	fog_session_event(s, FOG_EVT_RING_FAULT, &evt);
	if (s->live != NULL)
		session_close(s, s->live, "a ring of it is faulty", true);
}

uint64_t fog_session_control_age_ms(const struct fog_session *s)
{
	if (s->live == NULL || s->heartbeat_ms == 0)
		return UINT64_MAX;
	return now_ms() - s->heartbeat_ms;
}

int fog_session_fd(const struct fog_session *s)
{
	return s->epoll_fd;
}

int fog_session_wake_fd(const struct fog_session *s, unsigned w)
{
	return s->wake_rd[w];
}

void fog_session_wake(const struct fog_session *s, unsigned w)
{
	uint64_t one = 1;

	if (write(s->wake_own[w], &one, sizeof(one)) < 0)
		return; // full: it wakes already
}

int fog_session_doorbell_fd(const struct fog_session *s)
{
	return s->doorbell[1];
}

// A pipe each way of ringing. The ends that the peer gets we keep open too: a pipe without readers
// raises SIGPIPE, one without writers never stops being readable.
static int bells_make(struct fog_session *s)
{
	char path[32];
	int pipefd[2];

	if (pipe2(s->doorbell, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	for (unsigned w = 0; w < s->params.worker_count; w++) {
		if (pipe2(pipefd, O_CLOEXEC | O_NONBLOCK) < 0)
			return -errno;
		s->wake_rd[w] = pipefd[0];
		s->wake_wr[w] = pipefd[1];
		snprintf(path, sizeof(path), "/proc/self/fd/%d", pipefd[1]);
		s->wake_own[w] = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
		if (s->wake_own[w] < 0)
			return -errno;
	}
	return 0;
}

static int stats_make(struct fog_session *s)
{
	unsigned n = s->params.worker_count;
	int ret;

	ret = fog_shm_create(
	        "fog-stats", fog_stats_bytes(n), FOG_SEALS_DATA, &s->stats_mem, &s->stats_fd
	);
	if (ret < 0)
		return ret;
	s->stats = s->stats_mem.addr;
	s->stats->magic = FOG_ABI_MAGIC;
	s->stats->abi = FOG_ABI;
	s->stats->worker_count = n;
	s->stats->worker_size = sizeof(struct fog_stats_worker);
	randombytes_buf(s->stats->boot_id, sizeof(s->stats->boot_id));
	return 0;
}

static int socket_make(struct fog_session *s)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u32 = EPOLL_LISTEN};

	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll_fd < 0)
		return -errno;
	s->listen_fd = session_listen(&s->params);
	if (s->listen_fd < 0)
		return s->listen_fd;
	if (epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, s->listen_fd, &ev) < 0)
		return -errno;
	return 0;
}

static bool params_good(const struct fog_session_params *p)
{
	return p->worker_count > 0 && p->worker_count <= FOG_WORKERS_MAX && p->deliver_slots > 0 &&
	        p->inject_slots > 0 && (p->deliver_slots & (p->deliver_slots - 1)) == 0 &&
	        (p->inject_slots & (p->inject_slots - 1)) == 0 &&
	        p->deliver_len >= sizeof(struct fog_deliver) && p->deliver_len <= 1u << 16 &&
	        p->inject_len >= sizeof(struct fog_inject) && p->inject_len <= 1u << 16;
}

static void fds_unset(struct fog_session *s)
{
	s->epoll_fd = s->listen_fd = s->stats_fd = s->doorbell[0] = s->doorbell[1] = -1;
	for (unsigned w = 0; w < FOG_WORKERS_MAX; w++)
		s->wake_rd[w] = s->wake_wr[w] = s->wake_own[w] = -1;
	for (unsigned i = 0; i < SESSION_CONNS; i++)
		s->conn[i].fd = -1;
}

int fog_session_create(
        const struct fog_session_params *params, const struct fog_session_ops *ops, void *ctx,
        struct fog_session **out, struct fog_stats **stats
)
{
	struct fog_session *s;
	int ret;

	if (!params_good(params) || sodium_init() < 0)
		return -EINVAL;
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return -ENOMEM;
	fds_unset(s);
	s->params = *params;
	s->ops = *ops;
	s->ctx = ctx;
	snprintf(s->build, sizeof(s->build), "%s", params->build);
	s->msg = sodium_malloc(sizeof(*s->msg));
	if (s->msg != NULL) // sodium fills new memory with a pattern of its own
		sodium_memzero(s->msg, sizeof(*s->msg));
	ret = s->msg == NULL ? -ENOMEM : 0;
	if (ret == 0)
		ret = stats_make(s);
	if (ret == 0)
		ret = bells_make(s);
	if (ret < 0)
		LOG_ERR("cannot make shared memory and pipes: %s: raise LimitNOFILE and "
		        "LimitMEMLOCK, or "
		        "free memory",
		        strerror(-ret));
	else
		ret = socket_make(s);
	if (ret < 0) {
		fog_session_destroy(s);
		return ret;
	}
	snprintf(s->path, sizeof(s->path), "%s", params->socket_path);
	s->params.socket_path = s->path;
	s->params.build = s->build;
	*out = s;
	*stats = s->stats;
	return 0;
}

static void fd_close(int fd)
{
	if (fd >= 0)
		close(fd);
}

void fog_session_destroy(struct fog_session *s)
{
	if (s == NULL)
		return;
	for (unsigned i = 0; i < SESSION_CONNS; i++) {
		fd_close(s->conn[i].fd);
		session_set_free(s, s->conn[i].set);
	}
	while (s->sets != NULL) {
		struct session_set *set = s->sets;
		s->sets = set->next;
		session_set_free(s, set);
	}
	if (s->listen_fd >= 0)
		unlink(s->params.socket_path);
	fd_close(s->listen_fd);
	fd_close(s->epoll_fd);
	fd_close(s->stats_fd);
	fd_close(s->doorbell[0]);
	fd_close(s->doorbell[1]);
	for (unsigned w = 0; w < s->params.worker_count; w++) {
		fd_close(s->wake_rd[w]);
		fd_close(s->wake_wr[w]);
		fd_close(s->wake_own[w]);
	}
	fog_shm_unmap(&s->stats_mem);
	sodium_free(s->msg);
	free(s);
}
