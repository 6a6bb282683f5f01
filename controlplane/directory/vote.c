// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "vote.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "cover_rates.h"
#include "wire.h"

enum { VOTE_VERSION = 1, VOTE_SHARE = 1, VOTE_SIGNATURE = 64 };

struct vote_entry {
	const uint8_t *data;
	size_t len;
};

static int entry_compare(const void *a, const void *b)
{
	const struct vote_entry *x = a, *y = b;

	return memcmp(x->data + FOG_DESCRIPTOR_ID_AT, y->data + FOG_DESCRIPTOR_ID_AT, FOG_ID_LEN);
}

// Entries ascending by node ID. Returns their bytes with lengths, or -EINVAL.
static int entries_sort(const struct fog_vote_content *c, struct vote_entry *entry)
{
	struct fog_descriptor d;
	size_t len = 0;

	for (unsigned i = 0; i < c->count; i++) {
		entry[i] = (struct vote_entry){c->descriptor[i], c->descriptor_len[i]};
		if (fog_descriptor_parse(entry[i].data, entry[i].len, &d) < 0)
			return -EINVAL;
		len += 2 + entry[i].len;
	}
	qsort(entry, c->count, sizeof(*entry), entry_compare);
	for (unsigned i = 1; i < c->count; i++)
		if (entry_compare(&entry[i - 1], &entry[i]) == 0)
			return -EINVAL;
	return (int)len;
}

static uint8_t *put_head(uint8_t *at, const struct fog_vote_content *c)
{
	static const uint8_t no_share[80];
	const uint8_t first[4] = {
	        VOTE_VERSION, (uint8_t)c->authority, c->share != NULL ? VOTE_SHARE : 0};

	at = wire_put(at, first, sizeof(first));
	at = wire_put(at, c->network, 32);
	at = fog_be_put(at, c->epoch, 8);
	at = fog_be_put(at, c->previous_epoch, 8);
	at = wire_put(at, c->previous_digest, 32);
	at = cover_rates_put(at, &c->rates);
	at = wire_put(at, c->share != NULL ? c->share : no_share, sizeof(no_share));
	return fog_be_put(fog_be_put(at, c->count, 2), 0, 2);
}

static void vote_digest(const uint8_t *data, size_t body, struct fog_statement *s)
{
	s->kind = FOG_STATEMENT_VOTE;
	memcpy(s->network, data + 4, 32);
	s->epoch = fog_be_get(data + 36, 8);
	crypto_generichash(s->digest, 32, data, body, NULL, 0);
}

int fog_vote_make(
        const struct fog_vote_content *c, const uint8_t *secret_key, uint8_t **out, size_t *len
)
{
	struct vote_entry *entry = NULL;
	struct fog_statement statement;
	uint8_t *data, *at;
	int ret = -EINVAL;

	*out = NULL;
	if (c->count > FOG_NODES_MAX || c->authority >= FOG_AUTHORITIES_MAX)
		return -EINVAL;
	if ((entry = calloc(c->count + 1, sizeof(*entry))) == NULL)
		return -ENOMEM;
	if ((ret = entries_sort(c, entry)) < 0)
		goto out;
	*len = FOG_VOTE_HEAD + (size_t)ret + VOTE_SIGNATURE;
	ret = -ENOMEM;
	if ((data = malloc(*len)) == NULL)
		goto out;
	at = put_head(data, c);
	for (unsigned i = 0; i < c->count; i++)
		at = wire_put(fog_be_put(at, entry[i].len, 2), entry[i].data, entry[i].len);
	vote_digest(data, (size_t)(at - data), &statement);
	fog_statement_sign(&statement, secret_key, at);
	*out = data;
	ret = 0;
out:
	free(entry);
	return ret;
}

static bool take_head(const uint8_t *data, struct fog_vote *v)
{
	const uint8_t *at = data + 4;
	uint16_t count, zero;

	v->authority = data[1];
	v->has_share = data[2] == VOTE_SHARE;
	at = wire_get(at, v->network, 32);
	at = wire_get_u64(at, &v->epoch);
	at = wire_get_u64(at, &v->previous_epoch);
	at = wire_get(at, v->previous_digest, 32);
	at = cover_rates_get(at, &v->rates);
	at = wire_get(at, v->share, 80);
	wire_get_u16(wire_get_u16(at, &count), &zero);
	v->count = count;
	// No consensus before is written in one way only, and none is from the future.
	return data[0] == VOTE_VERSION && data[2] <= VOTE_SHARE && data[3] == 0 &&
	        (v->has_share || sodium_is_zero(v->share, 80)) && v->count <= FOG_NODES_MAX &&
	        zero == 0 &&
	        (sodium_is_zero(v->previous_digest, 32) ? v->previous_epoch == 0
	                                                : v->previous_epoch < v->epoch);
}

static bool take_descriptors(struct fog_vote *v)
{
	size_t at = FOG_VOTE_HEAD, end = v->len - VOTE_SIGNATURE;
	const uint8_t *before = NULL;
	struct fog_descriptor d;

	for (unsigned i = 0; i < v->count; i++) {
		if (end - at < 2)
			return false;
		size_t len = (size_t)fog_be_get(v->data + at, 2);
		at += 2;
		if (end - at < len || fog_descriptor_parse(v->data + at, len, &d) < 0)
			return false;
		const uint8_t *id = v->data + at + FOG_DESCRIPTOR_ID_AT;
		if (before != NULL && memcmp(before, id, FOG_ID_LEN) >= 0)
			return false;
		before = id;
		v->descriptor[i].at = (uint32_t)at;
		v->descriptor[i].len = (uint32_t)len;
		at += len;
	}
	return at == end;
}

// The signature comes before what takes time.
static int vote_check(const struct fog_topology *network, struct fog_vote *v)
{
	struct fog_statement statement;
	uint8_t hash[32];

	if (!take_head(v->data, v))
		return FOG_REFUSAL_MALFORMED;
	fog_network_hash(network, hash);
	if (memcmp(hash, v->network, 32) != 0 || v->authority >= network->authority_count)
		return FOG_REFUSAL_NETWORK;
	vote_digest(v->data, v->len - VOTE_SIGNATURE, &statement);
	memcpy(v->digest, statement.digest, 32);
	memcpy(v->signature, v->data + v->len - VOTE_SIGNATURE, VOTE_SIGNATURE);
	if (fog_statement_verify(
	            &statement, network->authority[v->authority].identity, v->signature
	    ) < 0)
		return FOG_REFUSAL_SIGNATURE;
	return take_descriptors(v) ? FOG_REFUSAL_NONE : FOG_REFUSAL_MALFORMED;
}

int fog_vote_open(
        const uint8_t *data, size_t len, const struct fog_topology *network, struct fog_vote **out
)
{
	struct fog_vote *v;
	int ret;

	*out = NULL;
	if (len < FOG_VOTE_HEAD + VOTE_SIGNATURE || len > FOG_VOTE_MAX)
		return FOG_REFUSAL_MALFORMED;
	if ((v = calloc(1, sizeof(*v) + len)) == NULL)
		return -ENOMEM;
	v->len = len;
	memcpy(v->data, data, len);
	if ((ret = vote_check(network, v)) != FOG_REFUSAL_NONE) {
		free(v);
		return ret;
	}
	*out = v;
	return FOG_REFUSAL_NONE;
}
