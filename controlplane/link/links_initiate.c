// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Our initiations: when to begin one, what comes back.
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "../../dataplane/crypto/link.h"
#include "../../log/log.h"
#include "links_internal.h"

void links_initiate_stop(struct links_peer *p)
{
	sodium_free(p->noise);
	p->noise = NULL;
	if (p->pending != NULL)
		links_slot_free(p->pending);
	p->pending = NULL;
	p->cookie_open = false;
}

// All nodes of a network that has just lost power must not go on in step: 3/4 to 5/4.
static uint32_t initiate_jitter(uint32_t ms)
{
	return ms - ms / 4 + randombytes_uniform(ms / 2 + 1);
}

static void initiate_back_off(struct links_peer *p)
{
	uint32_t wait = p->wait_ms * 2;

	p->wait_ms = wait < LINKS_RETRY_MAX_MS ? wait : LINKS_RETRY_MAX_MS;
}

void links_initiate_later(struct links_peer *p, uint64_t now_ms)
{
	initiate_back_off(p);
	p->due_ms = now_ms + initiate_jitter(p->wait_ms);
}

static int initiate_write(struct fog_links *l, struct links_peer *p, struct fog_link_send *send)
{
	uint8_t wire[sizeof(struct fog_link_hello)];
	struct fog_hello hello;
	size_t len = 0;
	int r;

	links_hello_make(l, &hello, p->pending->rx_index, l->senders);
	fog_hello_put(&hello, wire);
	p->sent_ns = hello.time_ns;
	fog_frame_header_put(send->data, FOG_FRAME_INITIATION, p->pending->rx_index, 0);
	r = fog_noise_start(
	        p->noise, FOG_NOISE_IK, true, l->prologue, sizeof(l->prologue),
	        l->self.link_private, l->self.link_public, p->static_key
	);
	if (r == 0)
		r = fog_noise_write(
		        p->noise, wire, sizeof(wire), send->data + FOG_FRAME_HEADER,
		        FOG_INITIATION_LEN - FOG_FRAME_HEADER - 2 * FOG_LINK_MAC, &len
		);
	return r;
}

// Begin a handshake; what was under way is given up.
void links_initiate(struct fog_links *l, struct links_peer *p, uint64_t now_ms)
{
	struct fog_link_send send = {.type = FOG_FRAME_INITIATION, .ip = p->ip, .port = p->port};
	int r = -ENOMEM;

	links_initiate_stop(p);
	p->due_ms = now_ms + initiate_jitter(p->wait_ms);
	p->pending = links_slot_take(l);
	if (p->pending == NULL) {
		l->outcome[FOG_LINKS_NO_SLOT]++;
		return;
	}
	p->pending->peer = p;
	p->noise = sodium_malloc(sizeof(*p->noise));
	if (p->noise != NULL)
		r = initiate_write(l, p, &send);
	if (r == 0) {
		links_macs_put(
		        &send, FOG_INITIATION_LEN, p->static_key,
		        p->has_cookie && now_ms < p->cookie_ms ? p->cookie : NULL
		);
		memcpy(p->mac1, send.data + FOG_INITIATION_LEN - 2 * FOG_LINK_MAC, sizeof(p->mac1));
		r = l->ops.send(l->ctx, &send);
	} else if (r == -EDOM) {
		LOG_WARN(
		        "node %s: its link_key in the topology is no usable key: correct the "
		        "topology",
		        p->name
		);
	}
	if (r < 0) {
		links_initiate_stop(p);
		return;
	}
	l->outcome[FOG_LINKS_INITIATED]++;
	p->tries++;
}

// Whether a new session is wanted.
static bool initiate_wanted(const struct links_peer *p, uint64_t now_ms)
{
	const struct links_session *newest = p->session;

	if (links_sending(p) == NULL || links_stale(p, now_ms))
		return true;
	return newest->made_ms <= p->replace_ms || now_ms - newest->made_ms >= newest->rekey_ms;
}

void links_initiate_tick(struct fog_links *l, struct links_peer *p, uint64_t now_ms)
{
	if (p->noise != NULL && now_ms >= p->due_ms) {
		l->outcome[FOG_LINKS_TIMEOUT]++;
		links_initiate_stop(p);
		initiate_back_off(p);
	}
	if (p->noise == NULL && now_ms >= p->due_ms && initiate_wanted(p, now_ms)) {
		links_initiate(l, p, now_ms);
		p->cookie_open = p->noise != NULL;
	}
}

static const char *initiate_mend(const struct fog_hello *h)
{
	switch (h->index) {
	case FOG_HELLO_REFUSED_FULL:
		return "it has as many clients as it takes: try another gateway";
	case FOG_HELLO_REFUSED_SENDERS:
		return "it knows this one as a client, and takes frames of a few workers only from one: "
		       "give the data plane fewer, or put this node into its topology";
	default:
		return "its log says more";
	}
}

