// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Handshakes: when to begin one, what comes back.
#include "link.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "../../dataplane/crypto/link.h"
#include "../big_endian.h"
#include "link_private.h"

int client_link_create(
        const struct client_link_params *p, const struct client_link_ops *ops, void *ctx,
        struct client_link **out
)
{
	struct client_link *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return -ENOMEM;
	l->p = *p;
	l->ops = *ops;
	l->ctx = ctx;
	l->wait_ms = CLIENT_LINK_RETRY_FIRST_MS;
	l->crypto = fog_crypto_ops_get(NULL);
	l->try = sodium_malloc(sizeof(*l->try));
	fog_link_prologue(p->network, l->prologue);
	fog_link_mac1_key(p->link_public, l->mac1_key);
	if (l->crypto == NULL || l->try == NULL) {
		client_link_destroy(l);
		return -ENOMEM;
	}
	*out = l;
	return 0;
}

void client_link_destroy(struct client_link *l)
{
	if (l == NULL)
		return;
	sodium_free(l->now);
	sodium_free(l->before);
	sodium_free(l->try);
	sodium_memzero(l, sizeof(*l));
	free(l);
}

static void link_stop(struct client_link *l)
{
	sodium_memzero(l->try, sizeof(*l->try));
	l->trying = l->cookie_open = false;
}

static uint32_t link_jitter(uint32_t ms)
{
	return ms - ms / 4 + randombytes_uniform(ms / 2 + 1);
}

static void link_back_off(struct client_link *l)
{
	l->wait_ms = l->wait_ms * 2 < CLIENT_LINK_RETRY_MAX_MS ? l->wait_ms * 2
	                                                       : CLIENT_LINK_RETRY_MAX_MS;
}

static void link_macs(struct client_link *l, uint8_t *frame)
{
	uint8_t key[32], *mac1 = frame + FOG_INITIATION_LEN - 2 * FOG_LINK_MAC;

	fog_link_mac1_key(l->p.gateway, key);
	fog_link_mac(key, sizeof(key), frame, FOG_INITIATION_LEN - 2 * FOG_LINK_MAC, mac1);
	memcpy(l->mac1, mac1, sizeof(l->mac1));
	memset(mac1 + FOG_LINK_MAC, 0, FOG_LINK_MAC);
	if (l->has_cookie)
		fog_link_mac(
		        l->cookie, sizeof(l->cookie), frame, FOG_INITIATION_LEN - FOG_LINK_MAC,
		        mac1 + FOG_LINK_MAC
		);
	l->has_cookie = false;
}

// The gateway takes no initiation that isn't later than the last one of this key.
static uint64_t link_time(struct client_link *l)
{
	uint64_t now = l->ops.unix_ns(l->ctx);

	l->time_ns = now > l->time_ns ? now : l->time_ns + 1;
	return l->time_ns;
}

static void link_initiate(struct client_link *l, uint64_t now_ms)
{
	uint8_t frame[LINK_FRAME_MAX], wire[sizeof(struct fog_link_hello)];
	size_t frame_len = (size_t)l->p.packet_len + FOG_LINK_OVERHEAD, len = 0;
	struct fog_hello hello = {
	        .major = FOG_PROTOCOL_MAJOR,
	        .minor = fog_protocol_minor,
	        .patch = FOG_PROTOCOL_PATCH,
	        .senders = 1,
	        .features = fog_protocol_features(fog_protocol_minor),
	};

	l->due_ms = now_ms + link_jitter(l->wait_ms);
	l->index = fog_link_base(randombytes_random());
	hello.index = l->index;
	hello.time_ns = link_time(l);
	memcpy(hello.network, l->p.network, sizeof(hello.network));
	fog_hello_put(&hello, wire);
	randombytes_buf(frame, frame_len);
	fog_frame_header_put(frame, FOG_FRAME_INITIATION, l->index, 0);
	if (fog_noise_start(
	            &l->try->noise, FOG_NOISE_IK, true, l->prologue, sizeof(l->prologue),
	            l->p.link_private, l->p.link_public, l->p.gateway
	    ) < 0 ||
	    fog_noise_write(
	            &l->try->noise, wire, sizeof(wire), frame + FOG_FRAME_HEADER,
	            FOG_INITIATION_LEN - FOG_FRAME_HEADER - 2 * FOG_LINK_MAC, &len
	    ) < 0) {
		link_stop(l);
		return;
	}
	link_macs(l, frame);
	l->trying = true;
	l->status.tries++;
	l->ops.send(l->ctx, frame, frame_len);
}

