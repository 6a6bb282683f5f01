// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "places.h"

#include <string.h>

static const struct {
	unsigned bytes, most;
} shares[] = {{8, 16}, {7, 24}, {6, 32}};

static const struct in6_addr nowhere;

void http_places_init(struct http_places *p)
{
	pthread_mutex_init(&p->lock, NULL);
	for (unsigned i = 0; i < HTTP_PLACES; i++)
		p->place[i].fd = -1;
}

void http_places_destroy(struct http_places *p)
{
	pthread_mutex_destroy(&p->lock);
}

// An IPv4 address counts as a /64 of its own.
static struct in6_addr place_network(const struct sockaddr *from)
{
	struct in6_addr in6 = nowhere, network = nowhere;

	if (from->sa_family == AF_INET) {
		memcpy(network.s6_addr + 4,
		       &((const struct sockaddr_in *)(const void *)from)->sin_addr, 4);
		network.s6_addr[15] = 4;
		return network;
	}
	if (from->sa_family != AF_INET6)
		return network;
	in6 = ((const struct sockaddr_in6 *)(const void *)from)->sin6_addr;
	if (IN6_IS_ADDR_V4MAPPED(&in6)) {
		memcpy(network.s6_addr + 4, in6.s6_addr + 12, 4);
		network.s6_addr[15] = 4;
		return network;
	}
	memcpy(network.s6_addr, in6.s6_addr, 8);
	network.s6_addr[15] = 6;
	return network;
}

// Under the lock.
static bool place_shared(const struct http_places *p, const struct in6_addr *network)
{
	unsigned kinds = network->s6_addr[15] == 6 ? sizeof(shares) / sizeof(shares[0]) : 1;

	if (network->s6_addr[15] == 0)
		return true;
	for (unsigned k = 0; k < kinds; k++) {
		unsigned same = 0;
		for (unsigned i = 0; i < HTTP_PLACES; i++) {
			const struct http_place *at = &p->place[i];
			same += at->fd >= 0 && at->network.s6_addr[15] == network->s6_addr[15] &&
			        memcmp(at->network.s6_addr, network->s6_addr, shares[k].bytes) == 0;
		}
		if (same >= shares[k].most)
			return false;
	}
	return true;
}

bool http_place_take(
        struct http_places *p, int fd, const struct sockaddr *from, uint64_t deadline_ms
)
{
	struct in6_addr network = place_network(from);
	struct http_place *at = NULL;

	pthread_mutex_lock(&p->lock);
	for (unsigned i = 0; i < HTTP_PLACES && at == NULL; i++)
		if (p->place[i].fd < 0)
			at = &p->place[i];
	if (at != NULL && !place_shared(p, &network))
		at = NULL;
	if (at != NULL)
		*at = (struct http_place){.fd = fd, .deadline_ms = deadline_ms, .network = network};
	pthread_mutex_unlock(&p->lock);
	return at != NULL;
}

// Under the lock.
static struct http_place *place_waiting(struct http_places *p, int fd)
{
	for (unsigned i = 0; i < HTTP_PLACES; i++)
		if (p->place[i].fd == fd && !p->place[i].entered)
			return &p->place[i];
	return NULL;
}

struct http_place *http_place_enter(struct http_places *p, int fd, uint64_t deadline_ms)
{
	pthread_mutex_lock(&p->lock);
	struct http_place *at = place_waiting(p, fd);
	if (at != NULL) {
		at->entered = true;
		at->deadline_ms = deadline_ms;
	}
	pthread_mutex_unlock(&p->lock);
	return at;
}

void http_place_leave(struct http_places *p, struct http_place *at)
{
	if (at == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	at->fd = -1;
	pthread_mutex_unlock(&p->lock);
}

void http_place_drop(struct http_places *p, int fd)
{
	pthread_mutex_lock(&p->lock);
	struct http_place *at = place_waiting(p, fd);
	if (at != NULL)
		at->fd = -1;
	pthread_mutex_unlock(&p->lock);
}

void http_place_deadline(struct http_places *p, struct http_place *at, uint64_t deadline_ms)
{
	if (at == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	at->deadline_ms = deadline_ms;
	pthread_mutex_unlock(&p->lock);
}

void http_places_tick(struct http_places *p, uint64_t now_ms)
{
	pthread_mutex_lock(&p->lock);
	for (unsigned i = 0; i < HTTP_PLACES; i++) {
		struct http_place *at = &p->place[i];
		if (at->fd < 0 || at->deadline_ms == 0 || at->deadline_ms > now_ms)
			continue;
		at->deadline_ms = 0;
		if (at->entered)
			shutdown(at->fd, SHUT_RDWR); // its thread sees the end and closes it
		else
			at->fd = -1; // it never began, and the number may be another's by now
	}
	pthread_mutex_unlock(&p->lock);
}
