// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "hello.h"

#include <errno.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "../big_endian.h"

static const char hello_prefix[] = "/betanet/mix/";
static const char *const feature_names[] = {"batch_processing", "vrf_delays"};
static const uint32_t minor_features[FOG_PROTOCOL_MINORS] = {
        0,
        FOG_FEATURE_BATCH_PROCESSING,
        FOG_FEATURE_BATCH_PROCESSING | FOG_FEATURE_VRF_DELAYS,
};

uint32_t fog_protocol_features(uint16_t minor)
{
	return minor_features[minor < FOG_PROTOCOL_MINORS ? minor : FOG_PROTOCOL_MINORS - 1];
}

const char *fog_feature_name(unsigned bit)
{
	return bit < sizeof(feature_names) / sizeof(feature_names[0]) ? feature_names[bit] : NULL;
}

// One number below 1000. Returns what stands behind it, or NULL.
static const char *hello_number(const char *p, const char *end, uint16_t *out)
{
	unsigned value = 0, digits = 0;

	for (; p < end && *p >= '0' && *p <= '9' && digits < 4; p++, digits++)
		value = value * 10 + (unsigned)(*p - '0');
	if (digits == 0 || digits > 3 || (digits > 1 && p[-(int)digits] == '0'))
		return NULL;
	*out = (uint16_t)value;
	return p;
}

int fog_protocol_parse(const char text[24], uint16_t *major, uint16_t *minor, uint16_t *patch)
{
	const char *p = text, *end = text + 24;
	uint16_t *const number[] = {major, minor, patch};

	if (memcmp(p, hello_prefix, sizeof(hello_prefix) - 1) != 0)
		return -EBADMSG;
	p += sizeof(hello_prefix) - 1;
	for (int i = 0; i < 3; i++) {
		if (i > 0 && (p == end || *p++ != '.'))
			return -EBADMSG;
		p = hello_number(p, end, number[i]);
		if (p == NULL)
			return -EBADMSG;
	}
	// At least one zero, so that the text has an end.
	return p < end && sodium_is_zero((const uint8_t *)p, (size_t)(end - p)) ? 0 : -EBADMSG;
}

#define AT(field) offsetof(struct fog_link_hello, field)

void fog_hello_put(const struct fog_hello *h, uint8_t wire[sizeof(struct fog_link_hello)])
{
	char text[32] = "";

	memset(wire, 0, sizeof(struct fog_link_hello));
	snprintf(text, sizeof(text), "%s%u.%u.%u", hello_prefix, h->major, h->minor, h->patch);
	memcpy(wire, text, sizeof(((struct fog_link_hello *)0)->protocol) - 1);
	memcpy(wire + AT(network), h->network, sizeof(h->network));
	fog_be_put(wire + AT(time_ns), h->time_ns, 8);
	fog_be_put(wire + AT(features), h->features, 4);
	fog_be_put(wire + AT(index), h->index, 4);
	fog_be_put(wire + AT(senders), h->senders, 2);
}

int fog_hello_parse(const uint8_t wire[sizeof(struct fog_link_hello)], struct fog_hello *h)
{
	const size_t reserved = AT(reserved);

	memset(h, 0, sizeof(*h));
	if (fog_protocol_parse((const char *)wire, &h->major, &h->minor, &h->patch) < 0 ||
	    !sodium_is_zero(wire + reserved, sizeof(struct fog_link_hello) - reserved))
		return -EBADMSG;
	memcpy(h->network, wire + AT(network), sizeof(h->network));
	h->time_ns = fog_be_get(wire + AT(time_ns), 8);
	h->features = (uint32_t)fog_be_get(wire + AT(features), 4);
	h->index = (uint32_t)fog_be_get(wire + AT(index), 4);
	h->senders = (uint16_t)fog_be_get(wire + AT(senders), 2);
	if (h->senders > FOG_WORKERS_MAX)
		return -EBADMSG;
	// A newer version may have reasons to refuse that we don't know.
	if (h->senders == 0)
		return h->index != FOG_HELLO_ACCEPTED ? 0 : -EBADMSG;
	return h->index == fog_link_base(h->index) ? 0 : -EBADMSG;
}

int fog_hello_agree(
        const struct fog_hello *a, const struct fog_hello *b, uint16_t *minor, uint32_t *features
)
{
	if (a->major != b->major)
		return -EPROTONOSUPPORT;
	*minor = a->minor < b->minor ? a->minor : b->minor;
	*features = a->features & b->features & fog_protocol_features(*minor);
	return 0;
}

void fog_link_prologue(const uint8_t network[32], uint8_t out[FOG_PROLOGUE_LEN])
{
	static const char id[] = "/betanet/mix/1"; // with its zero

	memcpy(out, id, sizeof(id));
	memcpy(out + sizeof(id), network, 32);
}