static bool link_wanted(const struct client_link *l, uint64_t now_ms)
{
	const struct link_session *s = l->now;
	uint64_t heard;

	if (s == NULL)
		return true;
	heard = s->heard_ms > s->made_ms ? s->heard_ms : s->made_ms;
	return now_ms - s->made_ms >= l->rekey_ms || s->counter >= l->p.rekey_packets ||
	        now_ms - heard >= CLIENT_LINK_STALE_MS;
}

void client_link_tick(struct client_link *l, uint64_t now_ms)
{
	if (l->trying && now_ms >= l->due_ms) {
		link_stop(l);
		link_back_off(l);
	}
	if (!l->trying && now_ms >= l->due_ms && link_wanted(l, now_ms)) {
		link_initiate(l, now_ms);
		l->cookie_open = l->trying;
	}
	if (l->before != NULL && now_ms - l->replaced_ms >= CLIENT_LINK_OLD_MS) {
		sodium_free(l->before);
		l->before = NULL;
	}
	if (l->now != NULL && now_ms - l->now->sent_ms >= CLIENT_LINK_BEAT_MS)
		(void)link_session_seal(l, FOG_KIND_NOTHING, 0, NULL, 0, 2, now_ms);
}

// The gateway takes the session up with the first frame that comes through it.
static void link_install(struct client_link *l, const struct fog_hello *h, uint64_t now_ms)
{
	struct link_session *s = NULL;

	if (fog_noise_split(&l->try->copy, l->try->keys, l->try->keys + 32) == 0)
		s = link_session_make(l, l->try->keys, l->index, h->index, h->senders, now_ms);
	if (s == NULL)
		return;
	sodium_free(l->before);
	l->before = l->now;
	l->now = s;
	l->replaced_ms = now_ms;
	l->rekey_ms = (uint64_t)l->p.rekey_s * 1000;
	l->rekey_ms -= randombytes_uniform((uint32_t)(l->rekey_ms / 8 + 1));
	l->wait_ms = CLIENT_LINK_RETRY_FIRST_MS;
	l->status.handshakes++;
	(void)link_session_seal(l, FOG_KIND_NOTHING, 0, NULL, 0, 2, now_ms);
}

// An authentic answer. Returns whether a session comes of it.
static bool link_agrees(struct client_link *l, const struct fog_hello *h, uint64_t now_ms)
{
	const struct fog_hello ours = {
	        .major = FOG_PROTOCOL_MAJOR,
	        .minor = fog_protocol_minor,
	        .features = fog_protocol_features(fog_protocol_minor)};
	// The gateway's time stands for the middle between ours of sending and now; modulo 2^64.
	int64_t half = (int64_t)(l->ops.unix_ns(l->ctx) - l->time_ns) / 2;
	int64_t offset = (int64_t)(h->time_ns - l->time_ns - (uint64_t)half) / 1000000;
	uint32_t features;
	uint16_t minor;

	l->status.offset_ms = offset;
	l->status.refusal = FOG_HELLO_ACCEPTED;
	if (h->senders == 0)
		l->status.refusal = h->index;
	else if (offset > l->p.tolerance_ms || offset < -(int64_t)l->p.tolerance_ms)
		l->status.refusal = FOG_HELLO_REFUSED_CLOCK;
	else if (fog_hello_agree(&ours, h, &minor, &features) == 0)
		return true;
	link_back_off(l);
	if (l->wait_ms < CLIENT_LINK_REFUSED_MS)
		l->wait_ms = CLIENT_LINK_REFUSED_MS;
	l->due_ms = now_ms + link_jitter(l->wait_ms);
	return false;
}

