// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The format of tests/vectors/katzenpost.json: per packet a list of hops, per hop the packet and
// every intermediate value.
#include "sphinx_json.h"
#include "sphinx_verify.h"

#include <sodium.h>
#include <string.h>

static const char *const katz_packet_fields[] = {
        "name",
        "nr_hops",
        "max_hops",
        "packet_length",
        "header_length",
        "routing_info_length",
        "per_hop_routing_info_length",
        "payload_tag_length",
        "is_surb",
        "surb",
        "surb_keys",
        "payload",
        "hops",
        NULL};

static const char *const katz_hop_fields[] = {
        "node_private_key", "node_public_key", "node_id", "commands_without_next_node_hop",
        "packet_in", "group_element", "shared_secret",
        // Katzenpost's local tag; ours comes from the shared secret and differs on purpose.
        "replay_tag_sha512_256_of_group_element", "kdf_okm_160", "header_mac_key",
        "header_encryption_key_aes256ctr", "header_encryption_iv", "payload_key_aez",
        "blinding_seed_chacha20_key", "blinding_factor", "header_mac",
        "decrypted_padded_routing_info", "payload_in", "payload_after_aez_decrypt", "packet_out",
        "final_payload", "parsed_commands", NULL};

struct katz_packet {
	struct fog_geometry g;
	const json_t *json, *hops;
	size_t n;
	int is_surb;
	struct fog_surb_keys keys; // of a SURB packet
	uint8_t previous[FOG_SPHINX_PACKET_MAX]; // what the hop before sent
};

// What a field of the file must be.
struct katz_length {
	const char *field;
	long want;
};

struct katz_value {
	const char *field;
	const uint8_t *want;
	size_t len;
};

static int katz_geometry(struct verify *v, struct katz_packet *p)
{
	long slots = verify_integer(v, p->json, "max_hops", 1, FOG_SPHINX_SLOTS_MAX);
	long len = verify_integer(v, p->json, "packet_length", 1, FOG_SPHINX_PACKET_MAX);
	const struct katz_length lengths[] = {
	        {"nr_hops", p->n},
	        {"header_length", 66 + slots * FOG_SPHINX_SLOT_LEN},
	        {"routing_info_length", slots * FOG_SPHINX_SLOT_LEN},
	        {"per_hop_routing_info_length", FOG_SPHINX_SLOT_LEN},
	        {"payload_tag_length", FOG_SPHINX_TAG_LEN},
	};
	long payload = len - lengths[1].want - FOG_SPHINX_TAG_LEN;

	if (v->bad)
		return -1;
	if (payload < 0 || fog_geometry_init(&p->g, slots, payload) < 0)
		verify_fail(v, "packet_length", "too short for %ld slots", slots);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		long have = verify_integer(v, p->json, lengths[i].field, 0, FOG_SPHINX_PACKET_MAX);

		if (have >= 0 && have != lengths[i].want)
			verify_fail(
			        v, lengths[i].field, "is %ld, must be %ld", have, lengths[i].want
			);
	}
	return v->bad ? -1 : 0;
}

static int katz_surb_keys(struct verify *v, struct katz_packet *p)
{
	const json_t *is_surb = json_object_get(p->json, "is_surb");

	p->is_surb = json_is_true(is_surb);
	if (!json_is_boolean(is_surb)) {
		verify_fail(v, "is_surb", "need true or false");
		return -1;
	}
	if (!p->is_surb) {
		if (json_string_length(json_object_get(p->json, "surb")) > 0)
			verify_fail(v, "surb", "there is one although is_surb is false");
		return v->bad ? -1 : 0;
	}
	p->keys.n = p->n + 1;
	return verify_bytes(
	        v, "surb_keys", json_object_get(p->json, "surb_keys"), p->keys.key[0],
	        (size_t)p->keys.n * FOG_SPHINX_SURB_KEY_LEN
	);
}

