// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "descriptor.h"

#include <errno.h>
#include <sodium.h>
#include <stdbool.h>
#include <string.h>

#include "../mixnet/topology.h"
#include "wire.h"

static const char descriptor_label[] = "fogline descriptor v2"; // with its NUL

enum { DESCRIPTOR_VERSION = 2, DESCRIPTOR_PROOF = 80 };

// Texts are printable ASCII, end inside of their field, and are followed by zeros only. Names of people may have
// blanks inside, as the configuration takes them.
static bool text_good(const char *text, size_t size, bool blanks)
{
	size_t len = strnlen(text, size);

	if (len == size)
		return false;
	for (size_t i = 0; i < len; i++) {
		bool blank = text[i] == ' ' && blanks && i > 0 && i + 1 < len;
		if ((text[i] <= ' ' && !blank) || text[i] > '~')
			return false;
	}
	return sodium_is_zero((const uint8_t *)text + len, size - len);
}

static bool address_good(const struct fog_ip *ip)
{
	if (ip->family == 4)
		return sodium_is_zero(ip->addr + 4, sizeof(ip->addr) - 4);
	return ip->family == 6;
}

static bool epochs_ascend(const struct fog_descriptor *d)
{
	for (unsigned i = 1; i < d->mix_count; i++)
		if (d->mix[i].epoch <= d->mix[i - 1].epoch)
			return false;
	for (unsigned i = 1; i < d->proof_count; i++)
		if (d->proof[i].epoch <= d->proof[i - 1].epoch)
			return false;
	return true;
}

// Whether it has a form: what is written can be read again.
static bool descriptor_good(const struct fog_descriptor *d)
{
	return d->mix_count <= FOG_DESCRIPTOR_MIX_MAX &&
	        d->proof_count <= FOG_DESCRIPTOR_PROOF_MAX && epochs_ascend(d) &&
	        address_good(&d->address) && d->role >= FOG_ROLE_GATEWAY &&
	        d->role <= FOG_ROLE_SERVICE && d->bandwidth <= FOG_BANDWIDTH_MAX &&
	        (d->flags & ~FOG_DESCRIPTOR_WITHDRAWN) == 0 && d->name[0] != '\0' &&
	        text_good(d->name, sizeof(d->name), false) &&
	        text_good(d->operator, sizeof(d->operator), true) &&
	        text_good(d->family, sizeof(d->family), true) &&
	        text_good(d->region, sizeof(d->region), true) &&
	        text_good(d->software, sizeof(d->software), false);
}

// Label and bytes in one piece, which plain Ed25519 asks for.
static size_t descriptor_signed(
        uint8_t out[sizeof(descriptor_label) + FOG_DESCRIPTOR_MAX], const uint8_t *data, size_t len
)
{
	memcpy(out, descriptor_label, sizeof(descriptor_label));
	memcpy(out + sizeof(descriptor_label), data, len);
	return sizeof(descriptor_label) + len;
}

static uint8_t *put_head(uint8_t *at, const struct fog_descriptor *d)
{
	const uint8_t first[8] = {
	        DESCRIPTOR_VERSION, d->role, d->layer_wish, d->bandwidth, d->flags};
	const uint8_t counts[4] = {(uint8_t)d->mix_count, (uint8_t)d->proof_count};
	const uint8_t family[2] = {d->address.family};

	at = wire_put(at, first, sizeof(first));
	at = wire_put(at, d->network, 32);
	at = wire_put(at, d->node_id, 32);
	at = wire_put(at, d->identity, 32);
	at = wire_put(at, d->link_key, 32);
	at = wire_put(at, d->vrf_key, 32);
	at = wire_put(at, d->tls_key, 32);
	at = wire_put(at, d->name, sizeof(d->name));
	at = wire_put(at, d->operator, sizeof(d->operator));
	at = wire_put(at, d->family, sizeof(d->family));
	at = wire_put(at, d->region, sizeof(d->region));
	at = wire_put(at, d->software, sizeof(d->software));
	at = fog_be_put(at, d->as_number, 4);
	at = fog_be_put(at, d->protocol_minor, 2);
	at = fog_be_put(at, d->mix_port, 2);
	at = fog_be_put(at, d->directory_port, 2);
	at = wire_put(at, family, sizeof(family));
	at = wire_put(at, d->address.addr, sizeof(d->address.addr));
	at = fog_be_put(at, d->time_ms, 8);
	at = fog_be_put(at, d->vrf_from, 8);
	at = fog_be_put(at, d->sequence, 8);
	return wire_put(at, counts, sizeof(counts));
}

