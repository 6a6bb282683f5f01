// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// From a letter to a packet: path, payload, SURB, wrap.
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "sender.h"

// Name first: 64 hexadecimal digits are no name that a topology accepts.
static const struct fog_topology_node *letter_find(const struct fog_topology *t, const char *to)
{
	const struct fog_topology_node *node = fog_topology_find_name(t, to);
	uint8_t id[FOG_ID_LEN];
	size_t len;

	if (node == NULL && strlen(to) == 2 * sizeof(id) &&
	    sodium_hex2bin(id, sizeof(id), to, 2 * sizeof(id), NULL, &len, NULL) == 0 &&
	    len == sizeof(id))
		node = fog_topology_find(t, id);
	return node;
}

static int letter_later(const struct fog_topology_node *node, char *text)
{
	snprintf(
	        text, FOG_SENDER_TEXT_LEN,
	        "%s is off all paths now: it has just come, or comes or goes with the next epoch, so "
	        "not everybody knows of it: try again in a while",
	        node->name
	);
	return -EHOSTDOWN;
}

static int letter_given_path(
        const struct fog_topology *t, const struct fog_letter *l,
        const struct fog_topology_node *to, const struct fog_topology_node **path, char *text
)
{
	if (l->path_len == 0 || l->path_len > t->geometry.slots) {
		snprintf(
		        text, FOG_SENDER_TEXT_LEN, "a path of this network has 1 to %u hops",
		        t->geometry.slots
		);
		return -E2BIG;
	}
	for (unsigned i = 0; i < l->path_len; i++) {
		path[i] = letter_find(t, l->path[i]);
		if (path[i] == NULL) {
			snprintf(text, FOG_SENDER_TEXT_LEN, "hop %u: no such node", i + 1);
			return -ENOENT;
		}
		if (path[i]->off_path)
			return letter_later(path[i], text);
	}
	if (path[l->path_len - 1] != to) {
		snprintf(text, FOG_SENDER_TEXT_LEN, "the path must end at %s", to->name);
		return -EINVAL;
	}
	return (int)l->path_len;
}

static int letter_key(
        const struct fog_letter_keys *keys, const struct fog_topology_node *node, uint8_t key[32]
)
{
	if (keys != NULL)
		return keys->mix_key(keys->ctx, node, keys->epoch, key);
	memcpy(key, node->mix_key, 32);
	return 0;
}

static bool letter_usable(void *ctx, const struct fog_topology_node *node)
{
	const struct fog_letter_keys *const *keys = ctx;
	uint8_t key[32];

	return letter_key(*keys, node, key) == 0;
}

static int letter_choose_path(
        const struct fog_topology *t, const struct fog_letter *l,
        const struct fog_topology_node *from, const struct fog_topology_node *to,
        const struct fog_topology_node **path, char *text
)
{
	const struct fog_letter_keys *keys = l->keys;
	const struct fog_path_wish wish = {
	        .from = from,
	        .to = to,
	        .with_from = true,
	        .usable = letter_usable,
	        .ctx = &keys,
	        .max = FOG_SPHINX_SLOTS_MAX,
	};
	int n = fog_path_choose(t, &wish, l->paths, path);

	if (n == -EHOSTDOWN && !from->off_path && !to->off_path && !fog_topology_mixes_off_path(t))
		n = -ENOKEY;
	if (n == -E2BIG)
		snprintf(
		        text, FOG_SENDER_TEXT_LEN,
		        "the path from %s to %s has more hops than packets have slots (%u)",
		        from->name, to->name, t->geometry.slots
		);
	else if (n == -EXDEV)
		snprintf(
		        text, FOG_SENDER_TEXT_LEN,
		        "no path from %s to %s without two nodes of one operator, family or "
		        "autonomous system: the network needs mixes of more of them",
		        from->name, to->name
		);
	else if (n == -EHOSTDOWN && (from->off_path || to->off_path))
		n = letter_later(from->off_path ? from : to, text);
	else if (n == -EHOSTDOWN)
		snprintf(
		        text, FOG_SENDER_TEXT_LEN,
		        "no path from %s to %s without mixes that are off all paths, because not "
		        "everybody knows of them yet: try again in a while",
		        from->name, to->name
		);
	else if (n < 0)
		snprintf(
		        text, FOG_SENDER_TEXT_LEN,
		        "no path from %s to %s: a layer has no other mix%s", from->name, to->name,
		        n == -ENOKEY ? " whose key of this epoch is known" : ""
		);
	return n;
}

