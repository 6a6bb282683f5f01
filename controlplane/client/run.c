// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The one process that runs the folder's network: a socket, a link, a courier, and their clocks.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../now.h"
#include "run_private.h"

enum {
	RUN_TICK_MS = 50, // handshakes, fetches, epochs
	RUN_SWEEP_MS = 60000,
	RUN_FETCH_MS = 100, // between questions for mail in a network without client_fetch
	RUN_SEND_MS = 10, // between fragments in a network without client_send
	RUN_READS = 64, // frames between two looks at the clocks: a flood must not stop them
	RUN_FAILURES = 8, // fetches in a row, and nothing is cached: there is no network
};

static uint64_t run_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void run_frame_out(void *ctx, const uint8_t *frame, size_t len)
{
	struct runner *r = ctx;

	// A full queue is a lost frame, as anywhere on its way.
	ssize_t n = sendto(
	        r->socket, frame, len, MSG_DONTWAIT | MSG_NOSIGNAL, &r->gateway.any, r->gateway_len
	);
	r->send_error = n < 0 && errno != EAGAIN ? errno : 0;
}

int64_t run_unix_us(const struct runner *r)
{
	return (int64_t)(client_network_now_ns(r->network) / 1000);
}

static void run_notice_in(void *ctx, const uint8_t *data, size_t len)
{
	struct runner *r = ctx;
	int error = r->courier != NULL ? courier_notice(r->courier, data, len, run_unix_us(r)) : 0;

	if (error < 0 && error != -EBADMSG)
		r->store_error = error;
}

static uint64_t run_unix_ns(void *ctx)
{
	struct runner *r = ctx;

	return client_network_now_ns(r->network);
}

static int run_way(
        void *ctx, const uint8_t *from, const uint8_t *to, struct fog_sphinx_path_hop *hop,
        uint64_t *epoch
)
{
	struct runner *r = ctx;

	return client_network_way(r->network, from, to, hop, epoch);
}

static int run_anybody(void *ctx, uint8_t *to)
{
	struct runner *r = ctx;

	return client_network_anybody(r->network, to);
}

static void run_packet(void *ctx, const uint8_t *packet, uint64_t epoch)
{
	struct runner *r = ctx;

	(void)client_link_packet(r->link, packet, epoch, fog_now_ms());
}

static void run_notice(void *ctx, const uint8_t *data, size_t len)
{
	struct runner *r = ctx;

	(void)client_link_notice(r->link, data, len, fog_now_ms());
}

static const struct client_link_ops run_link_ops = {
        .send = run_frame_out, .notice = run_notice_in, .unix_ns = run_unix_ns};
static const struct courier_ops run_courier_ops = {
        .way = run_way, .anybody = run_anybody, .packet = run_packet, .notice = run_notice};

static void run_address(struct runner *r, const struct fog_topology_node *g)
{
	memset(&r->gateway, 0, sizeof(r->gateway));
	if (g->address.family == 4) {
		struct sockaddr_in *a = &r->gateway.v4;
		a->sin_family = AF_INET;
		a->sin_port = htons(g->port);
		memcpy(&a->sin_addr, g->address.addr, 4);
		r->gateway_len = sizeof(*a);
	} else {
		struct sockaddr_in6 *a = &r->gateway.v6;
		a->sin6_family = AF_INET6;
		a->sin6_port = htons(g->port);
		memcpy(&a->sin6_addr, g->address.addr, 16);
		r->gateway_len = sizeof(*a);
	}
}

// The gateway has this address and this key now. The socket isn't connected: a host that comes to another
// network goes on with it.
static int run_link(struct runner *r, const struct fog_topology_node *g)
{
	struct fog_client *c = r->client;
	struct client_link_params p = {
	        .link_public = c->keys->link_public,
	        .link_private = c->keys->secret->link_private,
	        .packet_len = c->network->geometry.packet_len,
	        .tolerance_ms = c->network->tolerance_ms,
	        .rekey_s = c->network->rekey_s,
	        .rekey_packets = c->network->rekey_packets,
	};
	int family = g->address.family == 4 ? AF_INET : AF_INET6;

	if (r->socket < 0 || family != r->gateway.any.sa_family) {
		if (r->socket >= 0)
			close(r->socket);
		r->socket = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (r->socket < 0)
			return client_fail(c, -EIO, "no UDP socket: %s", strerror(errno));
	}
	run_address(r, g);
	if (r->link != NULL && memcmp(r->link_key, g->link_key, 32) == 0)
		return 0;
	client_link_destroy(r->link);
	r->link = NULL;
	memcpy(r->link_key, g->link_key, 32);
	memcpy(p.gateway, g->link_key, 32);
	fog_network_hash(c->network, p.network);
	return client_link_create(&p, &run_link_ops, r, &r->link);
}

