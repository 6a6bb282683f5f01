// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "sphinx_verify.h"
#include "sphinx_json.h"

#include <errno.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void verify_place(const struct verify *v, const char *kind)
{
	printf("%s: packet %zu", kind, v->packet);
	if (v->hop >= 0)
		printf(" hop %ld", v->hop);
}

void verify_fail(struct verify *v, const char *field, const char *fmt, ...)
{
	va_list ap;

	verify_place(v, "FAIL");
	printf(" %s: ", field);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	v->bad = 1;
}

void verify_note_unknown(struct verify *v, const json_t *obj, const char *const names[])
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)obj, key, value)
	{
		unsigned i = 0;
		char text[65];

		while (names[i] != NULL && strcmp(names[i], key) != 0)
			i++;
		if (names[i] != NULL)
			continue;
		verify_place(v, "note");
		printf(": field is not known, not checked: '%s'\n",
		       sphinx_json_printable(key, text));
	}
}

int verify_bytes(struct verify *v, const char *field, const json_t *value, uint8_t *out, size_t len)
{
	const char *hex = json_string_value(value);

	if (hex == NULL) {
		verify_fail(v, field, "%s, need a hex string", value ? "not a string" : "missing");
		return -EINVAL;
	}
	if (sphinx_hex_decode(hex, out, len) < 0) {
		verify_fail(
		        v, field, "need %zu hex digits, have %zu characters%s", 2 * len,
		        strlen(hex), strlen(hex) == 2 * len ? ", not all hex" : ""
		);
		return -EINVAL;
	}
	return 0;
}

long verify_some_bytes(
        struct verify *v, const char *field, const json_t *value, uint8_t *out, size_t max
)
{
	size_t len = json_string_length(value) / 2;

	if (len < 1 || len > max) {
		verify_fail(v, field, "need a string of 2 to %zu hex digits", 2 * max);
		return -EINVAL;
	}
	return verify_bytes(v, field, value, out, len) < 0 ? -EINVAL : (long)len;
}

long verify_integer(struct verify *v, const json_t *obj, const char *field, long lo, long hi)
{
	const json_t *value = json_object_get(obj, field);

	if (!json_is_integer(value) || json_integer_value(value) < lo ||
	    json_integer_value(value) > hi) {
		verify_fail(v, field, "need an integer from %ld to %ld", lo, hi);
		return -EINVAL;
	}
	return json_integer_value(value);
}

void verify_equal(
        struct verify *v, const char *field, const json_t *value, const uint8_t *want, size_t len
)
{
	uint8_t have[FOG_SPHINX_PACKET_MAX];
	size_t at = 0;

	if (verify_bytes(v, field, value, have, len) < 0)
		return;
	while (at < len && have[at] == want[at])
		at++;
	if (at < len)
		verify_fail(
		        v, field, "differs from byte %zu on: file %02x, computed %02x", at,
		        have[at], want[at]
		);
}

void verify_equal_if_there(
        struct verify *v, const json_t *obj, const char *field, const uint8_t *want, size_t len
)
{
	const json_t *value = json_object_get(obj, field);

	if (value != NULL)
		verify_equal(v, field, value, want, len);
}

void verify_slot(
        struct verify *v, const char *field, const struct verify_trace *t, const uint8_t *commands,
        size_t len
)
{
	if (len > FOG_SPHINX_SLOT_LEN || memcmp(commands, t->routing, len) != 0 ||
	    !sodium_is_zero(t->routing + len, FOG_SPHINX_SLOT_LEN - len))
		verify_fail(v, field, "the decrypted slot holds other commands");
}

// The routing information before a hop cuts it: the library's own stage keeps only the result.
static void verify_decrypt_routing(
        struct verify *v, const struct fog_geometry *g, struct verify_trace *t
)
{
	const uint8_t *in = t->routing, *key = t->hop.okm + 32, *iv = t->hop.okm + 64;
	uint8_t *out = t->routing;

	memset(t->routing, 0, sizeof(t->routing));
	memcpy(t->routing, t->in + 34, g->routing_len);
	v->ops->ctr(1, &out, &in, &key, &iv, g->routing_len + FOG_SPHINX_SLOT_LEN);
}

int verify_run_hop(
        struct verify *v, const struct fog_geometry *g, const uint8_t private_key[32], int last,
        struct verify_trace *t
)
{
	struct fog_sphinx_batch b = {
	        .ops = v->ops,
	        .geo = g,
	        .n = 1,
	        .pkt = {t->out},
	        .hop = &t->hop,
	        .route = &t->route};
	const uint8_t *key = t->hop.okm, *seed = t->hop.okm + 128, *msg = t->in;
	uint8_t *mac = t->mac, *blind = t->blind;

	memcpy(t->out, t->in, g->packet_len);
	fog_sphinx_key(&b, private_key);
	if (b.drop[0] == FOG_DROP_NONE) {
		v->ops->hmac(1, &mac, &key, &msg, 34 + g->routing_len);
		v->ops->blind_scalar(1, &blind, &seed);
		verify_decrypt_routing(v, g, t);
	}
	fog_sphinx_mac(&b);
	fog_sphinx_open(&b);
	// A node has nowhere to deliver such a packet; the format as such allows it.
	if (b.drop[0] == FOG_DROP_NO_DESTINATION)
		b.drop[0] = FOG_DROP_NONE;
	fog_sphinx_payload(&b);
	fog_sphinx_blind(&b);
	if (b.drop[0] != FOG_DROP_NONE) {
		verify_fail(
		        v, "packet", "dropped, %s: %s", fog_drop_label(b.drop[0]),
		        fog_drop_text(b.drop[0])
		);
		return -EINVAL;
	}
	if (t->route.has_next_hop == last) {
		verify_fail(
		        v, "packet", "%s",
		        last ? "the last hop names a next hop"
		             : "the path ends here, not at the last hop"
		);
		return -EINVAL;
	}
	return 0;
}

void verify_hop_done(struct verify *v)
{
	if (v->bad)
		v->failed++;
	else
		v->verified++;
	v->bad = 0;
}

void verify_packet_unusable(struct verify *v, size_t hops)
{
	v->failed += hops > 0 ? hops : 1;
	v->bad = 0;
}

static void verify_packet(struct verify *v, const json_t *packet)
{
	v->hop = -1;
	v->bad = 0;
	if (json_object_get(packet, "hops") != NULL)
		verify_katzenpost(v, packet);
	else if (json_object_get(packet, "Packets") != NULL)
		verify_geometries(v, packet);
	else {
		verify_fail(
		        v, "format",
		        "neither a list 'hops' nor a list 'Packets': give a file in the "
		        "format of tests/vectors/katzenpost.json or sphinx-geometries.json"
		);
		verify_packet_unusable(v, 0);
	}
}

int sphinx_verify(const struct fog_crypto_ops *ops, const json_t *file)
{
	struct verify v = {.ops = ops};

	if (json_is_array(file)) {
		for (v.packet = 0; v.packet < json_array_size(file); v.packet++)
			verify_packet(&v, json_array_get(file, v.packet));
	} else {
		verify_packet(&v, file);
	}
	if (v.verified + v.failed == 0)
		sphinx_json_error("the file holds no packet");
	printf("hops verified: %lu, failed: %lu\n", v.verified, v.failed);
	return v.failed > 0 || v.verified == 0;
}