// The last hop carries the recipient.
static int letter_hops(
        struct fog_sphinx_path_hop *hop, const struct fog_letter_keys *keys,
        const struct fog_topology_node *const *path, unsigned n, const uint8_t *recipient,
        char *text
)
{
	struct fog_sphinx_path_hop *last = hop + n - 1;

	memset(hop, 0, n * sizeof(*hop));
	for (unsigned i = 0; i < n; i++) {
		memcpy(hop[i].id, path[i]->id, sizeof(hop[i].id));
		if (letter_key(keys, path[i], hop[i].public_key) < 0) {
			snprintf(
			        text, FOG_SENDER_TEXT_LEN,
			        "no mix key of %s is known for epoch %llu: it has not announced "
			        "one here, or it has lost it",
			        path[i]->name, (unsigned long long)keys->epoch
			);
			return -ENOKEY;
		}
	}
	last->has_recipient = 1;
	memcpy(last->recipient, recipient, FOG_SPHINX_ID_LEN);
	return 0;
}

static int letter_sphinx_error(int r, char *text)
{
	if (r == -EDOM)
		snprintf(
		        text, FOG_SENDER_TEXT_LEN,
		        "a node of the path announces an unusable mix key: correct the topology"
		);
	else if (r < 0)
		snprintf(text, FOG_SENDER_TEXT_LEN, "the path cannot be wrapped: %s", strerror(-r));
	return r;
}

// The way back: destination, mixes, we. The destination's own data plane opens the first layer.
static int letter_surb(
        const struct fog_crypto_ops *ops, const struct fog_topology *t, const struct fog_letter *l,
        const struct fog_topology_node *self, const struct fog_topology_node *to, uint8_t *surb,
        struct fog_parcel *p, char *text
)
{
	const struct fog_topology_node *path[FOG_SPHINX_SLOTS_MAX];
	struct fog_sphinx_path_hop hop[FOG_SPHINX_SLOTS_MAX];
	int n = letter_choose_path(t, l, to, self, path, text);
	int r = n < 0 ? n : letter_hops(hop, l->keys, path, (unsigned)n, self->id, text);

	if (r < 0)
		return r;
	struct fog_sphinx_path_hop *last = hop + n - 1;
	randombytes_buf(p->surb_id, sizeof(p->surb_id));
	last->has_surb = 1;
	memcpy(last->surb_id, p->surb_id, sizeof(p->surb_id));
	p->has_surb = true;
	return letter_sphinx_error(
	        fog_surb_create(ops, &t->geometry, hop, (unsigned)n, surb, &p->keys, NULL, NULL),
	        text
	);
}

static int letter_too_long(const struct fog_geometry *geo, bool surb, char *text)
{
	snprintf(
	        text, FOG_SENDER_TEXT_LEN, "one message holds at most %zu bytes%s",
	        fog_message_room(geo, surb), surb ? " with a SURB" : ""
	);
	return -EMSGSIZE;
}

int fog_letter_wrap(
        const struct fog_crypto_ops *ops, const struct fog_topology *t,
        const struct fog_topology_node *self, const struct fog_letter *l, struct fog_parcel *p,
        char *text
)
{
	const struct fog_topology_node *path[FOG_SPHINX_SLOTS_MAX], *to = letter_find(t, l->to);
	struct fog_sphinx_path_hop hop[FOG_SPHINX_SLOTS_MAX];
	uint8_t payload[FOG_SPHINX_PACKET_MAX], surb[FOG_SPHINX_PACKET_MAX];
	int r, n;

	memset(p, 0, sizeof(*p));
	if (to == NULL) {
		snprintf(text, FOG_SENDER_TEXT_LEN, "there is no node of that name or ID");
		return -ENOENT;
	}
	if (l->len > fog_message_room(&t->geometry, l->want_surb))
		return letter_too_long(&t->geometry, l->want_surb, text);
	n = l->path != NULL ? letter_given_path(t, l, to, path, text)
	                    : letter_choose_path(t, l, self, to, path, text);
	if (n < 0)
		return n;
	r = l->want_surb ? letter_surb(ops, t, l, self, to, surb, p, text) : 0;
	if (r == 0 &&
	    fog_message_encode(&t->geometry, l->want_surb ? surb : NULL, l->data, l->len, payload) <
	            0)
		r = letter_too_long(&t->geometry, l->want_surb, text);
	if (r == 0 && l->want_surb && l->keys != NULL)
		fog_message_surb_epoch(payload, (uint8_t)l->keys->epoch);
	if (r == 0)
		r = letter_hops(
		        hop, l->keys, path, (unsigned)n,
		        l->recipient != NULL ? l->recipient : to->id, text
		);
	if (r == 0)
		r = letter_sphinx_error(
		        fog_sphinx_wrap(
		                ops, &t->geometry, hop, (unsigned)n, payload, p->packet, NULL, NULL
		        ),
		        text
		);
	sodium_memzero(payload, sizeof(payload));
	sodium_memzero(surb, sizeof(surb));
	if (r < 0)
		return r;
	p->epoch = l->keys != NULL ? l->keys->epoch : FOG_LETTER_EPOCH;
	p->inject_type = path[0] == self ? FOG_INJECT_UNWRAP : FOG_INJECT_FORWARD;
	if (p->inject_type == FOG_INJECT_FORWARD)
		memcpy(p->first_hop, path[0]->id, sizeof(p->first_hop));
	for (int i = 0; i < n; i++)
		memcpy(p->hop[i], path[i]->name, sizeof(p->hop[i]));
	p->hops = (unsigned)n;
	p->bytes = l->len;
	p->packet_len = t->geometry.packet_len;
	return 0;
}