// Longest that a packet takes there and its answer back.
static int64_t run_patience_us(const struct fog_topology *t)
{
	int64_t hop = (int64_t)t->delay_max_us + (int64_t)t->delay_cap_ms * 1000;

	return 2 * hop * (t->layers + 2) + (int64_t)t->cover.slack_ms * 1000;
}

static int run_courier(struct runner *r, const struct fog_topology *t)
{
	struct fog_client *c = r->client;
	struct courier_params p = {
	        .store = c->store,
	        .keys = c->keys,
	        .geometry = &c->network->geometry,
	        .patience_us = run_patience_us(t),
	        .fetch_us = (int64_t)r->fetch.mean_us,
	};

	memcpy(p.gateway, c->gateway, sizeof(p.gateway));
	return courier_create(&p, &run_courier_ops, r, &r->courier);
}

static int run_choose_gateway(struct runner *r)
{
	struct fog_client *c = r->client;
	const struct fog_topology_node *g = c->wish[0] != '\0'
	        ? client_network_node(r->network, c->wish)
	        : client_network_gateway(r->network);

	if (g == NULL || g->role != FOG_ROLE_GATEWAY)
		return client_fail(
		        c, -EINVAL, "the network has no gateway%s%s", c->wish[0] != '\0' ? " " : "",
		        c->wish
		);
	return client_keep_gateway(c, g->id);
}

// Nodes, keys or rates may be others.
static int run_topology(struct runner *r)
{
	const struct fog_topology *t = client_network_topology(r->network);
	struct fog_client *c = r->client;
	const struct fog_topology_node *g;
	uint64_t now_us = run_now_us();
	int e = 0;

	if (t == NULL)
		return 0;
	r->cover = t->cover.client_send_us != 0;
	client_pace_set(&r->send, r->cover ? t->cover.client_send_us : RUN_SEND_MS * 1000, now_us);
	client_pace_set(&r->loop, t->cover.client_loop_us, now_us);
	client_pace_set(
	        &r->fetch,
	        t->cover.client_fetch_us != 0 ? t->cover.client_fetch_us : RUN_FETCH_MS * 1000,
	        now_us
	);
	if (!c->has_gateway)
		e = run_choose_gateway(r);
	g = e == 0 ? fog_topology_find(t, c->gateway) : NULL;
	if (g != NULL)
		e = run_link(r, g);
	else if (e == 0)
		client_fail(
		        c, 0, "the gateway isn't in the consensus: mail waits until it is again"
		);
	if (e == 0 && r->courier == NULL)
		e = run_courier(r, t);
	if (r->courier != NULL)
		courier_pace(r->courier, run_patience_us(t), (int64_t)r->fetch.mean_us);
	if (e == 0 && r->ping_left > 0)
		e = run_ping_whom(r);
	return e;
}

static void run_read(struct runner *r)
{
	uint8_t frame[FOG_SPHINX_PACKET_MAX + FOG_LINK_OVERHEAD + 1];
	union run_place from;
	ssize_t n;

	for (unsigned i = 0; i < RUN_READS && r->store_error == 0; i++) {
		socklen_t len = sizeof(from);
		memset(&from, 0, sizeof(from));
		n = recvfrom(r->socket, frame, sizeof(frame), MSG_DONTWAIT, &from.any, &len);
		if (n < 0)
			break;
		if (n > 0 && r->link != NULL && len == r->gateway_len &&
		    memcmp(&from, &r->gateway, len) == 0)
			client_link_read(r->link, frame, (size_t)n, fog_now_ms());
	}
}

// What the clocks say. All of them run whether there is anything to send or not.
static void run_clocks(struct runner *r)
{
	uint64_t now_us = run_now_us();
	bool up = r->link != NULL && client_link_status(r->link).up;
	int e = 0;

	if (r->courier == NULL)
		return;
	if (client_pace_due(&r->send, now_us) && up)
		e = courier_send(r->courier, run_unix_us(r), r->cover);
	if (client_pace_due(&r->loop, now_us) && up)
		(void)courier_loop(r->courier);
	if (client_pace_due(&r->fetch, now_us) && up)
		courier_fetch(r->courier);
	if (r->ping_left > 0 && client_pace_due(&r->ping, now_us) && up)
		run_ping(r);
	if (r->pings != NULL)
		run_pongs(r);
	if (e == -EIO || e == -ENOSPC)
		r->store_error = e;
}

