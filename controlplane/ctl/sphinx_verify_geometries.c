// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The format of tests/vectors/sphinx-geometries.json: per packet the nodes of the path and the
// packet as each of them receives it.
#include "sphinx_verify.h"

#include <sodium.h>
#include <string.h>

static const char *const geometries_fields[] = {
        "NrHops",   "PacketLength", "HeaderLength", "Nodes", "Commands",
        "Packets",  "Payload",      "ReplayTags", // Katzenpost's local tags, different from ours on purpose
        "SurbKeys", // of a reply: one hex string, hop keys in reverse path order, then the SURB's own
        NULL,
};

static const char *const geometries_node_fields[] = {"ID", "PrivateKey", "PublicKey", NULL};

struct geometries_packet {
	struct fog_geometry g;
	const json_t *json, *nodes, *commands, *packets;
	size_t n;
	uint8_t previous[FOG_SPHINX_PACKET_MAX]; // what the hop before sent
};

static int geometries_shape(struct verify *v, struct geometries_packet *p)
{
	long slots = verify_integer(v, p->json, "NrHops", 1, FOG_SPHINX_SLOTS_MAX);
	long len = verify_integer(v, p->json, "PacketLength", 1, FOG_SPHINX_PACKET_MAX);
	long header = verify_integer(v, p->json, "HeaderLength", 1, FOG_SPHINX_PACKET_MAX);

	if (v->bad)
		return -1;
	if (len - header < FOG_SPHINX_TAG_LEN ||
	    fog_geometry_init(&p->g, slots, len - header - FOG_SPHINX_TAG_LEN) < 0 ||
	    p->g.header_len != header) {
		verify_fail(v, "HeaderLength", "the three lengths don't fit each other");
		return -1;
	}
	if (p->n < 1 || p->n > p->g.slots || json_array_size(p->packets) != p->n ||
	    json_array_size(p->commands) != p->n)
		verify_fail(
		        v, "Nodes", "need 1 to %u nodes, and as many Packets and Commands",
		        p->g.slots
		);
	return v->bad ? -1 : 0;
}

// A hop's commands: one hex string, or a list of them. Returns the length, -1 after verify_fail.
static long geometries_commands(
        struct verify *v, const json_t *value, uint8_t out[2 * FOG_SPHINX_SLOT_LEN]
)
{
	long len = 0;

	if (!json_is_array(value))
		return verify_some_bytes(v, "Commands", value, out, FOG_SPHINX_SLOT_LEN);
	for (size_t i = 0; i < json_array_size(value); i++) {
		long one = verify_some_bytes(
		        v, "Commands", json_array_get(value, i), out + len,
		        FOG_SPHINX_SLOT_LEN - len
		);
		if (one < 0)
			return -1;
		len += one;
	}
	return len;
}

static void geometries_check_commands(
        struct verify *v, const struct geometries_packet *p, size_t i, const struct verify_trace *t
)
{
	uint8_t all[2 * FOG_SPHINX_SLOT_LEN];
	long len = geometries_commands(v, json_array_get(p->commands, i), all);

	if (len < 0)
		return;
	if (i + 1 < p->n) {
		const json_t *next = json_object_get(json_array_get(p->nodes, i + 1), "ID");

		all[len] = 0x01;
		if (verify_bytes(v, "ID of the next hop", next, all + len + 1, 32) < 0)
			return;
		memcpy(all + len + 33, t->route.next_mac, FOG_SPHINX_MAC_LEN);
		len += 65;
	}
	verify_slot(v, "Commands", t, all, len);
}

// What the last hop hands over is the payload, or, of a reply, opens to it.
static void geometries_check_payload(
        struct verify *v, struct geometries_packet *p, struct verify_trace *t
)
{
	const json_t *surb_keys = json_object_get(p->json, "SurbKeys");
	uint8_t *text = t->out + p->g.header_len;
	struct fog_surb_keys keys = {.n = (uint16_t)(p->n + 1)};

	if (t->route.has_surb && surb_keys == NULL) {
		verify_fail(v, "SurbKeys", "a reply can't be checked without them");
		return;
	}
	if (t->route.has_surb) {
		if (verify_bytes(
		            v, "SurbKeys", surb_keys, keys.key[0],
		            keys.n * (size_t)FOG_SPHINX_SURB_KEY_LEN
		    ) < 0)
			return;
		if (fog_surb_open(v->ops, &p->g, &keys, text) < 0) {
			verify_fail(v, "SurbKeys", "they don't open the reply");
			return;
		}
	}
	verify_equal(
	        v, "Payload", json_object_get(p->json, "Payload"), text + FOG_SPHINX_TAG_LEN,
	        p->g.payload_len
	);
}

static void geometries_check_hop(struct verify *v, struct geometries_packet *p, size_t i)
{
	const json_t *node = json_array_get(p->nodes, i);
	uint8_t private_key[32], public_key[32];
	struct verify_trace t;

	verify_note_unknown(v, node, geometries_node_fields);
	if (verify_bytes(v, "Packets", json_array_get(p->packets, i), t.in, p->g.packet_len) < 0 ||
	    verify_bytes(v, "PrivateKey", json_object_get(node, "PrivateKey"), private_key, 32) < 0)
		return;
	crypto_scalarmult_curve25519_base(public_key, private_key);
	verify_equal_if_there(v, node, "PublicKey", public_key, 32);
	if (i > 0 && memcmp(p->previous, t.in, p->g.packet_len) != 0)
		verify_fail(v, "Packets", "is not what the hop before sent");
	if (verify_run_hop(v, &p->g, private_key, i + 1 == p->n, &t) < 0)
		return;
	memcpy(p->previous, t.out, p->g.packet_len);
	geometries_check_commands(v, p, i, &t);
	if (i + 1 < p->n)
		verify_equal(
		        v, "Packets of the next hop", json_array_get(p->packets, i + 1), t.out,
		        p->g.packet_len
		);
	else
		geometries_check_payload(v, p, &t);
}

void verify_geometries(struct verify *v, const json_t *packet)
{
	struct geometries_packet p = {
	        .json = packet,
	        .nodes = json_object_get(packet, "Nodes"),
	        .commands = json_object_get(packet, "Commands"),
	        .packets = json_object_get(packet, "Packets"),
	};

	verify_note_unknown(v, packet, geometries_fields);
	p.n = json_array_size(p.nodes);
	if (geometries_shape(v, &p) < 0) {
		verify_packet_unusable(v, p.n);
		return;
	}
	for (size_t i = 0; i < p.n; i++) {
		v->hop = i;
		geometries_check_hop(v, &p, i);
		verify_hop_done(v);
	}
}