// Nothing is changed but by an authentic message.
static bool link_open(struct client_link *l, const uint8_t *frame, struct fog_hello *h)
{
	const size_t at = FOG_RESPONSE_LEN - 2 * FOG_LINK_MAC;
	uint8_t mac[FOG_LINK_MAC], wire[sizeof(struct fog_link_hello)];
	size_t len = 0;

	fog_link_mac(l->mac1_key, sizeof(l->mac1_key), frame, at, mac);
	if (sodium_memcmp(mac, frame + at, sizeof(mac)) != 0)
		return false;
	l->try->copy = l->try->noise;
	return fog_noise_read(
	               &l->try->copy, frame + FOG_FRAME_HEADER, at - FOG_FRAME_HEADER, wire,
	               sizeof(wire), &len
	       ) == 0 &&
	        fog_hello_parse(wire, h) == 0 &&
	        memcmp(h->network, l->p.network, sizeof(h->network)) == 0;
}

static void link_read_response(struct client_link *l, const uint8_t *frame, uint64_t now_ms)
{
	struct fog_hello h;

	if (!link_open(l, frame, &h)) {
		l->status.malformed++;
		return;
	}
	if (link_agrees(l, &h, now_ms))
		link_install(l, &h, now_ms);
	link_stop(l);
}

// One for each try: who sees our initiations can make cookies, and would keep us busy with them.
static void link_read_cookie(struct client_link *l, const uint8_t *frame, uint64_t now_ms)
{
	uint8_t key[32];

	fog_link_cookie_key(l->p.gateway, key);
	if (!l->cookie_open ||
	    fog_link_cookie_open(key, frame + FOG_FRAME_HEADER, l->mac1, l->cookie) < 0) {
		l->status.malformed++;
		return;
	}
	l->has_cookie = true;
	link_stop(l);
	link_initiate(l, now_ms);
}

void client_link_read(struct client_link *l, const uint8_t *frame, size_t len, uint64_t now_ms)
{
	bool first = len == (size_t)l->p.packet_len + FOG_LINK_OVERHEAD && len <= LINK_FRAME_MAX &&
	        sodium_is_zero(frame + 1, 3);
	bool ours = first && l->trying && sodium_is_zero(frame + 8, 8) &&
	        fog_be_get(frame + 4, 4) == l->index;

	if (first && frame[0] == FOG_FRAME_DATA)
		link_session_read(l, frame, len, now_ms);
	else if (ours && frame[0] == FOG_FRAME_RESPONSE)
		link_read_response(l, frame, now_ms);
	else if (ours && frame[0] == FOG_FRAME_COOKIE)
		link_read_cookie(l, frame, now_ms);
	else
		l->status.malformed++;
}

int client_link_packet(
        struct client_link *l, const uint8_t *packet, uint64_t epoch, uint64_t now_ms
)
{
	return link_session_seal(
	        l, FOG_KIND_SPHINX, (uint8_t)epoch, packet + FOG_SPHINX_PREFIX_LEN,
	        (size_t)l->p.packet_len - FOG_SPHINX_PREFIX_LEN, FOG_SPHINX_PREFIX_LEN, now_ms
	);
}

int client_link_notice(struct client_link *l, const uint8_t *data, size_t len, uint64_t now_ms)
{
	if (len > fog_notice_room(l->p.packet_len))
		return -EMSGSIZE;
	return link_session_seal(l, FOG_KIND_NOTICE, 0, data, len, FOG_NOTICE_HEADER, now_ms);
}

struct client_link_status client_link_status(const struct client_link *l)
{
	struct client_link_status s = l->status;

	s.up = l->now != NULL;
	s.confirmed = s.up && l->now->heard_ms != 0;
	return s;
}