// The peer says no, and its clock.
static void initiate_refused(
        struct fog_links *l, struct links_peer *p, const struct fog_hello *h, uint64_t now_ms
)
{
	p->refusal = h->index;
	l->outcome
	        [h->index == FOG_HELLO_REFUSED_CLOCK ? FOG_LINKS_REFUSED_CLOCK
	                                             : FOG_LINKS_REFUSED_BY_PEER]++;
	if (h->index == FOG_HELLO_REFUSED_CLOCK)
		links_say_offset(l, p);
	else
		LOG_WARN(
		        "node %s refuses a link, reason %u: %s", p->name, h->index, initiate_mend(h)
		);
	initiate_back_off(p);
	if (p->wait_ms < LINKS_REFUSED_MS)
		p->wait_ms = LINKS_REFUSED_MS;
	p->due_ms = now_ms + initiate_jitter(p->wait_ms);
}

// A response that is authentic. Returns whether a session may come of it.
static bool initiate_agrees(
        struct fog_links *l, struct links_peer *p, const struct fog_hello *h, uint64_t now_ms
)
{
	uint64_t now_ns = l->ops.now_unix_ns(l->ctx);
	struct fog_hello refusal = {.index = FOG_HELLO_REFUSED_CLOCK};

	// The peer's time stands for the middle between ours of sending and now.
	// Modulo 2^64: it may say any time.
	int64_t half_ns = (int64_t)(now_ns - p->sent_ns) / 2;
	p->offset_ns = (int64_t)(h->time_ns - p->sent_ns - (uint64_t)half_ns);
	p->has_offset = true;
	if (h->senders == 0) {
		initiate_refused(l, p, h, now_ms);
		return false;
	}
	if (links_abs(p->offset_ns) > l->tolerance_ns) {
		initiate_refused(l, p, &refusal, now_ms);
		return false;
	}
	return true;
}

// Noise and hello. Nothing is changed but by an authentic message.
static int initiate_open(
        struct fog_links *l, struct links_peer *p, const struct fog_link_punt *m,
        struct fog_hello *h
)
{
	uint8_t wire[sizeof(struct fog_link_hello)];
	size_t len = 0;
	int r;

	*l->scratch = *p->noise;
	r = fog_noise_read(
	        l->scratch, m->data + FOG_FRAME_HEADER,
	        FOG_RESPONSE_LEN - FOG_FRAME_HEADER - 2 * FOG_LINK_MAC, wire, sizeof(wire), &len
	);
	if (r == 0)
		r = fog_hello_parse(wire, h);
	if (r == 0 && memcmp(h->network, l->network, sizeof(h->network)) != 0)
		r = -EBADMSG;
	return r;
}

static struct links_peer *initiate_peer(struct fog_links *l, const struct fog_link_punt *m)
{
	struct links_session *s = links_session_find(l, links_header_index(m->data));

	return s != NULL && s->slot == SLOT_PENDING ? s->peer : NULL;
}

void links_read_response(struct fog_links *l, const struct fog_link_punt *m, uint64_t now_ms)
{
	struct links_peer *p = NULL;
	struct links_session *slot;
	struct fog_hello h;
	int r = -EBADMSG;

	if (links_header_valid(m, FOG_FRAME_RESPONSE, FOG_RESPONSE_LEN) && links_mac1_right(l, m)) {
		p = initiate_peer(l, m);
		if (p == NULL) {
			l->outcome[FOG_LINKS_STRAY]++;
			return;
		}
		r = initiate_open(l, p, m, &h);
	}
	if (r < 0) {
		l->outcome[FOG_LINKS_MALFORMED]++;
		goto out;
	}
	slot = p->pending;
	p->pending = NULL;
	links_initiate_stop(p);
	if (!initiate_agrees(l, p, &h, now_ms)) {
		links_slot_free(slot);
		goto out;
	}
	r = links_session_install(l, slot, p, &h, l->scratch, true, m, now_ms);
	if (r == 0)
		l->outcome[FOG_LINKS_COMPLETED]++;
	else
		p->due_ms = now_ms + LINKS_RETRY_FIRST_MS;
out:
	sodium_memzero(l->scratch, sizeof(*l->scratch));
}

// The peer is under load and wants to see that we are where we say. One cookie for each try: who sees
// our initiations can make cookies, and would keep us busy with them.
void links_read_cookie(struct fog_links *l, const struct fog_link_punt *m, uint64_t now_ms)
{
	struct links_peer *p = NULL;
	uint8_t key[32];

	if (links_header_valid(m, FOG_FRAME_COOKIE, FOG_COOKIE_LEN))
		p = initiate_peer(l, m);
	if (p == NULL || !p->cookie_open) {
		l->outcome[FOG_LINKS_STRAY]++;
		return;
	}
	fog_link_cookie_key(p->static_key, key);
	if (fog_link_cookie_open(key, m->data + FOG_FRAME_HEADER, p->mac1, p->cookie) < 0) {
		l->outcome[FOG_LINKS_MALFORMED]++;
		return;
	}
	l->outcome[FOG_LINKS_COOKIE]++;
	p->has_cookie = true;
	p->cookie_ms = now_ms + LINKS_COOKIE_MS;
	links_initiate(l, p, now_ms); // cookie_open stays false
}
