// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The subcommands of `fogctl sphinx` but verify.
#include "sphinx.h"
#include "sphinx_json.h"
#include "sphinx_verify.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

static const char sphinx_usage[] =
        "usage: fogctl sphinx COMMAND [FILE]      FILE or '-' is JSON, default standard input\n"
        "\n"
        "  keygen         a node's keys: private_key, public_key (X25519), identity_private_key,\n"
        "                 identity_public_key (Ed25519), id (BLAKE2b-256 of the latter); reads nothing\n"
        "  wrap           geometry, path, payload -> packet, first_hop\n"
        "  unwrap         geometry, private_key, packet -> action and what goes with it:\n"
        "                 forward: next_hop, packet; deliver: recipient, payload;\n"
        "                 reply: recipient, surb_id, reply; always delay_ms, replay_tag\n"
        "  surb           geometry, path -> surb, surb_keys, first_hop; the last hop needs recipient\n"
        "                 and surb_id\n"
        "  reply          geometry, surb, payload -> packet, first_hop\n"
        "  open           geometry, surb_keys, reply -> payload\n"
        "  verify FILE    check every hop of a vector file, byte for byte\n"
        "\n"
        "  geometry       \"mtu\" (default), \"mtu3\", \"jumbo\" or {\"slots\": n, \"payload_len\": n}\n"
        "  path           [{id, public_key, delay_ms?, recipient?, surb_id?}, ..], first hop first;\n"
        "                 recipient and surb_id at the last hop only\n"
        "  payload        exactly the geometry's payload length; all bytes are hex\n"
        "\n"
        "exit code: 0 done, 1 refused or failed (a dropped packet prints its reason), 2 usage\n";

static int sphinx_print(json_t *out)
{
	int rc = out != NULL ? json_dumpf(out, stdout, JSON_INDENT(1)) : -1;

	json_decref(out);
	if (rc < 0 || putchar('\n') == EOF || fflush(stdout) == EOF) {
		sphinx_json_error("can't write the result");
		return 1;
	}
	return 0;
}

static int sphinx_keygen(const struct fog_crypto_ops *ops, const json_t *in)
{
	uint8_t priv[32], seed[32], pub[32], id[32];
	uint8_t ed_pub[crypto_sign_PUBLICKEYBYTES], ed_priv[crypto_sign_SECRETKEYBYTES];
	json_t *out;

	randombytes_buf(priv, sizeof(priv));
	crypto_scalarmult_curve25519_base(pub, priv);
	randombytes_buf(seed, sizeof(seed));
	crypto_sign_seed_keypair(ed_pub, ed_priv, seed);
	crypto_generichash(id, sizeof(id), ed_pub, sizeof(ed_pub), NULL, 0);
	out = json_pack(
	        "{so so so so so}", "id", sphinx_json_hex(id, sizeof(id)), "private_key",
	        sphinx_json_hex(priv, sizeof(priv)), "public_key",
	        sphinx_json_hex(pub, sizeof(pub)), "identity_private_key",
	        sphinx_json_hex(seed, sizeof(seed)), "identity_public_key",
	        sphinx_json_hex(ed_pub, sizeof(ed_pub))
	);
	sodium_memzero(priv, sizeof(priv));
	sodium_memzero(seed, sizeof(seed));
	sodium_memzero(ed_priv, sizeof(ed_priv));
	return sphinx_print(out);
}

static int sphinx_print_packet(
        const struct fog_geometry *g, const uint8_t *pkt, const uint8_t first_hop[FOG_SPHINX_ID_LEN]
)
{
	return sphinx_print(json_pack(
	        "{so so}", "first_hop", sphinx_json_hex(first_hop, FOG_SPHINX_ID_LEN), "packet",
	        sphinx_json_hex(pkt, g->packet_len)
	));
}

static int sphinx_path_failed(int rc)
{
	if (rc == -EDOM)
		sphinx_json_error("field 'public_key' of a hop is a point of low order: take the "
		                  "public key of a real node");
	else
		sphinx_json_error("the last hop of 'path' needs 'recipient' and 'surb_id'");
	return 1;
}

static int sphinx_wrap(const struct fog_crypto_ops *ops, const json_t *in)
{
	static const char *const names[] = {"geometry", "path", "payload", NULL};
	struct fog_sphinx_path_hop path[FOG_SPHINX_SLOTS_MAX];
	uint8_t payload[FOG_SPHINX_PACKET_MAX], pkt[FOG_SPHINX_PACKET_MAX];
	struct fog_geometry g;
	unsigned n;
	int rc;

	if (sphinx_json_known(in, "the input", names) < 0 || sphinx_json_geometry(in, &g) < 0 ||
	    sphinx_json_path(in, &g, path, &n) < 0 ||
	    sphinx_json_bytes(in, "payload", payload, g.payload_len) < 0)
		return 1;
	rc = fog_sphinx_wrap(ops, &g, path, n, payload, pkt, NULL, NULL);
	return rc < 0 ? sphinx_path_failed(rc) : sphinx_print_packet(&g, pkt, path[0].id);
}

