// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// From a seed to owed delays: every value of the vectors that tests/vrf_ref computes.
#include "../../../controlplane/vrf/delay.h"

#include <sodium.h>

#include "../../../controlplane/mixnet/topology.h"
#include "../../../controlplane/vrf/vrf.h"
#include "../../../dataplane/crypto/delay.h"
#include "vectors.h"

static json_t *networks;

static void owed_check(const json_t *epoch, const struct fog_delay_law *law, const uint8_t key[32])
{
	struct fog_aes_key delay_key;
	json_t *json;
	size_t i;

	CU_ASSERT_EQUAL_FATAL(fog_aes_key_init(&delay_key, key, 32), 0);
	CU_ASSERT_TRUE(json_array_size(json_object_get(epoch, "tags")) > 0);
	json_array_foreach(json_object_get(epoch, "tags"), i, json)
	{
		const char *u = json_string_value(json_object_get(json, "uniform"));
		uint8_t tag[32];

		vectors_bytes(json, "tag", tag, 32);
		CU_ASSERT_EQUAL(fog_delay_uniform(&delay_key, tag), strtoull(u, NULL, 16));
		CU_ASSERT_EQUAL(
		        fog_delay_owed(law, &delay_key, tag, vectors_number(json, "node_delay_ms")),
		        (uint64_t)json_integer_value(json_object_get(json, "us"))
		);
	}
}

static void epoch_check(
        const json_t *json, const struct fog_delay_law *law, const uint8_t network[32]
)
{
	uint64_t epoch = strtoull(json_string_value(json_object_get(json, "epoch")), NULL, 10);
	uint8_t seed[32], key[32], beacon[32], alpha[FOG_DELAY_ALPHA_LEN], proof[80], beta[64];

	vectors_bytes(json, "seed", seed, 32);
	vectors_bytes(json, "vrf_key", key, 32);
	fog_static_beacon(network, epoch, beacon);
	vectors_same(json, "beacon", beacon, 32);
	CU_ASSERT_EQUAL(fog_delay_alpha(network, epoch, beacon, alpha), sizeof(alpha));
	vectors_same(json, "alpha", alpha, sizeof(alpha));
	CU_ASSERT_EQUAL(fog_vrf_prove(seed, alpha, sizeof(alpha), proof), 0);
	vectors_same(json, "proof", proof, sizeof(proof));
	CU_ASSERT_EQUAL(fog_vrf_verify(key, alpha, sizeof(alpha), proof, beta), 0);
	vectors_same(json, "beta", beta, sizeof(beta));
	fog_delay_key_of_beta(beta, key);
	vectors_same(json, "delay_key", key, sizeof(key));
	owed_check(json, law, key);
}

static void test_vectors(void)
{
	json_t *json, *epoch;
	size_t i, k;

	CU_ASSERT_TRUE(json_array_size(networks) >= 3);
	json_array_foreach(networks, i, json)
	{
		struct fog_topology t = {
		        .geometry.slots = (uint16_t)vectors_number(json, "slots"),
		        .geometry.payload_len = (uint16_t)vectors_number(json, "payload_len"),
		        .epoch_s = vectors_number(json, "epoch_s"),
		        .delay_mean_us = vectors_number(json, "mean_us"),
		        .delay_max_us = vectors_number(json, "max_us"),
		        .delay_cap_ms = vectors_number(json, "cap_ms"),
		};
		struct fog_delay_law law;
		uint8_t network[32];

		memset(t.name, 'x', sizeof(t.name)); // what lies behind the name doesn't count
		strcpy(t.name, json_string_value(json_object_get(json, "name")));
		fog_network_hash(&t, network);
		vectors_same(json, "hash", network, sizeof(network));
		CU_ASSERT_EQUAL(
		        fog_delay_law_init(&law, t.delay_mean_us, t.delay_max_us, t.delay_cap_ms), 0
		);
		json_array_foreach(json_object_get(json, "epochs"), k, epoch)
		        epoch_check(epoch, &law, network);
	}
}

int main(int argc, char **argv)
{
	static const CU_TestInfo tests[] = {{"vectors", test_vectors}, CU_TEST_INFO_NULL};
	json_t *file = argc > 1 ? json_load_file(argv[1], 0, NULL) : NULL;

	networks = json_object_get(file, "networks");
	if (networks == NULL || sodium_init() < 0)
		return 1;
	int ret = check_run("vrf_delay", tests);
	json_decref(file);
	return ret;
}
