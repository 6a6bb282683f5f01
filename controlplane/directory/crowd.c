// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "crowd.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

enum {
	CROWD_SOURCES =
	        1024, // more than there are connections: the others are remembered for their units
	CROWD_GUESTS = CROWD_STRANGERS + CROWD_OF_PEERS,
	CROWD_KEY = 1 + 16,
	CROWD_MILLI = 1000,
};

struct crowd_source {
	uint8_t key[CROWD_KEY]; // family and address, of IPv6 its network; family 0: free
	unsigned guests;
	int64_t milli; // thousandths of units
	uint64_t at_ms; // when they were counted
};

struct crowd_guest {
	struct crowd_source *source; // NULL: free
	struct fog_ip address;
	bool peer;
	bool leaving; // it was put out, and counts no more
	int fd;
	uint64_t since_ms;
	uint64_t due_ms; // when it has to have read its answer, 0 = it gets none
};

struct crowd {
	unsigned peer_count, strangers, peers;
	struct fog_ip *peer;
	struct crowd_source source[CROWD_SOURCES];
	struct crowd_guest guest[CROWD_GUESTS * 2]; // those that leave take a moment to be gone
};

// An IPv4 address that came over an IPv6 socket is an IPv4 address.
static struct fog_ip address_of(const struct sockaddr *from)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	struct fog_ip ip = {0};
	const void *generic = from;

	if (from->sa_family == AF_INET) {
		const struct sockaddr_in *four = generic;
		ip.family = 4;
		memcpy(ip.addr, &four->sin_addr, 4);
	} else if (from->sa_family == AF_INET6) {
		const struct sockaddr_in6 *six = generic;
		bool is4 = memcmp(&six->sin6_addr, mapped, sizeof(mapped)) == 0;
		ip.family = is4 ? 4 : 6;
		memcpy(ip.addr, (const uint8_t *)&six->sin6_addr + (is4 ? 12 : 0), is4 ? 4 : 16);
	}
	return ip;
}

static bool same_address(const struct fog_ip *a, const struct fog_ip *b)
{
	return a->family == b->family && memcmp(a->addr, b->addr, sizeof(a->addr)) == 0;
}

// How many of them have this address.
static unsigned peers_at(const struct crowd *c, const struct fog_ip *ip)
{
	unsigned n = 0;

	for (unsigned i = 0; i < c->peer_count; i++)
		n += same_address(&c->peer[i], ip);
	return n;
}

static void key_of(const struct fog_ip *ip, uint8_t key[CROWD_KEY])
{
	memset(key, 0, CROWD_KEY);
	key[0] = ip->family != 0 ? ip->family : 1;
	memcpy(key + 1, ip->addr, ip->family == 6 ? 8 : sizeof(ip->addr));
}

static void source_fill(struct crowd_source *s, uint64_t now_ms)
{
	const int64_t most = (int64_t)CROWD_BURST * CROWD_MILLI;
	uint64_t gone = now_ms > s->at_ms ? now_ms - s->at_ms : 0;

	// So many milliseconds fill it from whatever it can be at.
	if (gone > UINT32_MAX)
		s->milli = most;
	else
		s->milli += (int64_t)gone * CROWD_PER_S;
	if (s->milli > most)
		s->milli = most;
	s->at_ms += gone;
}

// Known or new. A new one takes the place of who has been gone for longest.
static struct crowd_source *source_of(struct crowd *c, const struct fog_ip *ip, uint64_t now_ms)
{
	struct crowd_source *place = NULL;
	uint8_t key[CROWD_KEY];

	key_of(ip, key);
	for (unsigned i = 0; i < CROWD_SOURCES; i++) {
		struct crowd_source *s = &c->source[i];
		if (memcmp(s->key, key, CROWD_KEY) == 0) {
			source_fill(s, now_ms);
			return s;
		}
		if (s->guests == 0 && (place == NULL || s->at_ms < place->at_ms))
			place = s;
	}
	if (place == NULL)
		return NULL;
	*place = (struct crowd_source
	){.milli = (int64_t)CROWD_BURST * CROWD_MILLI, .at_ms = now_ms};
	memcpy(place->key, key, CROWD_KEY);
	return place;
}

int crowd_create(const struct fog_ip *peer, unsigned count, struct crowd **out)
{
	struct crowd *c = calloc(1, sizeof(*c));

	if (c == NULL || (c->peer = calloc(count + 1, sizeof(*peer))) == NULL) {
		free(c);
		return -ENOMEM;
	}
	if (count > 0)
		memcpy(c->peer, peer, count * sizeof(*peer));
	c->peer_count = count;
	*out = c;
	return 0;
}

