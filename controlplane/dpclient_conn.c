// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The conversation of dpclient with the data plane (dataplane/api/msg.h): handshake, then
// requests until configuration and keys are the wanted ones.
#include <sodium.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/un.h>

#include "../log/log.h"
#include "dpclient_internal.h"

static void state_set(struct fog_dpclient *c, enum fog_dpclient_state state, const char *why)
{
	c->since_ms = fog_now_ms();
	pthread_mutex_lock(&c->lock);
	c->status.state = state;
	snprintf(c->status.why, sizeof(c->status.why), "%s", why);
	pthread_mutex_unlock(&c->lock);
}

static int hello_send(struct fog_dpclient *c)
{
	struct fog_msg_hello m = {
	        .h = {.type = FOG_MSG_HELLO, .size = sizeof(m)},
	        .magic = FOG_ABI_MAGIC,
	        .abi = FOG_ABI,
	};

	memcpy(m.build, c->build, sizeof(m.build));
	return fog_sock_send(c->sock, &m, sizeof(m), NULL, 0);
}

static const char *connect_mend(int err)
{
	switch (err) {
	case ENOENT:
	case ECONNREFUSED:
		return "the data plane is not running: start fog-dataplane with this run-time folder";
	case EACCES:
	case EPERM:
		return "no permission for dp.sock: run as the user and group in the data plane's blob";
	case EAGAIN:
		return "the data plane is busy";
	default:
		return strerror(err);
	}
}

void dpclient_connect(struct fog_dpclient *c)
{
	union {
		struct sockaddr any;
		struct sockaddr_un un;
	} addr = {.un = {.sun_family = AF_UNIX}};
	struct epoll_event ev = {.events = EPOLLIN};
	int err = 0;

	c->retry_ms = fog_now_ms() + c->backoff_ms;
	c->sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->sock < 0)
		return;
	memcpy(addr.un.sun_path, c->path, sizeof(addr.un.sun_path));
	ev.data.fd = c->sock;
	if (connect(c->sock, &addr.any, sizeof(addr.un)) < 0 ||
	    epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, c->sock, &ev) < 0)
		err = errno;
	else
		err = -hello_send(c);
	if (err == 0) {
		state_set(c, FOG_DPCLIENT_HANDSHAKE, "waiting for the data plane's answer");
		return;
	}
	close(c->sock);
	c->sock = -1;
	c->backoff_ms *= 2;
	if (c->backoff_ms > DPCLIENT_BACKOFF_MAX_MS)
		c->backoff_ms = DPCLIENT_BACKOFF_MAX_MS;
	state_set(c, FOG_DPCLIENT_DETACHED, connect_mend(err));
}

// What is wanted is in force no more, as far as we know. Under the lock.
static void answers_forget(struct fog_dpclient *c)
{
	c->config_asked = false;
	if (c->config.status != -ENODATA)
		c->config.status = -EINPROGRESS;
	c->config.text[0] = '\0';
	dpclient_keys_forget(c);
}

void dpclient_disconnect(struct fog_dpclient *c, const char *why, bool fault)
{
	struct dpclient_set *live = c->live;
	uint64_t now = fog_now_ms();

	if (c->sock < 0)
		return;
	close(c->sock);
	c->sock = -1;
	// A connection that lasted gets its next attempt soon, one that did not waits longer.
	if (live != NULL && now - c->since_ms > DPCLIENT_BACKOFF_MAX_MS)
		c->backoff_ms = DPCLIENT_BACKOFF_MIN_MS;
	c->retry_ms = now + c->backoff_ms;
	c->backoff_ms = c->backoff_ms * 2 > DPCLIENT_BACKOFF_MAX_MS ? DPCLIENT_BACKOFF_MAX_MS
	                                                            : c->backoff_ms * 2;
	pthread_mutex_lock(&c->lock);
	c->live = NULL;
	c->peer_faulty = false;
	c->status.faults += fault;
	answers_forget(c);
	pthread_mutex_unlock(&c->lock);
	state_set(c, FOG_DPCLIENT_DETACHED, why);
	if (live != NULL || c->complained != why) // every reason is a literal
		LOG_WARN("no data plane: %s", why);
	c->complained = why;
	if (c->making != NULL)
		dpclient_set_retire(c, c->making);
	c->making = NULL;
	if (live == NULL)
		return;
	epoll_ctl(c->epoll_fd, EPOLL_CTL_DEL, live->doorbell_fd, NULL);
	dpclient_events_take(c, live);
	dpclient_set_retire(c, live);
	if (c->ops.detached != NULL)
		c->ops.detached(c->ctx, why);
}

