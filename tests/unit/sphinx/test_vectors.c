// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Packets that others published, through the library hop by hop.
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "../../../dataplane/sphinx/sphinx.h"
#include "../run.h"

static const struct fog_crypto_ops *ops;
static const char *vectors_dir;

static json_t *load(const char *name)
{
	char path[4096];
	json_t *file;

	snprintf(path, sizeof(path), "%s/%s", vectors_dir, name);
	file = json_load_file(path, 0, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	CU_ASSERT_TRUE_FATAL(json_array_size(file) > 0);
	return file;
}

static size_t unhex(uint8_t *out, size_t max, const json_t *value)
{
	size_t len = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(json_string_value(value));
	CU_ASSERT_EQUAL_FATAL(
	        sodium_hex2bin(
	                out, max, json_string_value(value), json_string_length(value), NULL, &len,
	                NULL
	        ),
	        0
	);
	return len;
}

static void check_equal(const uint8_t *got, size_t len, const json_t *value)
{
	uint8_t want[FOG_SPHINX_PACKET_MAX];

	CU_ASSERT_EQUAL_FATAL(unhex(want, sizeof(want), value), len);
	CU_ASSERT_EQUAL(memcmp(got, want, len), 0);
}

static void katzenpost_end(
        const struct fog_geometry *g, const json_t *packet, uint8_t *pkt,
        const struct fog_sphinx_route *route
)
{
	uint8_t *text = pkt + g->header_len;
	struct fog_surb_keys keys = {0};

	CU_ASSERT_EQUAL(route->has_surb, json_is_true(json_object_get(packet, "is_surb")));
	if (route->has_surb) {
		keys.n = unhex(keys.key[0], sizeof(keys.key),
		               json_object_get(packet, "surb_keys")) /
		        64;
		CU_ASSERT_EQUAL(fog_surb_open(ops, g, &keys, text), 0);
	}
	check_equal(text + 32, g->payload_len, json_object_get(packet, "payload"));
}

static void test_katzenpost(void)
{
	json_t *file = load("katzenpost.json"), *packet, *hop;
	size_t i, j;

	json_array_foreach(file, i, packet)
	{
		struct fog_geometry g;
		struct fog_sphinx_route route;
		struct fog_sphinx_hop keys;
		uint8_t pkt[FOG_SPHINX_PACKET_MAX], key[32];

		CU_ASSERT_EQUAL_FATAL(
		        fog_geometry_init(
		                &g, json_integer_value(json_object_get(packet, "max_hops")),
		                json_string_length(json_object_get(packet, "payload")) / 2
		        ),
		        0
		);
		json_array_foreach(json_object_get(packet, "hops"), j, hop)
		{
			size_t len = unhex(pkt, sizeof(pkt), json_object_get(hop, "packet_in"));

			unhex(key, sizeof(key), json_object_get(hop, "node_private_key"));
			CU_ASSERT_EQUAL(
			        fog_sphinx_unwrap(ops, &g, key, pkt, len, &route, &keys),
			        FOG_DROP_NONE
			);
			check_equal(keys.secret, 32, json_object_get(hop, "shared_secret"));
			check_equal(keys.okm, 160, json_object_get(hop, "kdf_okm_160"));
			if (route.has_next_hop)
				check_equal(pkt, len, json_object_get(hop, "packet_out"));
		}
		katzenpost_end(&g, packet, pkt, &route);
	}
	json_decref(file);
}

static void test_sphinx_geometries(void)
{
	json_t *file = load("sphinx-geometries.json"), *packet;
	size_t i;

	json_array_foreach(file, i, packet)
	{
		const json_t *nodes = json_object_get(packet, "Nodes");
		const json_t *packets = json_object_get(packet, "Packets");
		uint8_t pkt[FOG_SPHINX_PACKET_MAX], key[32];
		size_t len = unhex(pkt, sizeof(pkt), json_array_get(packets, 0));
		struct fog_sphinx_route route;
		struct fog_geometry g;

		fog_geometry_init(
		        &g, json_integer_value(json_object_get(packet, "NrHops")),
		        json_string_length(json_object_get(packet, "Payload")) / 2
		);
		for (size_t j = 0; j < json_array_size(nodes); j++) {
			check_equal(pkt, len, json_array_get(packets, j));
			unhex(key, 32, json_object_get(json_array_get(nodes, j), "PrivateKey"));
			CU_ASSERT_EQUAL(
			        fog_sphinx_unwrap(ops, &g, key, pkt, len, &route, NULL),
			        FOG_DROP_NONE
			);
		}
		CU_ASSERT_FALSE(route.has_next_hop);
		check_equal(
		        pkt + g.header_len + 32, g.payload_len, json_object_get(packet, "Payload")
		);
	}
	json_decref(file);
}

int main(int argc, char **argv)
{
	static const CU_TestInfo tests[] = {
	        {"Katzenpost's packets", test_katzenpost},
	        {"packets of an independent sender", test_sphinx_geometries},
	        CU_TEST_INFO_NULL,
	};
	if (argc != 2 || fog_crypto_init() < 0)
		return 2;
	vectors_dir = argv[1];
	ops = fog_crypto_ops_get(NULL);
	printf("crypto ops: %s\n", ops->name);
	return check_run("vectors", tests);
}