void crowd_destroy(struct crowd *c)
{
	if (c == NULL)
		return;
	free(c->peer);
	free(c);
}

static void guest_uncount(struct crowd *c, struct crowd_guest *g)
{
	if (g->leaving)
		return;
	g->leaving = true;
	g->source->guests--;
	if (g->peer)
		c->peers--;
	else
		c->strangers--;
}

// Of the source that has most, the oldest.
static struct crowd_guest *guest_most(struct crowd *c)
{
	struct crowd_guest *most = NULL;

	for (unsigned i = 0; i < CROWD_GUESTS * 2; i++) {
		struct crowd_guest *g = &c->guest[i];
		if (g->source == NULL || g->leaving || g->peer)
			continue;
		if (most == NULL || g->source->guests > most->source->guests ||
		    (g->source->guests == most->source->guests && g->since_ms < most->since_ms))
			most = g;
	}
	return most;
}

static bool peer_admitted(const struct crowd *c, const struct fog_ip *ip)
{
	unsigned here = 0;

	for (unsigned i = 0; i < CROWD_GUESTS * 2; i++) {
		const struct crowd_guest *g = &c->guest[i];
		here += g->source != NULL && !g->leaving && g->peer &&
		        same_address(&g->address, ip);
	}
	return c->peers < CROWD_OF_PEERS && here < CROWD_OF_PEERS * peers_at(c, ip) / c->peer_count;
}

bool crowd_admits(struct crowd *c, const struct sockaddr *from, uint64_t now_ms, int *put_out)
{
	struct fog_ip ip = address_of(from);

	*put_out = -1;
	if (peers_at(c, &ip) > 0)
		return peer_admitted(c, &ip);
	struct crowd_source *s = source_of(c, &ip, now_ms);
	if (s == NULL || s->guests >= CROWD_OF_SOURCE ||
	    s->milli <= (int64_t)CROWD_FLOOR * CROWD_MILLI)
		return false;
	if (c->strangers < CROWD_STRANGERS)
		return true;
	struct crowd_guest *g = guest_most(c);
	if (g == NULL ||
	    (g->source->guests <= s->guests + 1 && now_ms - g->since_ms < CROWD_PATIENCE_MS))
		return false;
	*put_out = g->fd;
	guest_uncount(c, g);
	return true;
}

struct crowd_guest *crowd_enter(
        struct crowd *c, const struct sockaddr *from, int fd, uint64_t now_ms
)
{
	struct fog_ip ip = address_of(from);
	struct crowd_source *s = source_of(c, &ip, now_ms);
	unsigned i = 0;

	while (i < CROWD_GUESTS * 2 && c->guest[i].source != NULL)
		i++;
	if (s == NULL || i == CROWD_GUESTS * 2)
		return NULL;
	c->guest[i] = (struct crowd_guest
	){.source = s, .address = ip, .peer = peers_at(c, &ip) > 0, .fd = fd, .since_ms = now_ms};
	s->guests++;
	if (c->guest[i].peer) {
		c->peers++;
	} else {
		c->strangers++;
		s->milli -= CROWD_MILLI;
	}
	return &c->guest[i];
}

void crowd_leave(struct crowd *c, struct crowd_guest *g)
{
	if (g == NULL)
		return;
	guest_uncount(c, g);
	g->source = NULL;
}

bool crowd_peer(const struct crowd_guest *g)
{
	return g != NULL && g->peer;
}

unsigned crowd_asks(struct crowd_guest *g, uint64_t now_ms)
{
	if (g == NULL || g->leaving)
		return 1;
	if (g->peer)
		return 0;
	source_fill(g->source, now_ms);
	g->source->milli -= CROWD_MILLI;
	if (g->source->milli >= 0)
		return 0;
	return (unsigned)(-g->source->milli / CROWD_MILLI / CROWD_PER_S) + 1;
}

void crowd_gets(struct crowd_guest *g, size_t len, uint64_t now_ms)
{
	if (g == NULL || g->leaving)
		return;
	g->due_ms = now_ms + CROWD_ANSWER_MS + len / CROWD_PER_MS;
	if (!g->peer)
		g->source->milli -= (int64_t)(len / CROWD_UNIT) * CROWD_MILLI;
}

void crowd_got(struct crowd_guest *g)
{
	if (g != NULL)
		g->due_ms = 0;
}

int crowd_slow(struct crowd *c, uint64_t now_ms)
{
	for (unsigned i = 0; i < CROWD_GUESTS * 2; i++) {
		struct crowd_guest *g = &c->guest[i];
		if (g->source == NULL || g->leaving || g->due_ms == 0 || now_ms < g->due_ms)
			continue;
		guest_uncount(c, g);
		return g->fd;
	}
	return -1;
}