static int bell_listen(struct fog_dpclient *c, const struct dpclient_set *s)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = s->doorbell_fd};

	return epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, s->doorbell_fd, &ev) < 0 ? -errno : 0;
}

static int welcome(
        struct fog_dpclient *c, const struct fog_msg_welcome *m, size_t len, int *fds,
        unsigned nfds, const char **why
)
{
	struct fog_msg_rings rings = {.h = {.type = FOG_MSG_RINGS, .size = sizeof(rings)}};
	int ours[1 + FOG_WORKERS_MAX];
	struct dpclient_set *s;

	*why = "the data plane is of another build (ABI): install both from the same one";
	if (len >= offsetof(struct fog_msg_welcome, worker_count) && m->magic == FOG_ABI_MAGIC &&
	    m->abi != FOG_ABI)
		return -EPROTO;
	*why = "its WELCOME makes no sense: install both planes from the same build";
	if (len != sizeof(*m) || m->magic != FOG_ABI_MAGIC)
		return -EPROTO;
	int ret = dpclient_set_create(c, m, fds, nfds, &s, ours, why);
	if (ret < 0)
		return ret;
	pthread_mutex_lock(&c->lock);
	snprintf(
	        c->status.peer_build, sizeof(c->status.peer_build), "%.*s", FOG_BUILD_LEN - 1,
	        m->build
	);
	memcpy(c->status.boot_id, m->boot_id, sizeof(m->boot_id));
	memcpy(c->status.checksum, m->checksum, sizeof(m->checksum));
	memcpy(c->status.key_id, m->key_id, sizeof(m->key_id));
	c->status.generation = m->generation;
	pthread_mutex_unlock(&c->lock);
	c->making = s;
	c->welcome = *m;
	ret = fog_sock_send(c->sock, &rings, sizeof(rings), ours, 1 + s->workers);
	fog_sock_close_fds(ours, 1 + s->workers);
	*why = "it does not take our rings";
	return ret;
}

static int attached(struct fog_dpclient *c, const char **why)
{
	struct dpclient_set *s = c->making;

	*why = "cannot listen to its bell";
	int ret = bell_listen(c, s);
	if (ret < 0)
		return ret;
	c->making = NULL;
	pthread_mutex_lock(&c->lock);
	c->live = s;
	c->status.attaches++;
	c->peer_beat_ms = fog_now_ms();
	c->next_worker = 0;
	pthread_mutex_unlock(&c->lock);
	dpclient_sets_superseded(c);
	state_set(c, FOG_DPCLIENT_ATTACHED, "");
	LOG_INFO(
	        "attached to the data plane, build %s, %u workers", c->status.peer_build, s->workers
	);
	if (c->ops.attached != NULL)
		c->ops.attached(c->ctx, &c->welcome);
	return 0;
}

// An answer that says 0 but names another configuration would make us ask for ever.
static void config_answered(struct fog_dpclient *c, const struct fog_msg_ack *m)
{
	bool current = c->blob != NULL && memcmp(c->blob->checksum, c->config_asked_id, 32) == 0;

	if (!current)
		return;
	c->config.status = m->status < 0 ? m->status : 0;
	if (m->status >= 0 && memcmp(m->checksum, c->config_asked_id, 32) != 0)
		c->config.status = -EPROTO;
	snprintf(c->config.text, sizeof(c->config.text), "%.*s", (int)sizeof(m->text) - 1, m->text);
}

static int ack(struct fog_dpclient *c, const struct fog_msg_ack *m, const char **why)
{
	bool config = m->h.type == FOG_MSG_CONFIG_ACK;
	int ret = 0;

	*why = "it answers what nobody asked";
	pthread_mutex_lock(&c->lock);
	c->status.generation = m->generation;
	memcpy(c->status.checksum, m->checksum, sizeof(m->checksum));
	if (!config) {
		ret = dpclient_key_answered(c, m);
	} else if (c->config_asked) {
		config_answered(c, m);
		c->config_asked = false;
	} else {
		ret = -EPROTO;
	}
	pthread_cond_broadcast(&c->answered);
	pthread_mutex_unlock(&c->lock);
	return ret;
}