static int sphinx_print_drop(enum fog_drop drop)
{
	sphinx_print(json_pack(
	        "{ss ss ss}", "action", "drop", "reason", fog_drop_label(drop), "text",
	        fog_drop_text(drop)
	));
	return 1;
}

static json_t *sphinx_unwrapped(
        const struct fog_geometry *g, const struct fog_sphinx_route *r, const uint8_t *pkt
)
{
	const uint8_t *text = pkt + g->header_len;
	json_t *recipient = r->has_recipient ? sphinx_json_hex(r->recipient, FOG_SPHINX_ID_LEN)
	                                     : json_null();

	if (r->has_next_hop) {
		json_decref(recipient);
		return json_pack(
		        "{ss so so}", "action", "forward", "next_hop",
		        sphinx_json_hex(r->next_hop, FOG_SPHINX_ID_LEN), "packet",
		        sphinx_json_hex(pkt, g->packet_len)
		);
	}
	if (r->has_surb)
		return json_pack(
		        "{ss so so so}", "action", "reply", "recipient", recipient, "surb_id",
		        sphinx_json_hex(r->surb_id, FOG_SPHINX_SURB_ID_LEN), "reply",
		        sphinx_json_hex(text, FOG_SPHINX_TAG_LEN + g->payload_len)
		);
	return json_pack(
	        "{ss so so}", "action", "deliver", "recipient", recipient, "payload",
	        sphinx_json_hex(text + FOG_SPHINX_TAG_LEN, g->payload_len)
	);
}

static int sphinx_unwrap(const struct fog_crypto_ops *ops, const json_t *in)
{
	static const char *const names[] = {"geometry", "private_key", "packet", NULL};
	const char *hex = json_string_value(json_object_get(in, "packet"));
	uint8_t priv[32], pkt[FOG_SPHINX_PACKET_MAX];
	struct fog_sphinx_route route;
	struct fog_sphinx_hop hop;
	struct fog_geometry g;
	enum fog_drop drop;
	json_t *out;

	if (sphinx_json_known(in, "the input", names) < 0 || sphinx_json_geometry(in, &g) < 0 ||
	    sphinx_json_bytes(in, "private_key", priv, sizeof(priv)) < 0)
		return 1;
	// A packet of another size is a packet that a node drops, not a slip of the user.
	if (hex != NULL && strlen(hex) % 2 == 0 && strlen(hex) != 2u * g.packet_len)
		return sphinx_print_drop(
		        strlen(hex) < 2u * g.packet_len ? FOG_DROP_UNDERSIZE : FOG_DROP_OVERSIZE
		);
	if (sphinx_json_bytes(in, "packet", pkt, g.packet_len) < 0)
		return 1;
	drop = fog_sphinx_unwrap(ops, &g, priv, pkt, g.packet_len, &route, &hop);
	sodium_memzero(priv, sizeof(priv));
	if (drop != FOG_DROP_NONE) {
		fog_sphinx_hop_wipe(&hop, 1);
		return sphinx_print_drop(drop);
	}
	out = sphinx_unwrapped(&g, &route, pkt);
	json_object_set_new(out, "delay_ms", json_integer(route.delay_ms));
	json_object_set_new(out, "replay_tag", sphinx_json_hex(fog_sphinx_replay_tag(&hop), 32));
	fog_sphinx_hop_wipe(&hop, 1);
	return sphinx_print(out);
}

static int sphinx_surb(const struct fog_crypto_ops *ops, const json_t *in)
{
	static const char *const names[] = {"geometry", "path", NULL};
	struct fog_sphinx_path_hop path[FOG_SPHINX_SLOTS_MAX];
	uint8_t surb[FOG_SPHINX_PACKET_MAX];
	struct fog_surb_keys keys;
	struct fog_geometry g;
	unsigned n;
	json_t *out;
	int rc;

	if (sphinx_json_known(in, "the input", names) < 0 || sphinx_json_geometry(in, &g) < 0 ||
	    sphinx_json_path(in, &g, path, &n) < 0)
		return 1;
	rc = fog_surb_create(ops, &g, path, n, surb, &keys, NULL, NULL);
	if (rc < 0)
		return sphinx_path_failed(rc);
	out = json_pack(
	        "{so so so}", "first_hop", sphinx_json_hex(path[0].id, FOG_SPHINX_ID_LEN), "surb",
	        sphinx_json_hex(surb, g.surb_len), "surb_keys",
	        sphinx_json_hex(keys.key[0], (size_t)keys.n * FOG_SPHINX_SURB_KEY_LEN)
	);
	sodium_memzero(&keys, sizeof(keys));
	return sphinx_print(out);
}

