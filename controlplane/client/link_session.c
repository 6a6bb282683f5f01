// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Frames under the keys of a session.
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "../../dataplane/crypto/link.h"
#include "../big_endian.h"
#include "link_private.h"

enum { LINK_REJECT_FACTOR = 4 }; // times rekey_packets: the gateway takes no more then

struct link_session *link_session_make(
        const struct client_link *l, const uint8_t keys[64], uint32_t rx_index, uint32_t tx_index,
        unsigned subs, uint64_t now_ms
)
{
	struct link_session *s = sodium_malloc(sizeof(*s) + subs * sizeof(s->sub[0]));
	uint8_t key[32];

	if (s == NULL)
		return NULL;
	memset(s, 0, sizeof(*s) + subs * sizeof(s->sub[0]));
	fog_link_sub_key(keys, 0, key);
	l->crypto->gcm_key(&s->tx, key);
	for (unsigned i = 0; i < subs; i++) {
		fog_link_sub_key(keys + 32, i, key);
		l->crypto->gcm_key(&s->sub[i].key, key);
	}
	sodium_memzero(key, sizeof(key));
	s->subs = subs;
	s->rx_index = rx_index;
	s->tx_index = tx_index;
	s->made_ms = now_ms;
	return s;
}

static void session_nonce(uint64_t counter, uint8_t nonce[FOG_GCM_NONCE])
{
	memset(nonce, 0, 4);
	fog_be_put(nonce + 4, counter, 8);
}

int link_session_seal(
        struct client_link *l, enum fog_kind kind, uint8_t second, const uint8_t *data, size_t len,
        size_t at, uint64_t now_ms
)
{
	uint8_t frame[LINK_FRAME_MAX], *text = frame + FOG_FRAME_HEADER;
	struct link_session *s = l->now;
	struct fog_gcm_job job = {.aad = frame, .text = text, .tag = text + l->p.packet_len};

	if (s == NULL || s->counter / LINK_REJECT_FACTOR >= l->p.rekey_packets)
		return -ENOTCONN;
	if (at + len > l->p.packet_len)
		return -EMSGSIZE;
	memset(text, 0, l->p.packet_len);
	text[0] = kind;
	text[1] = second;
	if (kind == FOG_KIND_NOTICE)
		fog_be_put(text + 2, len, 2);
	if (len > 0)
		memcpy(text + at, data, len);
	fog_frame_header_put(frame, FOG_FRAME_DATA, s->tx_index, s->counter);
	session_nonce(s->counter++, job.nonce);
	job.key = &s->tx;
	l->crypto->gcm_seal(1, &job, l->p.packet_len);
	l->ops.send(l->ctx, frame, (size_t)l->p.packet_len + FOG_LINK_OVERHEAD);
	s->sent_ms = now_ms;
	l->status.sent++;
	return 0;
}

// Whether this counter is new. RFC 6479, with bits cleared as the window moves on.
static bool session_claim(struct link_sub *sub, uint64_t counter)
{
	uint64_t *word = &sub->window[counter / 64 % (FOG_LINK_WINDOW / 64)];
	uint64_t bit = UINT64_C(1) << counter % 64;

	if (!sub->heard || counter > sub->highest) {
		uint64_t from = sub->heard ? sub->highest / 64 : counter / 64, to = counter / 64;
		if (!sub->heard || to - from >= FOG_LINK_WINDOW / 64)
			memset(sub->window, 0, sizeof(sub->window));
		else
			for (uint64_t w = from + 1; w <= to; w++)
				sub->window[w % (FOG_LINK_WINDOW / 64)] = 0;
		sub->heard = true;
		sub->highest = counter;
	} else if (sub->highest / 64 - counter / 64 >= FOG_LINK_WINDOW / 64) {
		return false;
	}
	if (*word & bit)
		return false;
	*word |= bit;
	return true;
}

static struct link_session *session_find(struct client_link *l, uint32_t index)
{
	struct link_session *both[] = {l->now, l->before};

	for (unsigned i = 0; i < 2; i++)
		if (both[i] != NULL && both[i]->rx_index == fog_link_base(index) &&
		    index - both[i]->rx_index < both[i]->subs)
			return both[i];
	return NULL;
}

static void session_text(struct client_link *l, const uint8_t *text)
{
	size_t len = fog_be_get(text + 2, 2);

	if (text[0] == FOG_KIND_NOTHING)
		return;
	if (text[0] == FOG_KIND_NOTICE && text[1] == 0 && len <= fog_notice_room(l->p.packet_len))
		l->ops.notice(l->ctx, text + FOG_NOTICE_HEADER, len);
	else
		l->status.malformed++; // a gateway gives clients no packets
}

void link_session_read(struct client_link *l, const uint8_t *frame, size_t len, uint64_t now_ms)
{
	uint32_t index = (uint32_t)fog_be_get(frame + 4, 4);
	uint64_t counter = fog_be_get(frame + 8, 8);
	struct link_session *s = session_find(l, index);
	uint8_t copy[LINK_FRAME_MAX], *text = copy + FOG_FRAME_HEADER;
	struct fog_gcm_job job = {.aad = copy, .text = text, .tag = text + l->p.packet_len};

	if (s == NULL) {
		l->status.malformed++;
		return;
	}
	memcpy(copy, frame, len);
	struct link_sub *sub = &s->sub[index - s->rx_index];
	session_nonce(counter, job.nonce);
	job.key = &sub->key;
	if (l->crypto->gcm_open(1, &job, l->p.packet_len) != 0)
		l->status.malformed++;
	else if (!session_claim(sub, counter))
		l->status.replayed++;
	else {
		s->heard_ms = now_ms;
		l->status.received++;
		session_text(l, text);
	}
	sodium_memzero(copy, sizeof(copy));
}