// The SURB and the payload must give the first packet.
static void katz_check_surb(struct verify *v, const struct katz_packet *p, const json_t *hop)
{
	uint8_t surb[FOG_SPHINX_PACKET_MAX], payload[FOG_SPHINX_PACKET_MAX];
	uint8_t pkt[FOG_SPHINX_PACKET_MAX], first_hop[FOG_SPHINX_ID_LEN];
	const json_t *text = json_object_get(p->json, "payload");

	if (verify_bytes(v, "surb", json_object_get(p->json, "surb"), surb, p->g.surb_len) < 0 ||
	    verify_bytes(v, "payload", text, payload, p->g.payload_len) < 0)
		return;
	if (fog_surb_reply(v->ops, &p->g, surb, payload, pkt, first_hop) < 0) {
		verify_fail(v, "surb", "does not start with the constant prefix");
		return;
	}
	verify_equal(v, "packet_in", json_object_get(hop, "packet_in"), pkt, p->g.packet_len);
	verify_equal(v, "node_id", json_object_get(hop, "node_id"), first_hop, sizeof(first_hop));
	if (memcmp(surb + p->g.surb_len - FOG_SPHINX_SURB_KEY_LEN, p->keys.key[p->n],
	           FOG_SPHINX_SURB_KEY_LEN) != 0)
		verify_fail(v, "surb_keys", "the last key is not the one in the SURB");
}

static void katz_check_intermediates(
        struct verify *v, const struct fog_geometry *g, const json_t *hop,
        const struct verify_trace *t
)
{
	const uint8_t *okm = t->hop.okm;
	size_t text = g->header_len, text_len = g->packet_len - g->header_len;
	const struct katz_value values[] = {
	        {"group_element", t->in + 2, 32},
	        {"shared_secret", t->hop.secret, 32},
	        {"kdf_okm_160", okm, 160},
	        {"header_mac_key", okm, 32},
	        {"header_encryption_key_aes256ctr", okm + 32, 32},
	        {"header_encryption_iv", okm + 64, 16},
	        {"payload_key_aez", okm + 80, 48},
	        {"blinding_seed_chacha20_key", okm + 128, 32},
	        {"blinding_factor", t->blind, 32},
	        {"header_mac", t->mac, 32},
	        {"decrypted_padded_routing_info", t->routing, g->routing_len + FOG_SPHINX_SLOT_LEN},
	        {"payload_in", t->in + text, text_len},
	        {"payload_after_aez_decrypt", t->out + text, text_len},
	};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		verify_equal_if_there(v, hop, values[i].field, values[i].want, values[i].len);
}

// Concatenate a list of commands. Returns the length, or -1 after verify_fail.
static long katz_commands(
        struct verify *v, const json_t *hop, const char *field, uint8_t out[2 * FOG_SPHINX_SLOT_LEN]
)
{
	const json_t *list = json_object_get(hop, field);
	long len = 0;

	if (!json_is_array(list)) {
		verify_fail(v, field, "need a list of hex strings");
		return -1;
	}
	for (size_t i = 0; i < json_array_size(list); i++) {
		long one = verify_some_bytes(
		        v, field, json_array_get(list, i), out + len, FOG_SPHINX_SLOT_LEN - len
		);
		if (one < 0)
			return -1;
		len += one;
	}
	return len;
}

static void katz_check_commands(
        struct verify *v, const struct katz_packet *p, size_t i, const struct verify_trace *t
)
{
	const json_t *hop = json_array_get(p->hops, i);
	uint8_t all[2 * FOG_SPHINX_SLOT_LEN], id[FOG_SPHINX_ID_LEN];
	long len = katz_commands(v, hop, "commands_without_next_node_hop", all);

	if (len >= 0 && i + 1 < p->n) {
		const json_t *next = json_object_get(json_array_get(p->hops, i + 1), "node_id");

		if (verify_bytes(v, "node_id of the next hop", next, id, sizeof(id)) < 0)
			return;
		all[len] = 0x01;
		memcpy(all + len + 1, id, sizeof(id));
		memcpy(all + len + 33, t->route.next_mac, FOG_SPHINX_MAC_LEN);
		len += 65;
	}
	if (len >= 0)
		verify_slot(v, "commands_without_next_node_hop", t, all, len);
	if (json_object_get(hop, "parsed_commands") == NULL)
		return;
	len = katz_commands(v, hop, "parsed_commands", all);
	if (len >= 0)
		verify_slot(v, "parsed_commands", t, all, len);
}