int fog_descriptor_sign(
        const struct fog_descriptor *d, const uint8_t *secret_key, uint8_t out[FOG_DESCRIPTOR_MAX]
)
{
	uint8_t text[sizeof(descriptor_label) + FOG_DESCRIPTOR_MAX], *at;

	if (!descriptor_good(d))
		return -EINVAL;
	at = put_head(out, d);
	for (unsigned i = 0; i < d->mix_count; i++)
		at = wire_put(fog_be_put(at, d->mix[i].epoch, 8), d->mix[i].public_key, 32);
	for (unsigned i = 0; i < d->proof_count; i++)
		at = wire_put(
		        fog_be_put(at, d->proof[i].epoch, 8), d->proof[i].proof, DESCRIPTOR_PROOF
		);
	size_t len = descriptor_signed(text, out, (size_t)(at - out));
	crypto_sign_detached(at, NULL, text, len, secret_key);
	return (int)(at - out) + FOG_DESCRIPTOR_SIGNATURE;
}

// Returns NULL when something that is reserved isn't zero.
static const uint8_t *get_head(const uint8_t *at, struct fog_descriptor *d)
{
	uint8_t first[8], counts[4], family[2];

	at = wire_get(at, first, sizeof(first));
	d->role = first[1];
	d->layer_wish = first[2];
	d->bandwidth = first[3];
	d->flags = first[4];
	at = wire_get(at, d->network, 32);
	at = wire_get(at, d->node_id, 32);
	at = wire_get(at, d->identity, 32);
	at = wire_get(at, d->link_key, 32);
	at = wire_get(at, d->vrf_key, 32);
	at = wire_get(at, d->tls_key, 32);
	at = wire_get(at, d->name, sizeof(d->name));
	at = wire_get(at, d->operator, sizeof(d->operator));
	at = wire_get(at, d->family, sizeof(d->family));
	at = wire_get(at, d->region, sizeof(d->region));
	at = wire_get(at, d->software, sizeof(d->software));
	at = wire_get_u32(at, &d->as_number);
	at = wire_get_u16(at, &d->protocol_minor);
	at = wire_get_u16(at, &d->mix_port);
	at = wire_get_u16(at, &d->directory_port);
	at = wire_get(at, family, sizeof(family));
	d->address.family = family[0];
	at = wire_get(at, d->address.addr, sizeof(d->address.addr));
	at = wire_get_u64(at, &d->time_ms);
	at = wire_get_u64(at, &d->vrf_from);
	at = wire_get_u64(at, &d->sequence);
	at = wire_get(at, counts, sizeof(counts));
	d->mix_count = counts[0];
	d->proof_count = counts[1];
	return first[0] == DESCRIPTOR_VERSION && sodium_is_zero(first + 5, 3) && family[1] == 0 &&
	                counts[2] == 0 && counts[3] == 0
	        ? at
	        : NULL;
}

int fog_descriptor_parse(const uint8_t *data, size_t len, struct fog_descriptor *d)
{
	uint8_t id[FOG_ID_LEN];
	const uint8_t *at;

	memset(d, 0, sizeof(*d));
	if (len < FOG_DESCRIPTOR_MIN || (at = get_head(data, d)) == NULL ||
	    d->mix_count > FOG_DESCRIPTOR_MIX_MAX || d->proof_count > FOG_DESCRIPTOR_PROOF_MAX ||
	    len != FOG_DESCRIPTOR_MIN + d->mix_count * 40u + d->proof_count * 88u)
		return -EBADMSG;
	for (unsigned i = 0; i < d->mix_count; i++)
		at = wire_get(wire_get_u64(at, &d->mix[i].epoch), d->mix[i].public_key, 32);
	for (unsigned i = 0; i < d->proof_count; i++)
		at = wire_get(
		        wire_get_u64(at, &d->proof[i].epoch), d->proof[i].proof, DESCRIPTOR_PROOF
		);
	crypto_generichash(id, sizeof(id), d->identity, 32, NULL, 0);
	return descriptor_good(d) && memcmp(id, d->node_id, sizeof(id)) == 0 ? 0 : -EBADMSG;
}

int fog_descriptor_verify(const uint8_t *data, size_t len, struct fog_descriptor *d)
{
	uint8_t text[sizeof(descriptor_label) + FOG_DESCRIPTOR_MAX];
	size_t body = len - FOG_DESCRIPTOR_SIGNATURE;

	if (fog_descriptor_parse(data, len, d) < 0)
		return -EBADMSG;
	return crypto_sign_verify_detached(
	               data + body, text, descriptor_signed(text, data, body), d->identity
	       ) == 0
	        ? 0
	        : -EKEYREJECTED;
}

int fog_descriptor_open(
        const uint8_t *data, size_t len, const struct fog_topology_node *of,
        const uint8_t network[32], struct fog_descriptor *d
)
{
	if (fog_descriptor_parse(data, len, d) < 0)
		return -EBADMSG;
	if (memcmp(d->node_id, of->id, sizeof(d->node_id)) != 0 ||
	    memcmp(d->identity, of->identity, 32) != 0)
		return -EPERM;
	if (fog_descriptor_verify(data, len, d) < 0)
		return -EBADMSG;
	if (memcmp(d->network, network, 32) != 0)
		return -EXDEV;
	if (memcmp(d->link_key, of->link_key, 32) != 0 || memcmp(d->vrf_key, of->vrf_key, 32) != 0)
		return -EPERM;
	return 0;
}