static int sphinx_reply(const struct fog_crypto_ops *ops, const json_t *in)
{
	static const char *const names[] = {"geometry", "surb", "payload", NULL};
	uint8_t surb[FOG_SPHINX_PACKET_MAX], payload[FOG_SPHINX_PACKET_MAX];
	uint8_t pkt[FOG_SPHINX_PACKET_MAX], first_hop[FOG_SPHINX_ID_LEN];
	struct fog_geometry g;

	if (sphinx_json_known(in, "the input", names) < 0 || sphinx_json_geometry(in, &g) < 0 ||
	    sphinx_json_bytes(in, "surb", surb, g.surb_len) < 0 ||
	    sphinx_json_bytes(in, "payload", payload, g.payload_len) < 0)
		return 1;
	if (fog_surb_reply(ops, &g, surb, payload, pkt, first_hop) < 0) {
		sphinx_json_error("field 'surb': it must start with 0000, so this is no SURB");
		return 1;
	}
	return sphinx_print_packet(&g, pkt, first_hop);
}

static int sphinx_open(const struct fog_crypto_ops *ops, const json_t *in)
{
	static const char *const names[] = {"geometry", "surb_keys", "reply", NULL};
	const char *hex = json_string_value(json_object_get(in, "surb_keys"));
	size_t n = hex != NULL ? strlen(hex) / (2 * FOG_SPHINX_SURB_KEY_LEN) : 2;
	uint8_t text[FOG_SPHINX_PACKET_MAX];
	struct fog_surb_keys keys;
	struct fog_geometry g;

	if (sphinx_json_known(in, "the input", names) < 0 || sphinx_json_geometry(in, &g) < 0)
		return 1;
	if (n < 2 || n > g.slots + 1u) {
		sphinx_json_error(
		        "field 'surb_keys': need 2 to %u keys of %d bytes, as `fogctl sphinx surb` "
		        "gave them",
		        g.slots + 1, FOG_SPHINX_SURB_KEY_LEN
		);
		return 1;
	}
	if (sphinx_json_bytes(in, "surb_keys", keys.key[0], n * FOG_SPHINX_SURB_KEY_LEN) < 0 ||
	    sphinx_json_bytes(in, "reply", text, FOG_SPHINX_TAG_LEN + g.payload_len) < 0)
		return 1;
	keys.n = n;
	if (fog_surb_open(ops, &g, &keys, text) < 0) {
		sphinx_json_error("the reply was changed on its way, or belongs to other keys");
		sodium_memzero(&keys, sizeof(keys));
		return 1;
	}
	sodium_memzero(&keys, sizeof(keys));
	return sphinx_print(json_pack(
	        "{so}", "payload", sphinx_json_hex(text + FOG_SPHINX_TAG_LEN, g.payload_len)
	));
}

static const struct {
	const char *name;
	int (*run)(const struct fog_crypto_ops *ops, const json_t *in);
	int reads; // whether it takes JSON input
	int needs_file;
} sphinx_commands[] = {
        {"keygen", sphinx_keygen, 0, 0}, {"wrap", sphinx_wrap, 1, 0},
        {"unwrap", sphinx_unwrap, 1, 0}, {"surb", sphinx_surb, 1, 0},
        {"reply", sphinx_reply, 1, 0},   {"open", sphinx_open, 1, 0},
        {"verify", sphinx_verify, 1, 1},
};

static int sphinx_run(size_t cmd, const char *file)
{
	const struct fog_crypto_ops *ops;
	json_t *in = NULL;
	int rc;

	if (fog_crypto_init() < 0 || fog_crypto_thread_init() < 0) {
		sphinx_json_error("this CPU lacks AES-NI, or there is no memory");
		return 1;
	}
	ops = fog_crypto_ops_get(NULL);
	if (sphinx_commands[cmd].reads) {
		in = sphinx_json_load(file);
		if (in == NULL)
			return 1;
	}
	rc = sphinx_commands[cmd].run(ops, in);
	json_decref(in);
	return rc;
}

int ctl_sphinx(int argc, char **argv)
{
	if (argc == 2 &&
	    (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 ||
	     strcmp(argv[1], "-h") == 0)) {
		fputs(sphinx_usage, stdout);
		return 0;
	}
	for (size_t i = 0; argc > 1 && i < sizeof(sphinx_commands) / sizeof(sphinx_commands[0]);
	     i++) {
		if (strcmp(argv[1], sphinx_commands[i].name) != 0)
			continue;
		if (argc > (sphinx_commands[i].reads ? 3 : 2) ||
		    argc < (sphinx_commands[i].needs_file ? 3 : 2))
			break;
		return sphinx_run(i, argc == 3 ? argv[2] : NULL);
	}
	fputs(sphinx_usage, stderr);
	return 2;
}
