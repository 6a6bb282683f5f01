// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Initiations of others. Whoever is refused for a reason that is no secret and that he can mend gets an
// answer that says so; all else ends silently.
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "../../dataplane/crypto/link.h"
#include "../../log/log.h"
#include "links_internal.h"

// Noise and hello; l->scratch is then ready to answer.
static int answer_open(struct fog_links *l, const struct fog_link_punt *m, struct fog_hello *h)
{
	uint8_t wire[sizeof(struct fog_link_hello)];
	size_t len = 0;
	int r = fog_noise_start(
	        l->scratch, FOG_NOISE_IK, false, l->prologue, sizeof(l->prologue),
	        l->self.link_private, l->self.link_public, NULL
	);

	if (r == 0)
		r = fog_noise_read(
		        l->scratch, m->data + FOG_FRAME_HEADER,
		        FOG_INITIATION_LEN - FOG_FRAME_HEADER - 2 * FOG_LINK_MAC, wire,
		        sizeof(wire), &len
		);
	if (r == 0)
		r = fog_hello_parse(wire, h);
	if (r == 0 &&
	    (h->senders == 0 || h->index != links_header_index(m->data) ||
	     memcmp(h->network, l->network, sizeof(h->network)) != 0))
		r = -EBADMSG;
	return r;
}

// To a node at the address of the topology, wherever its message came from; to a client where it is.
static void answer_write(
        struct fog_links *l, const struct links_peer *p, const struct fog_link_punt *m,
        const struct fog_hello *theirs, uint32_t index, uint16_t senders, struct fog_link_send *send
)
{
	bool node = p != NULL && p->class == FOG_LINK_NODE;
	uint8_t wire[sizeof(struct fog_link_hello)];
	struct fog_hello ours;
	size_t len = 0;

	send->type = FOG_FRAME_RESPONSE;
	send->ip = node ? p->ip : m->ip;
	send->port = node ? p->port : m->port;
	links_hello_make(l, &ours, index, senders);
	fog_hello_put(&ours, wire);
	fog_frame_header_put(send->data, FOG_FRAME_RESPONSE, theirs->index, 0);
	// The initiator's keys have made secrets before, and its ephemeral one is checked inside.
	if (fog_noise_write(
	            l->scratch, wire, sizeof(wire), send->data + FOG_FRAME_HEADER,
	            FOG_RESPONSE_LEN - FOG_FRAME_HEADER - 2 * FOG_LINK_MAC, &len
	    ) < 0) {
		send->type = 0;
		return;
	}
	links_macs_put(send, FOG_RESPONSE_LEN, l->scratch->rs, NULL);
}

static void answer_refuse(
        struct fog_links *l, const struct links_peer *p, const struct fog_link_punt *m,
        const struct fog_hello *h, enum fog_link_refusal reason
)
{
	struct fog_link_send send = {0};

	answer_write(l, p, m, h, reason, 0, &send);
	if (send.type != 0)
		(void)l->ops.send(l->ctx, &send); // lost like any other datagram
}

// An initiation whose clock is wrong may be an old one that somebody has kept. So it says nothing about
// the clock of its node, which our own initiations ask, and each is answered once.
static bool answer_is_refused_anew(struct links_peer *p, const struct fog_hello *h)
{
	if (h->time_ns <= p->refused_ns)
		return false;
	p->refused_ns = h->time_ns;
	return true;
}

static bool answer_is_of_client(const struct links_peer *p)
{
	return p == NULL || p->class == FOG_LINK_CLIENT;
}

static bool answer_has_room(const struct fog_links *l, const struct links_peer *p)
{
	return !links_slots_scarce(l) &&
	        ((p != NULL && p->session != NULL) || !links_client_full(l));
}