union message {
	struct fog_msg_header h;
	struct fog_msg_welcome welcome;
	struct fog_msg_ack ack;
	struct fog_msg_link_ack link_ack;
};

static int message(
        struct fog_dpclient *c, const union message *m, size_t len, int *fds, unsigned nfds,
        const char **why
)
{
	*why = "it sent a message that has no place here";
	if (len < sizeof(m->h) || m->h.size != len)
		return -EPROTO;
	if (c->live == NULL && c->making == NULL && m->h.type == FOG_MSG_WELCOME)
		return welcome(c, &m->welcome, len, fds, nfds, why);
	if (nfds != 0)
		return -EPROTO;
	if (c->making != NULL && m->h.type == FOG_MSG_ATTACHED &&
	    len == sizeof(struct fog_msg_attached))
		return attached(c, why);
	if (c->live != NULL && len == sizeof(m->ack) &&
	    (m->h.type == FOG_MSG_CONFIG_ACK || m->h.type == FOG_MSG_KEY_ACK))
		return ack(c, &m->ack, why);
	if (c->live != NULL && len == sizeof(m->link_ack) && m->h.type == FOG_MSG_LINK_ACK)
		return dpclient_link_ack(c, &m->link_ack);
	return -EPROTO;
}

void dpclient_read(struct fog_dpclient *c)
{
	int fds[FOG_SOCK_FDS_MAX];

	while (c->sock >= 0) {
		const char *why = "it broke the framing";
		union message m;
		unsigned nfds;
		int ret = fog_sock_recv(c->sock, &m, sizeof(m), fds, &nfds);
		if (ret == -EAGAIN)
			return;
		if (ret > 0) {
			ret = message(c, &m, (size_t)ret, fds, nfds, &why);
		} else if (ret == 0 || ret == -ECONNRESET) {
			ret = -ECONNRESET;
			why = c->live != NULL ? "the data plane closed the connection or ended"
			                      : "the data plane refused us: its log says why";
		}
		for (unsigned i = 0; i < nfds; i++)
			if (fds[i] >= 0)
				close(fds[i]);
		if (ret < 0)
			dpclient_disconnect(c, why, ret == -EPROTO);
	}
}

static int blob_send(struct fog_dpclient *c)
{
	struct fog_msg_config m = {
	        .h = {.type = FOG_MSG_CONFIG, .size = sizeof(m)},
	        .generation = c->blob->generation,
	};
	int ret, fd = memfd_create("fog-blob", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -errno;
	if (write(fd, c->blob, c->blob->size) != (ssize_t)c->blob->size ||
	    fcntl(fd, F_ADD_SEALS, FOG_SEALS_BLOB) < 0)
		ret = -EIO;
	else
		ret = fog_sock_send(c->sock, &m, sizeof(m), &fd, 1);
	close(fd);
	return ret;
}

// Under the lock. Returns 0 or -errno.
static int config_sync(struct fog_dpclient *c)
{
	if (c->config_asked || c->blob == NULL || c->config.status != -EINPROGRESS)
		return 0;
	if (memcmp(c->blob->checksum, c->status.checksum, 32) != 0) {
		c->config_asked = true;
		memcpy(c->config_asked_id, c->blob->checksum, 32);
		return blob_send(c);
	}
	c->config.status = 0;
	pthread_cond_broadcast(&c->answered);
	return 0;
}

void dpclient_sync(struct fog_dpclient *c)
{
	int ret = 0;

	if (c->live == NULL)
		return;
	pthread_mutex_lock(&c->lock);
	bool faulty = c->peer_faulty;
	ret = config_sync(c);
	if (ret == 0)
		ret = dpclient_keys_sync(c);
	pthread_mutex_unlock(&c->lock);
	if (faulty)
		dpclient_disconnect(
		        c, "its index of an inject or command ring is impossible", true
		);
	else if (ret < 0)
		dpclient_disconnect(c, "it does not take our messages", false);
}
