// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What callers see of dpclient (see dpclient.h), and its event loop.
#include "dpclient.h"

#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include "dpclient_internal.h"

void dpclient_kick(const struct fog_dpclient *c)
{
	uint64_t one = 1;

	if (write(c->kick_fd, &one, sizeof(one)) < 0)
		return; // it is kicked already
}

void dpclient_wake(const struct dpclient_set *s, unsigned w)
{
	uint64_t one = 1;

	if (write(s->wake_fd[w], &one, sizeof(one)) < 0)
		return; // full: the worker is awake, or never sleeps
}

static int poll_add(struct fog_dpclient *c, int fd)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};

	return fd < 0 || epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

static int loop_make(struct fog_dpclient *c)
{
	struct itimerspec every = {
	        .it_interval.tv_nsec = DPCLIENT_TICK_MS * 1000000L,
	        .it_value.tv_nsec = DPCLIENT_TICK_MS * 1000000L,
	};
	int ret;

	c->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (c->epoll_fd < 0)
		return -errno;
	c->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if ((ret = poll_add(c, c->timer_fd)) < 0)
		return ret;
	// Kicked from the start: the first connection is not a matter of the timer.
	c->kick_fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	if ((ret = poll_add(c, c->kick_fd)) < 0)
		return ret;
	return timerfd_settime(c->timer_fd, 0, &every, NULL) < 0 ? -errno : 0;
}

static void sync_init(struct fog_dpclient *c)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&c->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&c->answered, &attr);
	pthread_condattr_destroy(&attr);
}

