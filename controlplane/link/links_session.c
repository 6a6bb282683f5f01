// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Sessions: slots and indices, what the data plane has of them, when they are beaten and removed.
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "../../log/log.h"
#include "links_internal.h"

// Slot by chance, so that an index tells nobody how many sessions there are; the bits above it, so that
// an index does not come again soon.
struct links_session *links_slot_take(struct fog_links *l)
{
	uint32_t first = randombytes_uniform(FOG_LINK_SLOTS), random = randombytes_random();

	for (uint32_t i = 0; i < FOG_LINK_SLOTS; i++) {
		uint32_t slot = (first + i) % FOG_LINK_SLOTS;
		struct links_session *s = &l->session[slot];
		if (s->slot != SLOT_FREE)
			continue;
		memset(s, 0, sizeof(*s));
		s->slot = SLOT_PENDING;
		s->rx_index = random << (FOG_LINK_SUB_BITS + FOG_LINK_SLOT_BITS) |
		        slot << FOG_LINK_SUB_BITS;
		return s;
	}
	return NULL;
}

bool links_slots_scarce(const struct fog_links *l)
{
	unsigned keep = LINKS_SLOTS_NODE * (l->nodes + 1), free = 0;

	if (keep > FOG_LINK_SLOTS / 2)
		keep = FOG_LINK_SLOTS / 2;
	for (uint32_t i = 0; i < FOG_LINK_SLOTS && free <= keep; i++)
		free += l->session[i].slot == SLOT_FREE;
	return free <= keep;
}

void links_slot_free(struct links_session *s)
{
	memset(s, 0, sizeof(*s));
}

struct links_session *links_session_find(struct fog_links *l, uint32_t rx_index)
{
	struct links_session *s = &l->session[fog_link_slot(rx_index)];

	return s->slot != SLOT_FREE && s->rx_index == rx_index ? s : NULL;
}

static void session_unlink(struct links_session *s)
{
	struct links_session **at;

	if (s->peer == NULL)
		return;
	for (at = &s->peer->session; *at != NULL && *at != s; at = &(*at)->next)
		;
	if (*at == s)
		*at = s->next;
	s->next = NULL;
	s->peer = NULL;
}

static void session_link(struct links_session *s, struct links_peer *p)
{
	s->peer = p;
	s->next = p->session;
	p->session = s;
}

void links_session_drop(struct links_session *s)
{
	session_unlink(s);
	links_slot_free(s);
}

// The slot stays taken until the data plane has answered, or shows that the session is gone.
void links_session_remove(struct fog_links *l, struct links_session *s, uint64_t now_ms)
{
	session_unlink(s);
	s->slot = SLOT_REMOVING;
	s->sent_ms = now_ms;
	if (l->attached)
		(void)l->ops.remove(l->ctx, s->rx_index); // sent again after LINKS_ACK_MS
}

void links_session_leave(struct links_session *s, uint64_t now_ms)
{
	session_unlink(s);
	s->slot = SLOT_LEAVING;
	s->sent_ms = now_ms;
}

void links_leaving_tick(struct fog_links *l, uint64_t now_ms)
{
	for (uint32_t i = 0; i < FOG_LINK_SLOTS; i++) {
		struct links_session *s = &l->session[i];
		if (s->slot == SLOT_LEAVING && now_ms - s->sent_ms >= FOG_LINKS_LEAVING_MS)
			links_session_remove(l, s, now_ms);
	}
}

struct links_session *links_sending(const struct links_peer *p)
{
	for (struct links_session *s = p->session; s != NULL; s = s->next)
		if (s->slot == SLOT_LIVE && s->state == FOG_LINK_SENDING)
			return s;
	return NULL;
}

void links_replace(struct links_peer *p)
{
	if (p->session != NULL)
		p->replace_ms = p->session->made_ms;
}

uint64_t links_heard(const struct links_peer *p)
{
	uint64_t heard = 0;

	for (const struct links_session *s = p->session; s != NULL; s = s->next)
		heard = s->heard_ms > heard ? s->heard_ms : heard;
	return heard;
}

bool links_confirmed(const struct links_peer *p)
{
	for (const struct links_session *s = p->session; s != NULL; s = s->next)
		if (s->heard_ms != 0 || s->state != FOG_LINK_WAITING)
			return true;
	return false;
}

