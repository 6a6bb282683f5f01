// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Layers by beacon: balanced, not to be chosen, wishes bounded.
#include "../../../controlplane/directory/layers.h"
#include "../run.h"
#include "parts.h"

enum { MIXES = 200, LAYERS = 3 };

static struct fog_layer_mix mix[MIXES];

static void mixes(unsigned count)
{
	memset(mix, 0, sizeof(mix));
	for (unsigned i = 0; i < count; i++)
		randombytes_buf(mix[i].node_id, FOG_ID_LEN);
}

static void sizes(unsigned count, unsigned layers, unsigned *size)
{
	memset(size, 0, (layers + 1) * sizeof(*size));
	for (unsigned i = 0; i < count; i++) {
		CU_ASSERT_FATAL(mix[i].layer >= 1 && mix[i].layer <= layers);
		size[mix[i].layer]++;
	}
}

static void test_balanced(void)
{
	uint8_t beacon[32];
	unsigned size[9];

	for (unsigned count = 0; count <= 40; count++) {
		for (unsigned layers = 1; layers <= 8; layers++) {
			mixes(count);
			randombytes_buf(beacon, sizeof(beacon));
			// Wishes, also for layers that there aren't, don't unbalance them.
			for (unsigned i = 0; i < count; i++)
				mix[i].wish = (uint8_t)randombytes_uniform(12);
			CU_ASSERT_EQUAL(fog_layers_assign(mix, count, layers, beacon), 0);
			sizes(count, layers, size);
			for (unsigned l = 1; l <= layers; l++)
				CU_ASSERT_EQUAL(size[l], count / layers + (l <= count % layers));
		}
	}
}

// All want layer 1: half of it goes by wish, so nobody can fill it.
static void test_wishes(void)
{
	uint8_t beacon[32] = {3};
	unsigned size[LAYERS + 1], granted = 0;

	mixes(MIXES);
	for (unsigned i = 0; i < MIXES; i++)
		mix[i].wish = i < MIXES / 2 ? 2 : 0;
	CU_ASSERT_EQUAL(fog_layers_assign(mix, MIXES, LAYERS, beacon), 0);
	sizes(MIXES, LAYERS, size);
	for (unsigned i = 0; i < MIXES / 2; i++)
		granted += mix[i].layer == 2;
	// 67 places, 34 by wish; a third of the other wishers comes there by turn at most.
	CU_ASSERT_TRUE(granted >= 34);
	CU_ASSERT_TRUE(granted <= 34 + 33);
	unsigned strangers = size[2] - granted;
	CU_ASSERT_TRUE(strangers > 0);
}

// One who wishes alone gets it.
static void test_one_wish(void)
{
	for (uint8_t b = 0; b < 50; b++) {
		uint8_t beacon[32] = {b};
		mixes(30);
		mix[7].wish = (uint8_t)(b % 3 + 1);
		CU_ASSERT_EQUAL(fog_layers_assign(mix, 30, LAYERS, beacon), 0);
		CU_ASSERT_EQUAL(mix[7].layer, b % 3 + 1);
	}
}

static void test_order(void)
{
	uint8_t beacon[32] = {5}, first[MIXES];
	struct fog_layer_mix kept;

	mixes(MIXES);
	CU_ASSERT_EQUAL(fog_layers_assign(mix, MIXES, LAYERS, beacon), 0);
	for (unsigned i = 0; i < MIXES; i++)
		first[i] = mix[i].layer;
	for (unsigned i = 0; i < MIXES / 2; i++) {
		kept = mix[i];
		mix[i] = mix[MIXES - 1 - i];
		mix[MIXES - 1 - i] = kept;
	}
	CU_ASSERT_EQUAL(fog_layers_assign(mix, MIXES, LAYERS, beacon), 0);
	for (unsigned i = 0; i < MIXES; i++)
		CU_ASSERT_EQUAL(mix[i].layer, first[MIXES - 1 - i]);
}

// Where a node is changes with the beacon: over 900 beacons each of 3 layers about 300 times. Bounds of 6
// standard deviations (14.1), so that it fails by chance once in 10^8 runs.
static void test_beacon(void)
{
	unsigned count[LAYERS + 1] = {0};

	mixes(30);
	for (unsigned i = 0; i < 900; i++) {
		uint8_t beacon[32];
		randombytes_buf(beacon, sizeof(beacon));
		CU_ASSERT_EQUAL(fog_layers_assign(mix, 30, LAYERS, beacon), 0);
		count[mix[0].layer]++;
	}
	for (unsigned l = 1; l <= LAYERS; l++)
		CU_ASSERT_TRUE(count[l] > 300 - 85 && count[l] < 300 + 85);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"balanced", test_balanced},       {"wishes fill half of a layer", test_wishes},
	        {"one wish", test_one_wish},       {"the order of mixes says nothing", test_order},
	        {"the beacon deals", test_beacon}, CU_TEST_INFO_NULL,
	};

	return sodium_init() < 0 ? 1 : check_run("layers", tests);
}