static int letter_take_surb(
        struct fog_store *store, const struct fog_geometry *geo, int64_t id, uint8_t *surb,
        uint64_t *epoch, char *text
)
{
	int r = fog_store_take_surb(store, id, surb, geo->surb_len, epoch);

	if (r == -ENOENT)
		snprintf(
		        text, FOG_SENDER_TEXT_LEN, "there is no received message %lld",
		        (long long)id
		);
	else if (r == -ENODATA)
		snprintf(
		        text, FOG_SENDER_TEXT_LEN,
		        "message %lld came without a SURB: nobody but its sender knows its sender",
		        (long long)id
		);
	else if (r == -EALREADY)
		snprintf(
		        text, FOG_SENDER_TEXT_LEN,
		        "message %lld has been answered: a SURB works once", (long long)id
		);
	else if (r < 0)
		snprintf(text, FOG_SENDER_TEXT_LEN, "the store cannot be read");
	return r;
}

// Where a reply goes first, and how it gets there.
static int letter_answer(
        const struct fog_crypto_ops *ops, const struct fog_geometry *geo,
        const uint8_t self_id[FOG_ID_LEN], const uint8_t *surb, const uint8_t *payload,
        struct fog_parcel *p
)
{
	int r = fog_surb_reply(ops, geo, surb, payload, p->packet, p->first_hop);

	if (r < 0)
		return r;
	p->inject_type = FOG_INJECT_FORWARD;
	if (memcmp(p->first_hop, self_id, sizeof(p->first_hop)) == 0) {
		p->inject_type = FOG_INJECT_UNWRAP;
		memset(p->first_hop, 0, sizeof(p->first_hop));
	}
	p->packet_len = geo->packet_len;
	return 0;
}

int fog_letter_answer(
        const struct fog_crypto_ops *ops, const struct fog_geometry *geo,
        const uint8_t self_id[FOG_ID_LEN], const uint8_t *surb, uint64_t epoch, const uint8_t *data,
        size_t len, struct fog_parcel *p
)
{
	uint8_t payload[FOG_SPHINX_PACKET_MAX];

	memset(p, 0, sizeof(*p));
	if (fog_message_encode(geo, NULL, data, len, payload) < 0)
		return -EMSGSIZE;
	p->epoch = epoch;
	p->bytes = len;
	int r = letter_answer(ops, geo, self_id, surb, payload, p);
	sodium_memzero(payload, sizeof(payload));
	return r;
}

int fog_letter_reply(
        const struct fog_crypto_ops *ops, const struct fog_topology *t,
        const uint8_t self_id[FOG_ID_LEN], struct fog_store *store, const struct fog_letter *l,
        struct fog_parcel *p, char *text
)
{
	uint8_t payload[FOG_SPHINX_PACKET_MAX], surb[FOG_SPHINX_PACKET_MAX];
	int r;

	memset(p, 0, sizeof(*p));
	if (fog_message_encode(&t->geometry, NULL, l->data, l->len, payload) < 0)
		return letter_too_long(&t->geometry, false, text);
	r = letter_take_surb(store, &t->geometry, l->reply_to, surb, &p->epoch, text);
	if (r == 0 && l->surb_dead != NULL && l->surb_dead(l->surb_ctx, p->epoch)) {
		snprintf(
		        text, FOG_SENDER_TEXT_LEN,
		        "the SURB of message %lld was made for key epoch %llu, which is over or far "
		        "ahead: no node takes it",
		        (long long)l->reply_to, (unsigned long long)p->epoch
		);
		r = -ESTALE;
	}
	if (r == 0) {
		r = letter_answer(ops, &t->geometry, self_id, surb, payload, p);
		if (r < 0)
			snprintf(
			        text, FOG_SENDER_TEXT_LEN,
			        "the SURB of message %lld is no SURB of this network",
			        (long long)l->reply_to
			);
	}
	sodium_memzero(payload, sizeof(payload));
	sodium_memzero(surb, sizeof(surb));
	if (r < 0)
		return r;
	p->bytes = l->len;
	p->reply_to = l->reply_to;
	return 0;
}

void fog_parcel_wipe(struct fog_parcel *p)
{
	sodium_memzero(p, sizeof(*p));
}