bool links_stale(const struct links_peer *p, uint64_t now_ms)
{
	const struct links_session *s = links_sending(p);
	uint64_t heard = links_heard(p);

	if (s == NULL)
		return false;
	if (s->made_ms > heard)
		heard = s->made_ms;
	return now_ms - heard >= FOG_LINKS_STALE_MS;
}

// A peer that begins handshakes faster than sessions end gets no more slots for it.
static void session_make_room(struct fog_links *l, struct links_peer *p, uint64_t now_ms)
{
	struct links_session *oldest = NULL;
	unsigned count = 0,
	         most = p->class == FOG_LINK_CLIENT ? LINKS_SESSIONS_CLIENT_MAX
	                                            : LINKS_SESSIONS_MAX;

	for (struct links_session *s = p->session; s != NULL; s = s->next, count++)
		if (s->state != FOG_LINK_SENDING)
			oldest = s;
	if (count >= most && oldest != NULL)
		links_session_remove(l, oldest, now_ms);
}

static void session_fill(
        const struct fog_links *l, const struct links_session *s, const struct links_peer *p,
        const struct fog_hello *h, const struct fog_link_punt *m, struct fog_link_session *out
)
{
	bool node = p->class == FOG_LINK_NODE;

	out->class = p->class;
	out->rx_index = s->rx_index;
	out->tx_index = h->index;
	out->rx_count = h->senders;
	out->initiator = s->initiator;
	memcpy(out->node_id, p->node_id, sizeof(out->node_id));
	memcpy(out->static_key, p->static_key, sizeof(out->static_key));
	out->ip = node ? p->ip : m->ip;
	out->port = node ? p->port : m->port;
	out->rate = node ? 0 : l->client_rate;
	out->burst = node ? 0 : l->client_burst;
	out->rekey_packets = l->rekey_packets;
	out->reject_packets = l->rekey_packets * LINKS_REJECT_FACTOR;
}

// Who initiated is first at replacing it; the other one if that doesn't happen. Not all at once.
static uint64_t session_rekey_age(const struct fog_links *l, bool initiator)
{
	uint64_t age = l->rekey_ms;

	if (!initiator)
		return age + age / 4;
	return age - randombytes_uniform((uint32_t)(age / 8 + 1));
}

int links_session_install(
        struct fog_links *l, struct links_session *s, struct links_peer *p,
        const struct fog_hello *h, const struct fog_noise *noise, bool initiator,
        const struct fog_link_punt *m, uint64_t now_ms
)
{
	struct fog_hello ours = {
	        .major = FOG_PROTOCOL_MAJOR,
	        .minor = l->self.minor,
	        .features = fog_protocol_features(l->self.minor)};
	struct fog_link_session out = {0};
	int r = fog_hello_agree(&ours, h, &s->minor, &s->features);

	s->initiator = initiator;
	session_fill(l, s, p, h, m, &out);
	if (r == 0)
		r = fog_noise_split(noise, l->keys, l->keys + 32);
	if (r == 0) {
		memcpy(out.tx_key, l->keys, 32);
		memcpy(out.rx_key, l->keys + 32, 32);
		r = l->attached ? l->ops.install(l->ctx, &out) : -ENOTCONN;
	} else {
		l->outcome[FOG_LINKS_REFUSED_VERSION]++;
	}
	sodium_memzero(&out, sizeof(out));
	sodium_memzero(l->keys, 64);
	if (r < 0) {
		links_slot_free(s);
		return r;
	}
	session_make_room(l, p, now_ms);
	s->has_version = true;
	s->slot = SLOT_SENT;
	s->install_open = true;
	s->state = initiator ? FOG_LINK_SENDING : FOG_LINK_WAITING;
	s->made_ms = s->sent_ms = now_ms;
	s->rekey_ms = session_rekey_age(l, initiator);
	session_link(s, p);
	p->success_ms = now_ms;
	p->refusal = FOG_HELLO_ACCEPTED;
	return 0;
}

// Confirms the session to the peer, and says that we live.
static void session_beat(struct fog_links *l, struct links_session *s, uint64_t now_ms)
{
	const struct fog_link_send nothing = {
	        .type = FOG_FRAME_DATA, .kind = FOG_KIND_NOTHING, .rx_index = s->rx_index};
	bool fast = s->heard_ms == 0 && now_ms - s->made_ms < LINKS_BEAT_FIRST_FOR_MS;

	if (l->ops.send(l->ctx, &nothing) == 0)
		s->beat_ms = now_ms + (fast ? LINKS_BEAT_FIRST_MS : LINKS_BEAT_MS);
}