static void sigpipe_ignore(void)
{
	struct sigaction now;

	if (sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
		signal(SIGPIPE, SIG_IGN);
}

int fog_dpclient_create(
        const struct fog_dpclient_params *p, const struct fog_dpclient_ops *ops, void *ctx,
        struct fog_dpclient **out
)
{
	struct fog_dpclient *c;
	int ret;

	if (strlen(p->socket_path) >= sizeof(c->path))
		return -ENAMETOOLONG;
	if (sodium_init() < 0 || (c = calloc(1, sizeof(*c))) == NULL)
		return -ENOMEM;
	sync_init(c);
	sigpipe_ignore();
	c->ops = *ops;
	c->ctx = ctx;
	c->epoll_fd = c->timer_fd = c->kick_fd = c->sock = -1;
	c->backoff_ms = DPCLIENT_BACKOFF_MIN_MS;
	c->config.status = -ENODATA;
	snprintf(c->status.why, sizeof(c->status.why), "not connected yet");
	snprintf(c->path, sizeof(c->path), "%s", p->socket_path);
	snprintf(c->build, sizeof(c->build), "%s", p->build);
	c->slot = malloc(DPCLIENT_SLOT_SIZE_MAX);
	c->keys = sodium_malloc(sizeof(*c->keys));
	if (c->keys != NULL)
		memset(c->keys, 0, sizeof(*c->keys));
	c->link_message = sodium_malloc(sizeof(*c->link_message));
	ret = c->slot == NULL || c->keys == NULL || c->link_message == NULL ? -ENOMEM
	                                                                    : loop_make(c);
	if (ret < 0) {
		fog_dpclient_destroy(c);
		return ret;
	}
	*out = c;
	return 0;
}

static void fd_close(int fd)
{
	if (fd >= 0)
		close(fd);
}

void fog_dpclient_destroy(struct fog_dpclient *c)
{
	if (c == NULL)
		return;
	fd_close(c->sock);
	dpclient_set_free(c, c->making);
	dpclient_set_free(c, c->live);
	while (c->old != NULL) {
		struct dpclient_set *s = c->old;
		c->old = s->next;
		dpclient_inject_give_up(c, s);
		dpclient_set_free(c, s);
	}
	fd_close(c->timer_fd);
	fd_close(c->kick_fd);
	fd_close(c->epoll_fd);
	sodium_free(c->link_message);
	sodium_free(c->keys);
	free(c->blob);
	free(c->slot);
	pthread_cond_destroy(&c->answered);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

int fog_dpclient_fd(const struct fog_dpclient *c)
{
	return c->epoll_fd;
}

static void heartbeats(struct fog_dpclient *c)
{
	struct fog_control_page *page;
	const struct fog_stats *stats;

	if (c->live == NULL)
		return;
	page = c->live->cmd_mem.addr;
	atomic_fetch_add_explicit(&page->heartbeat, 1, memory_order_relaxed);
	stats = c->live->stats->mem.addr;
	uint64_t beat = atomic_load_explicit(&stats->heartbeat, memory_order_relaxed);
	pthread_mutex_lock(&c->lock);
	if (beat != c->peer_beat)
		c->peer_beat_ms = fog_now_ms();
	c->peer_beat = beat;
	pthread_mutex_unlock(&c->lock);
}

// Timer, kick and bell carry no news: emptying them is all.
static void drain(int fd)
{
	uint8_t rest[512];

	if (read(fd, rest, sizeof(rest)) < 0)
		return; // somebody else emptied it
}

void fog_dpclient_process(struct fog_dpclient *c)
{
	struct epoll_event ev[4];
	int n = epoll_wait(c->epoll_fd, ev, 4, 0);

	for (int i = 0; i < n; i++)
		if (ev[i].data.fd != c->sock)
			drain(ev[i].data.fd);
	if (c->sock < 0 && fog_now_ms() >= c->retry_ms)
		dpclient_connect(c);
	else if (c->sock >= 0)
		dpclient_read(c);
	if (c->sock >= 0 && c->live == NULL && fog_now_ms() - c->since_ms > DPCLIENT_HANDSHAKE_MS)
		dpclient_disconnect(c, "the data plane does not answer: is it stopped?", false);
	dpclient_rings_process(c);
	dpclient_sync(c);
	heartbeats(c);
}

void fog_dpclient_status(struct fog_dpclient *c, struct fog_dpclient_status *out)
{
	pthread_mutex_lock(&c->lock);
	*out = c->status;
	out->heartbeat_age_ms = c->live != NULL ? fog_now_ms() - c->peer_beat_ms : UINT64_MAX;
	pthread_mutex_unlock(&c->lock);
}

int fog_dpclient_config_set(struct fog_dpclient *c, const void *blob, size_t len)
{
	const struct fog_blob *head = blob;
	struct fog_blob *copy;

	if (len < sizeof(*head) || len > FOG_BLOB_SIZE_MAX || head->magic != FOG_ABI_MAGIC ||
	    head->abi != FOG_ABI || head->size != len)
		return -EINVAL;
	copy = malloc(len);
	if (copy == NULL)
		return -ENOMEM;
	memcpy(copy, blob, len);
	pthread_mutex_lock(&c->lock);
	free(c->blob);
	c->blob = copy;
	c->config = (struct fog_dpclient_ack){
	        .status = -EINPROGRESS,
	        .generation = copy->generation,
	};
	pthread_mutex_unlock(&c->lock);
	dpclient_kick(c);
	return 0;
}

void fog_dpclient_config_ack(struct fog_dpclient *c, struct fog_dpclient_ack *out)
{
	pthread_mutex_lock(&c->lock);
	*out = c->config;
	pthread_mutex_unlock(&c->lock);
}

int fog_dpclient_config_wait(struct fog_dpclient *c, int timeout_ms, struct fog_dpclient_ack *out)
{
	const struct timespec end = fog_deadline(timeout_ms);
	int ret = 0;

	pthread_mutex_lock(&c->lock);
	while (c->config.status == -EINPROGRESS && ret == 0)
		ret = pthread_cond_timedwait(&c->answered, &c->lock, &end);
	*out = c->config;
	pthread_mutex_unlock(&c->lock);
	return out->status == -EINPROGRESS ? -ETIMEDOUT : 0;
}

// Write one slot. Under the lock. Returns 0, -ENOBUFS, or -ENOTCONN for a faulty peer.
static int slot_write(
        struct fog_dpclient *c, struct fog_ring_tx *r, uint32_t type, const void *head,
        uint32_t head_len, const void *body, uint32_t body_len
)
{
	int err = 0;
	uint8_t *slot = fog_ring_reserve(r, &err);

	if (slot == NULL && err == -EPROTO) {
		c->peer_faulty = true;
		dpclient_kick(c);
		return -ENOTCONN;
	}
	if (slot == NULL)
		return err;
	memcpy(slot, head, head_len);
	if (body_len > 0)
		memcpy(slot + head_len, body, body_len);
	fog_ring_commit(r, type, head_len + body_len);
	return 0;
}

// Whether the live set takes a packet of this length. Under the lock. Returns 0, -ENOTCONN or -EMSGSIZE.
static int inject_ready(const struct fog_dpclient *c, uint32_t len)
{
	const struct dpclient_set *s = c->live;

	if (s == NULL)
		return -ENOTCONN;
	if (len >
	    s->inject[0].slot_size - sizeof(struct fog_slot_header) - sizeof(struct fog_inject))
		return -EMSGSIZE;
	return c->peer_faulty ? -ENOTCONN : 0;
}

// Into the ring of one worker. Under the lock. Returns 0, -ENOBUFS or -ENOTCONN.
static int inject_write(
        struct fog_dpclient *c, unsigned worker, enum fog_inject_type type,
        const struct fog_inject *head, const void *packet
)
{
	struct dpclient_set *s = c->live;
	int ret = slot_write(
	        c, &s->inject[worker], type, head, sizeof(*head), packet, head->data_len
	);

	if (ret == 0) {
		dpclient_wake(s, worker);
		c->status.injected++;
	}
	return ret;
}

int fog_dpclient_inject(
        struct fog_dpclient *c, enum fog_inject_type type, const uint8_t next_hop[FOG_ID_LEN],
        uint8_t epoch, const void *packet, uint32_t len
)
{
	struct fog_inject head = {.epoch = epoch, .data_len = len};

	if (next_hop != NULL)
		memcpy(head.next_hop, next_hop, sizeof(head.next_hop));
	pthread_mutex_lock(&c->lock);
	int ret = inject_ready(c, len);
	if (ret == 0) {
		ret = -ENOBUFS;
		for (unsigned i = 0; ret == -ENOBUFS && i < c->live->workers; i++)
			ret = inject_write(
			        c, c->next_worker++ % c->live->workers, type, &head, packet
			);
	}
	pthread_mutex_unlock(&c->lock);
	return ret;
}

int fog_dpclient_inject_cover(
        struct fog_dpclient *c, unsigned worker, const uint8_t next_hop[FOG_ID_LEN], uint8_t epoch,
        const void *packet, uint32_t len
)
{
	struct fog_inject head = {.epoch = epoch, .data_len = len};

	memcpy(head.next_hop, next_hop, sizeof(head.next_hop));
	pthread_mutex_lock(&c->lock);
	int ret = inject_ready(c, len);
	if (ret == 0)
		ret = worker < c->live->workers
		        ? inject_write(c, worker, FOG_INJECT_COVER, &head, packet)
		        : -EINVAL;
	pthread_mutex_unlock(&c->lock);
	return ret;
}

int fog_dpclient_geometry(struct fog_dpclient *c, struct fog_dpclient_geometry *out)
{
	int ret = -ENOTCONN;

	pthread_mutex_lock(&c->lock);
	if (c->live != NULL) {
		*out = c->live->geometry;
		ret = 0;
	}
	pthread_mutex_unlock(&c->lock);
	return ret;
}

void fog_dpclient_delivered_geometry(
        const struct fog_dpclient *c, struct fog_dpclient_geometry *out
)
{
	*out = c->giving->geometry;
}

int fog_dpclient_command(struct fog_dpclient *c, enum fog_cmd_type type, uint64_t token)
{
	struct fog_cmd cmd = {.token = token};

	return fog_dpclient_command_args(c, type, &cmd);
}

int fog_dpclient_command_args(
        struct fog_dpclient *c, enum fog_cmd_type type, const struct fog_cmd *cmd
)
{
	int ret = -ENOTCONN;

	pthread_mutex_lock(&c->lock);
	if (c->live != NULL && !c->peer_faulty)
		ret = slot_write(c, &c->live->cmd, type, cmd, sizeof(*cmd), NULL, 0);
	pthread_mutex_unlock(&c->lock);
	return ret;
}

int fog_dpclient_stats_get(struct fog_dpclient *c, struct fog_dpclient_stats *out)
{
	int ret = -ENOTCONN;

	pthread_mutex_lock(&c->lock);
	if (c->live != NULL) {
		struct dpclient_mapping *m = c->live->stats;
		m->refs++;
		out->mapping = m;
		out->stats = m->mem.addr;
		out->worker = (const struct fog_stats_worker *)(out->stats + 1);
		out->worker_count = c->live->workers;
		ret = 0;
	}
	pthread_mutex_unlock(&c->lock);
	return ret;
}

void fog_dpclient_stats_put(struct fog_dpclient *c, struct fog_dpclient_stats *v)
{
	pthread_mutex_lock(&c->lock);
	dpclient_mapping_put(v->mapping);
	pthread_mutex_unlock(&c->lock);
	*v = (struct fog_dpclient_stats){0};
}