static bool answer_admits_client(
        struct fog_links *l, const struct fog_link_punt *m, const struct fog_hello *h,
        struct links_peer *p, uint64_t now_ms
)
{
	if (h->senders > FOG_LINK_CLIENT_SUBS) {
		l->outcome[FOG_LINKS_REFUSED_SENDERS]++;
		answer_refuse(l, p, m, h, FOG_HELLO_REFUSED_SENDERS);
		return false;
	}
	if (!answer_has_room(l, p))
		links_client_evict(l, now_ms); // a slot is free when the data plane has said so
	if (answer_has_room(l, p))
		return true;
	l->outcome[FOG_LINKS_REFUSED_FULL]++;
	answer_refuse(l, p, m, h, FOG_HELLO_REFUSED_FULL);
	return false;
}

// Whether the initiation may become a session, as far as it depends on whose it is; *peer is NULL for a
// client that we don't know yet.
static bool answer_admits(
        struct fog_links *l, const struct fog_link_punt *m, const struct fog_hello *h,
        struct links_peer **peer, uint64_t now_ms
)
{
	uint64_t now_ns = l->ops.now_unix_ns(l->ctx);
	int64_t offset = (int64_t)(h->time_ns - now_ns);
	struct links_peer *p = *peer = links_peer_by_key(l, l->scratch->rs);

	if (p == NULL && l->clients_max == 0) {
		l->outcome[FOG_LINKS_REFUSED_KEY]++;
		return false;
	}
	if (p != NULL && h->time_ns <= p->time_ns) {
		l->outcome[FOG_LINKS_REFUSED_REPLAY]++;
		return false;
	}
	if (links_abs(offset) > l->tolerance_ns) {
		l->outcome[FOG_LINKS_REFUSED_CLOCK]++;
		if (p != NULL && !answer_is_refused_anew(p, h))
			return false;
		answer_refuse(l, p, m, h, FOG_HELLO_REFUSED_CLOCK);
		return false;
	}
	if (p != NULL) {
		p->offset_ns = offset;
		p->has_offset = true;
	}
	return !answer_is_of_client(p) || answer_admits_client(l, m, h, p, now_ms);
}

// The data plane gets the session first, so that the initiator's first frame finds it.
static void answer_accept(
        struct fog_links *l, struct links_peer *p, const struct fog_link_punt *m,
        const struct fog_hello *h, uint64_t now_ms
)
{
	struct links_session *slot = links_slot_take(l);
	struct fog_link_send send = {0};

	if (slot == NULL) {
		l->outcome[FOG_LINKS_NO_SLOT]++;
		return;
	}
	answer_write(l, p, m, h, slot->rx_index, l->senders, &send);
	if (send.type == 0) {
		l->outcome[FOG_LINKS_MALFORMED]++;
		links_slot_free(slot);
		return;
	}
	if (links_session_install(l, slot, p, h, l->scratch, false, m, now_ms) < 0)
		return;
	(void)l->ops.send(l->ctx, &send);
	l->outcome[FOG_LINKS_ANSWERED]++;
	if (p->noise == NULL && p->due_ms < now_ms + LINKS_HOLD_MS)
		p->due_ms = now_ms + LINKS_HOLD_MS;
}

void links_read_initiation(struct fog_links *l, const struct fog_link_punt *m, uint64_t now_ms)
{
	struct links_peer *p = NULL;
	struct fog_hello h, ours = {.major = FOG_PROTOCOL_MAJOR};
	uint32_t features;
	uint16_t minor;
	int r = -EBADMSG;

	if (links_header_valid(m, FOG_FRAME_INITIATION, FOG_INITIATION_LEN) &&
	    links_mac1_right(l, m))
		r = answer_open(l, m, &h);
	if (r < 0) {
		l->outcome[FOG_LINKS_MALFORMED]++;
	} else if (fog_hello_agree(&ours, &h, &minor, &features) < 0) {
		l->outcome[FOG_LINKS_REFUSED_VERSION]++;
	} else if (answer_admits(l, m, &h, &p, now_ms)) {
		if (p == NULL)
			p = links_client_add(l, l->scratch->rs);
		if (p == NULL) {
			l->outcome[FOG_LINKS_NO_SLOT]++;
		} else {
			p->time_ns = h.time_ns;
			p->time_ms = now_ms;
			answer_accept(l, p, m, &h, now_ms);
		}
	}
	sodium_memzero(l->scratch, sizeof(*l->scratch));
}