// The data plane sends with this one from now on.
void links_session_sending(struct fog_links *l, struct links_session *s, uint64_t now_ms)
{
	struct links_peer *p = s->peer;

	for (struct links_session *o = p->session; o != NULL; o = o->next) {
		if (o == s || o->state != FOG_LINK_SENDING || o->slot != SLOT_LIVE)
			continue;
		o->state = FOG_LINK_OLD;
		o->old_ms = now_ms;
	}
	s->state = FOG_LINK_SENDING;
	p->tries = 0;
	p->wait_ms = LINKS_RETRY_FIRST_MS;
	if (p->class != FOG_LINK_NODE)
		return;
	session_beat(l, s, now_ms);
	if (l->ops.up != NULL)
		l->ops.up(l->ctx, p->node_id);
}

// The keys are gone already: another handshake has to make others. An index in use costs nothing but
// that; memory that is short now is not there at once.
static void session_refused(
        struct fog_links *l, struct links_session *s, int status, uint64_t now_ms
)
{
	struct links_peer *p = s->peer;

	l->outcome[FOG_LINKS_NOT_INSTALLED]++;
	links_session_drop(s);
	// The peer may send with it already, whatever older ones there are.
	p->replace_ms = now_ms;
	p->due_ms = now_ms;
	if (status == -EEXIST)
		return;
	links_initiate_later(p, now_ms);
	if (l->refusal_told)
		return;
	l->refusal_told = true;
	LOG_WARN(
	        "the data plane refuses a session with %s: %s: %s; it is tried again, and more of this is "
	        "counted only (not_installed)",
	        p->class == FOG_LINK_NODE ? p->name : "a client", strerror(-status),
	        status == -ENOMEM || status == -ENOSPC
	                ? "raise LimitMEMLOCK of fog-dataplane, or lower links.clients"
	                : "its log says more"
	);
}

void fog_links_link_ack(struct fog_links *l, uint32_t rx_index, int status, uint64_t now_ms)
{
	struct links_session *s = links_session_find(l, rx_index);

	if (s == NULL)
		return;
	bool of_install = s->install_open;
	s->install_open = false;
	if (s->slot == SLOT_REMOVING) {
		// Answers come in the order of what they answer, and say nothing more than the index.
		if (of_install)
			return;
		if (status == 0 || status == -ENOENT)
			links_slot_free(s);
		return;
	}
	if (s->slot != SLOT_SENT)
		return;
	if (status < 0) {
		session_refused(l, s, status, now_ms);
		return;
	}
	s->slot = SLOT_LIVE;
	if (s->state == FOG_LINK_SENDING)
		links_session_sending(l, s, now_ms);
}

// A session that the data plane has and we don't know: a control plane before us made it.
static void session_adopt(
        struct fog_links *l, struct links_session *s, const struct fog_link_stats *seen,
        uint64_t now_ms
)
{
	struct links_peer *p = links_peer_by_key(l, seen->static_key);

	memset(s, 0, sizeof(*s));
	s->rx_index = seen->rx_index;
	s->state = (enum fog_link_state)seen->state;
	s->made_ms = now_ms;
	s->old_ms = now_ms;
	s->rx = seen->rx;
	s->tx = seen->tx;
	s->beat_ms = now_ms + LINKS_BEAT_MS;
	s->rekey_ms = session_rekey_age(l, false);
	if (p == NULL && seen->class == FOG_LINK_CLIENT && !links_client_full(l))
		p = links_client_add(l, seen->static_key);
	if (p == NULL || p->class != seen->class) {
		links_session_remove(l, s, now_ms);
		return;
	}
	s->slot = SLOT_LIVE;
	session_link(s, p);
	if (p->class == FOG_LINK_NODE)
		links_replace(p);
	else
		p->ip = seen->ip, p->port = seen->port;
}

