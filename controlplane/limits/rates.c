// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "rates.h"
#include "rates_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t rates_clock(void *ctx)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

uint64_t rates_now(struct fog_rates *r)
{
	uint64_t now = r->params.now_us(r->params.ctx);

	if (now > r->latest_us)
		r->latest_us = now;
	return r->latest_us;
}

static bool rates_valid(const struct fog_rates_params *p)
{
	for (int i = 0; i < FOG_RATE_CLASSES; i++)
		if (p->a_minute[i] < 1 || p->a_minute[i] > FOG_RATES_MAX)
			return false;
	return true;
}

static void rates_free(struct fog_rates *r)
{
	rate_table_free(&r->table[0]);
	rate_table_free(&r->table[1]);
	pthread_mutex_destroy(&r->sharing.one);
	pthread_cond_destroy(&r->sharing.wake);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

int fog_rates_open(struct fog_rates **out, const struct fog_rates_params *params)
{
	struct fog_rates *r;
	pthread_condattr_t attr;

	if (!rates_valid(params))
		return -EINVAL;
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return -ENOMEM;
	r->params = *params;
	if (r->params.now_us == NULL)
		r->params.now_us = rates_clock;
	if (r->params.identities == 0)
		r->params.identities = FOG_RATES_IDENTITIES;
	r->round = 1;
	pthread_mutex_init(&r->lock, NULL);
	pthread_mutex_init(&r->sharing.one, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&r->sharing.wake, &attr);
	pthread_condattr_destroy(&attr);
	int e = rate_table_init(&r->table[0], r->params.identities);
	if (e == 0)
		e = rate_table_init(&r->table[1], r->params.identities);
	if (e == 0 && params->shared != NULL)
		e = rates_sharing_start(r);
	if (e < 0) {
		rates_free(r);
		return e;
	}
	*out = r;
	return 0;
}

void fog_rates_close(struct fog_rates *r)
{
	if (r == NULL)
		return;
	rates_sharing_stop(r);
	rates_free(r);
}

static struct rate_key rates_key(const char *identity, bool stranger, enum fog_rate_class class)
{
	struct rate_key key;

	crypto_generichash(
	        key.byte, sizeof(key.byte), (const uint8_t *)identity, strlen(identity), NULL, 0
	);
	key.byte[0] = (uint8_t)(class | (stranger ? 0x80 : 0));
	return key;
}

static uint32_t seconds_up(uint64_t us)
{
	return (uint32_t)((us + 999999) / 1000000);
}

static void bucket_take(
        struct rate_bucket *b, uint64_t now, uint32_t limit, bool take, struct fog_rate *out
)
{
	uint64_t each = RATE_PERIOD_US / limit, used = b->full_us > now ? b->full_us - now : 0;

	*out = (struct fog_rate){.limit = limit, .allowed = used + each <= RATE_PERIOD_US};
	if (out->allowed && take) {
		used += each;
		b->full_us = now + used;
		b->unshared_us += each;
	} else if (!out->allowed) {
		out->retry_after_s = seconds_up(used + each - RATE_PERIOD_US);
	}
	if (used < RATE_PERIOD_US)
		out->remaining = (uint32_t)((RATE_PERIOD_US - used) / each);
	if (out->remaining > limit)
		out->remaining = limit;
	out->reset_s = seconds_up(used);
}

enum { ASKED_MAX = 3 };

// Buckets that have to allow a request, all of them or none is taken from; the last one is the caller's own.
struct asked {
	unsigned count;

	struct {
		struct rate_key key;
		uint32_t limit;
	} bucket[ASKED_MAX];
};

static void asked_add(struct asked *a, struct rate_key key, uint64_t limit)
{
	a->bucket[a->count].key = key;
	a->bucket[a->count++].limit = limit < FOG_RATES_MAX ? (uint32_t)limit : FOG_RATES_MAX;
}

// Under the lock. Those who find no place share one with others like them.
static struct rate_bucket *asked_bucket(
        struct fog_rates *r, const struct rate_key *key, uint64_t now_us
)
{
	struct rate_table *t = &r->table[key->byte[0] >> 7];
	struct rate_bucket *b = rate_table_get(t, key, now_us);

	if (b == NULL)
		b = &t->others[key->byte[0] & 0x7f];
	b->round = r->round;
	return b;
}

static void rates_ask(struct fog_rates *r, const struct asked *a, bool take, struct fog_rate *out)
{
	pthread_mutex_lock(&r->lock);
	uint64_t now = rates_now(r);
	out->allowed = true;
	for (unsigned i = 0; i < a->count && out->allowed; i++)
		bucket_take(
		        asked_bucket(r, &a->bucket[i].key, now), now, a->bucket[i].limit, false, out
		);
	for (unsigned i = 0; i < a->count && take && out->allowed; i++)
		bucket_take(
		        asked_bucket(r, &a->bucket[i].key, now), now, a->bucket[i].limit, true, out
		);
	pthread_mutex_unlock(&r->lock);
}

static uint32_t rates_limit(const struct fog_rates *r, enum fog_rate_class class, uint32_t own)
{
	return own != 0 ? own
	                : r->params.a_minute[class == FOG_RATE_UNKNOWN ? FOG_RATE_READ : class];
}

// The network of 'bits' bits that a /64 is in. Returns whether the identity is one.
static bool rates_wider(const char *identity, unsigned bits, char text[FOG_RATES_ADDRESS_LEN])
{
	char address[FOG_RATES_ADDRESS_LEN];
	const char *slash = strchr(identity, '/');
	struct in6_addr in6;

	if (slash == NULL || strcmp(slash, "/64") != 0)
		return false;
	snprintf(address, sizeof(address), "%.*s", (int)(slash - identity), identity);
	if (inet_pton(AF_INET6, address, &in6) != 1)
		return false;
	memset(&in6.s6_addr[bits / 8], 0, sizeof(in6) - bits / 8);
	inet_ntop(AF_INET6, &in6, address, INET6_ADDRSTRLEN);
	snprintf(text, FOG_RATES_ADDRESS_LEN, "%.*s/%u", INET6_ADDRSTRLEN, address, bits);
	return true;
}

// The widest first: whoever has used that up gets no place for each of his networks.
static void rates_asked(
        struct fog_rates *r, const char *identity, bool stranger, enum fog_rate_class class,
        uint32_t own, struct asked *a
)
{
	uint64_t limit = rates_limit(r, class, own);
	char wide[FOG_RATES_ADDRESS_LEN];

	a->count = 0;
	if (stranger && rates_wider(identity, 48, wide)) {
		asked_add(a, rates_key(wide, true, class), FOG_RATES_48 * limit);
		rates_wider(identity, 56, wide);
		asked_add(a, rates_key(wide, true, class), FOG_RATES_56 * limit);
	}
	asked_add(a, rates_key(identity, stranger, class), limit);
}

void fog_rates_take(
        struct fog_rates *r, const char *identity, bool stranger, enum fog_rate_class class,
        uint32_t own, struct fog_rate *out
)
{
	struct asked a;

	rates_asked(r, identity, stranger, class, own, &a);
	rates_ask(r, &a, true, out);
}

void fog_rates_look(
        struct fog_rates *r, const char *identity, bool stranger, enum fog_rate_class class,
        uint32_t own, struct fog_rate *out
)
{
	struct asked a;

	rates_asked(r, identity, stranger, class, own, &a);
	rates_ask(r, &a, false, out);
}

void fog_rates_take_owned(
        struct fog_rates *r, const char *identity, uint32_t own, const char *owner,
        uint32_t owner_limit, enum fog_rate_class class, struct fog_rate *out
)
{
	uint64_t limit = rates_limit(r, class, own);
	uint64_t all = FOG_RATES_KEYS * (uint64_t)rates_limit(r, class, owner_limit);
	struct asked a = {0};

	asked_add(&a, rates_key(owner, false, class), all > limit ? all : limit);
	asked_add(&a, rates_key(identity, false, class), limit);
	rates_ask(r, &a, true, out);
}

void fog_rates_address(const struct sockaddr *a, char text[FOG_RATES_ADDRESS_LEN])
{
	char address[INET6_ADDRSTRLEN];
	struct in6_addr in6;

	if (a->sa_family == AF_INET) {
		const struct in_addr *in = &((const struct sockaddr_in *)a)->sin_addr;
		snprintf(
		        text, FOG_RATES_ADDRESS_LEN, "%s",
		        inet_ntop(AF_INET, in, address, sizeof(address))
		);
		return;
	}
	if (a->sa_family != AF_INET6) {
		snprintf(text, FOG_RATES_ADDRESS_LEN, "unix");
		return;
	}
	in6 = ((const struct sockaddr_in6 *)a)->sin6_addr;
	if (IN6_IS_ADDR_V4MAPPED(&in6)) {
		inet_ntop(AF_INET, &in6.s6_addr[12], address, sizeof(address));
		snprintf(text, FOG_RATES_ADDRESS_LEN, "%s", address);
		return;
	}
	memset(&in6.s6_addr[8], 0, 8);
	inet_ntop(AF_INET6, &in6, address, sizeof(address));
	snprintf(text, FOG_RATES_ADDRESS_LEN, "%s/64", address);
}