// A field that this hop can't have; null and "" are ways to say so.
static void katz_check_nothing(
        struct verify *v, const json_t *hop, const char *field, const char *why
)
{
	const json_t *value = json_object_get(hop, field);

	if (value == NULL || json_is_null(value))
		return;
	if (!json_is_string(value) || json_string_length(value) > 0)
		verify_fail(v, field, "%s", why);
}

// What leaves the last hop: the payload, or a reply that the SURB's keys must open.
static void katz_check_end(
        struct verify *v, const struct katz_packet *p, const json_t *hop, struct verify_trace *t
)
{
	uint8_t *text = t->out + p->g.header_len, *payload = text + FOG_SPHINX_TAG_LEN;

	katz_check_nothing(v, hop, "packet_out", "the last hop sends nothing on");
	if (t->route.has_surb != p->is_surb) {
		verify_fail(v, "is_surb", "the last hop's commands say otherwise");
		return;
	}
	if (p->is_surb && fog_surb_open(v->ops, &p->g, &p->keys, text) < 0) {
		verify_fail(v, "surb_keys", "they don't open the reply");
		return;
	}
	verify_equal(
	        v, "final_payload", json_object_get(hop, "final_payload"), payload, p->g.payload_len
	);
	verify_equal(v, "payload", json_object_get(p->json, "payload"), payload, p->g.payload_len);
}

// A SURB's key list ends with this hop's key, counted from the back.
static void katz_check_hop_key(
        struct verify *v, const struct katz_packet *p, size_t i, const struct verify_trace *t
)
{
	const uint8_t *key = p->keys.key[p->n - 1 - i];

	if (memcmp(key, t->hop.okm + 80, 48) != 0 || memcmp(key + 48, t->hop.okm + 64, 16) != 0)
		verify_fail(v, "surb_keys", "key %zu is not this hop's", p->n - 1 - i);
}

static void katz_check_hop(struct verify *v, struct katz_packet *p, size_t i)
{
	const json_t *hop = json_array_get(p->hops, i);
	uint8_t private_key[32], public_key[32];
	struct verify_trace t;
	int last = i + 1 == p->n;

	if (!json_is_object(hop)) {
		verify_fail(v, "hops", "need an object");
		return;
	}
	verify_note_unknown(v, hop, katz_hop_fields);
	if (verify_bytes(v, "packet_in", json_object_get(hop, "packet_in"), t.in, p->g.packet_len) <
	            0 ||
	    verify_bytes(
	            v, "node_private_key", json_object_get(hop, "node_private_key"), private_key, 32
	    ) < 0)
		return;
	crypto_scalarmult_curve25519_base(public_key, private_key);
	verify_equal_if_there(v, hop, "node_public_key", public_key, 32);
	if (i > 0 && memcmp(p->previous, t.in, p->g.packet_len) != 0)
		verify_fail(v, "packet_in", "is not what the hop before sent");
	if (i == 0 && p->is_surb)
		katz_check_surb(v, p, hop);
	if (verify_run_hop(v, &p->g, private_key, last, &t) < 0)
		return;
	memcpy(p->previous, t.out, p->g.packet_len);
	katz_check_intermediates(v, &p->g, hop, &t);
	katz_check_commands(v, p, i, &t);
	if (p->is_surb)
		katz_check_hop_key(v, p, i, &t);
	if (last) {
		katz_check_end(v, p, hop, &t);
		return;
	}
	verify_equal(v, "packet_out", json_object_get(hop, "packet_out"), t.out, p->g.packet_len);
	katz_check_nothing(v, hop, "final_payload", "a middle hop delivers nothing");
}

void verify_katzenpost(struct verify *v, const json_t *packet)
{
	struct katz_packet p = {.json = packet, .hops = json_object_get(packet, "hops")};

	verify_note_unknown(v, packet, katz_packet_fields);
	p.n = json_array_size(p.hops);
	if (p.n < 1 || p.n > FOG_SPHINX_SLOTS_MAX)
		verify_fail(v, "hops", "need a list of 1 to %d hops", FOG_SPHINX_SLOTS_MAX);
	if (v->bad || katz_geometry(v, &p) < 0 || katz_surb_keys(v, &p) < 0) {
		verify_packet_unusable(v, p.n);
		return;
	}
	for (size_t i = 0; i < p.n; i++) {
		v->hop = i;
		katz_check_hop(v, &p, i);
		verify_hop_done(v);
	}
}