static int run_tick(struct runner *r)
{
	uint64_t now_ms = fog_now_ms();
	unsigned failures;
	const char *trouble;
	int e = 0;

	if (now_ms < r->tick_ms)
		return 0;
	r->tick_ms = now_ms + RUN_TICK_MS;
	if (client_network_tick(r->network, now_ms))
		e = run_topology(r);
	trouble = client_network_trouble(r->network, &failures);
	if (e == 0 && client_network_topology(r->network) == NULL && failures >= RUN_FAILURES)
		e = client_fail(
		        r->client, -ENETUNREACH, "no consensus can be had, and none is kept: %s",
		        trouble
		);
	if (r->link != NULL)
		client_link_tick(r->link, now_ms);
	run_waiting(r, now_ms);
	if (e == 0 && now_ms >= r->sweep_ms) {
		r->sweep_ms = now_ms + RUN_SWEEP_MS;
		e = client_store_sweep(r->client->store, run_unix_us(r));
		if (e < 0)
			client_fail_store(r->client, e);
	}
	return e;
}

static uint64_t run_earlier(const struct client_pace *k, uint64_t then)
{
	return k->mean_us != 0 && k->due_us < then ? k->due_us : then;
}

static void run_wait(struct runner *r)
{
	uint64_t now = run_now_us(), then = r->tick_ms * 1000;
	struct pollfd fd[] = {
	        {.fd = r->client->stop_fd, .events = POLLIN},
	        {.fd = client_network_fd(r->network), .events = POLLIN},
	        {.fd = r->socket, .events = POLLIN}, // negative: ignored
	};
	struct timespec wait;

	if (r->courier != NULL) {
		then = run_earlier(&r->send, then);
		then = run_earlier(&r->loop, then);
		then = run_earlier(&r->fetch, then);
		if (r->ping_left > 0)
			then = run_earlier(&r->ping, then);
	}
	if (then > r->end_ms * 1000 && r->end_ms != UINT64_MAX)
		then = r->end_ms * 1000;
	then = then > now ? then - now : 0;
	wait = (struct timespec){(time_t)(then / 1000000), (long)(then % 1000000) * 1000};
	if (ppoll(fd, 3, &wait, NULL) <= 0)
		return;
	if (fd[1].revents != 0)
		r->tick_ms = 0; // an answer is there
	if (fd[2].revents != 0)
		run_read(r);
}

static int run_loop(struct runner *r, fog_client_until *until, void *ctx)
{
	struct fog_client *c = r->client;
	eventfd_t stopped;
	int e;

	for (;;) {
		e = run_tick(r);
		if (e < 0)
			return e;
		run_clocks(r);
		if (r->store_error < 0)
			return client_fail_store(c, r->store_error);
		if (eventfd_read(c->stop_fd, &stopped) == 0 || fog_now_ms() >= r->end_ms)
			return 0;
		if (until != NULL && until(ctx, c))
			return 0;
		if (r->pings != NULL && r->ping_left == 0 &&
		    r->pings->returned + r->pings->lost >= r->pings->sent)
			return 0;
		run_wait(r);
	}
}

static int run_lock(struct runner *r)
{
	struct fog_client *c = r->client;

	r->lock_fd = openat(c->dir_fd, "run.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (r->lock_fd < 0)
		return client_fail_file(c, -errno, "%s: run.lock", c->dir);
	if (flock(r->lock_fd, LOCK_EX | LOCK_NB) < 0)
		return client_fail(
		        c, -EBUSY, "another process runs the network of %s: it sends for both",
		        c->dir
		);
	return 0;
}

static int run_open(struct runner *r)
{
	struct fog_client *c = r->client;
	char dir[4096];
	int e = run_lock(r);

	if (e < 0)
		return e;
	snprintf(dir, sizeof(dir), "%s/consensus", c->dir);
	if (mkdirat(c->dir_fd, "consensus", 0700) < 0 && errno != EEXIST)
		return client_fail_file(c, -errno, "%s can't be made", dir);
	e = client_network_create(c->network, dir, &r->network);
	if (e < 0)
		return e == -ENOMEM ? client_fail(c, e, "out of memory")
		                    : client_fail_file(c, e, "%s", dir);
	return 0;
}

static void run_close(struct runner *r)
{
	courier_destroy(r->courier);
	client_link_destroy(r->link);
	client_network_destroy(r->network);
	if (r->socket >= 0)
		close(r->socket);
	if (r->lock_fd >= 0)
		close(r->lock_fd);
}

int run_network(
        struct runner *r, struct fog_client *c, int timeout_ms, fog_client_until *until, void *ctx
)
{
	int e;

	r->client = c;
	c->waiting[0] = '\0';
	c->waiting_ms = 0;
	r->socket = r->lock_fd = -1;
	r->end_ms = timeout_ms < 0 ? UINT64_MAX : fog_now_ms() + (uint64_t)timeout_ms;
	e = run_open(r);
	if (e == 0)
		e = run_loop(r, until, ctx);
	run_close(r);
	return e;
}

int fog_client_run(struct fog_client *c, int timeout_ms, fog_client_until *until, void *ctx)
{
	struct runner r = {0};

	return run_network(&r, c, timeout_ms, until, ctx);
}