static void session_see(
        struct fog_links *l, struct links_session *s, const struct fog_link_stats *seen,
        uint64_t now_ms
)
{
	bool fresh = s->slot == SLOT_SENT; // seen before its acknowledgement came

	s->slot = SLOT_LIVE;
	s->missing = 0;
	if (seen->rx != s->rx)
		s->heard_ms = now_ms;
	s->rx = seen->rx;
	s->tx = seen->tx;
	if (s->peer->class == FOG_LINK_CLIENT) {
		s->peer->ip = seen->ip;
		s->peer->port = seen->port;
	}
	if (seen->state == FOG_LINK_SENDING && (s->state != FOG_LINK_SENDING || fresh)) {
		links_session_sending(l, s, now_ms);
	} else if (seen->state != (uint32_t)s->state) {
		s->state = (enum fog_link_state)seen->state;
		s->old_ms = now_ms;
	}
}

// What the data plane should have and has not, twice in a row: it is gone.
static void session_miss(struct links_session *s, uint64_t now_ms)
{
	if (s->slot == SLOT_REMOVING && now_ms - s->sent_ms >= LINKS_ACK_MS)
		links_slot_free(s);
	else if (s->slot == SLOT_SENT && now_ms - s->sent_ms >= LINKS_ACK_MS)
		links_session_drop(s);
	else if ((s->slot == SLOT_LIVE || s->slot == SLOT_LEAVING) && ++s->missing >= 2)
		links_session_drop(s);
}

void fog_links_seen(
        struct fog_links *l, const struct fog_link_stats *list, unsigned count, uint64_t now_ms
)
{
	static const uint64_t none[FOG_LINK_SLOTS / 64];
	uint64_t found[FOG_LINK_SLOTS / 64];

	if (!l->attached)
		return;
	memcpy(found, none, sizeof(found));
	for (unsigned i = 0; i < count; i++) {
		uint32_t slot = fog_link_slot(list[i].rx_index);
		struct links_session *s = &l->session[slot];
		if (s->slot == SLOT_FREE)
			session_adopt(l, s, &list[i], now_ms);
		if (s->rx_index != list[i].rx_index)
			continue;
		found[slot / 64] |= UINT64_C(1) << slot % 64;
		if (s->slot == SLOT_LEAVING)
			s->missing = 0;
		else if (s->slot == SLOT_SENT || s->slot == SLOT_LIVE)
			session_see(l, s, &list[i], now_ms);
		else if (s->slot == SLOT_REMOVING && now_ms - s->sent_ms >= LINKS_ACK_MS)
			links_session_remove(l, s, now_ms);
	}
	for (uint32_t slot = 0; slot < FOG_LINK_SLOTS; slot++)
		if ((found[slot / 64] >> slot % 64 & 1) == 0)
			session_miss(&l->session[slot], now_ms);
	l->looked = true;
	l->looked_ms = now_ms;
}

// Another session has been heard for long enough, and this one not: the peer doesn't send with it.
static bool session_unused(const struct links_session *s, const struct links_peer *p)
{
	uint64_t since = s->heard_ms > s->old_ms ? s->heard_ms : s->old_ms;

	for (const struct links_session *o = p->session; o != NULL; o = o->next)
		if (o != s && o->heard_ms >= since + LINKS_OLD_MS)
			return true;
	return false;
}

static bool session_over(
        const struct fog_links *l, const struct links_session *s, const struct links_peer *p,
        uint64_t now_ms
)
{
	bool node = p->class == FOG_LINK_NODE;
	uint64_t quiet = now_ms - (s->heard_ms > s->made_ms ? s->heard_ms : s->made_ms);

	switch (s->state) {
	case FOG_LINK_WAITING:
		if (node)
			return quiet >= LINKS_WAITING_MS;
		// Only a look as late as that shows whether its first frame came in time.
		return quiet >= LINKS_WAITING_CLIENT_MS &&
		        l->looked_ms >= s->made_ms + LINKS_WAITING_CLIENT_MS;
	case FOG_LINK_OLD:
		return session_unused(s, p) || (!node && quiet >= LINKS_IDLE_CLIENT_MS);
	case FOG_LINK_SENDING:
		return !node && quiet >= LINKS_IDLE_CLIENT_MS;
	case FOG_LINK_FREE:
		break;
	}
	return false;
}

void links_sessions_tick(struct fog_links *l, struct links_peer *p, uint64_t now_ms)
{
	struct links_session *s = links_sending(p), *next;

	if (s != NULL && p->class == FOG_LINK_NODE && now_ms >= s->beat_ms)
		session_beat(l, s, now_ms);
	for (s = p->session; s != NULL; s = next) {
		next = s->next;
		if (s->slot == SLOT_LIVE && session_over(l, s, p, now_ms))
			links_session_remove(l, s, now_ms);
	}
}
