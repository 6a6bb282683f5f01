// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Paths: rules, ends, who is left out, what a choice costs. The law of the draw: path_check.py.
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../controlplane/mixnet/path_private.h"
#include "../run.h"

static struct fog_topology *net;

// Two ends and 'mixes' in three layers, all unrelated.
static void network(unsigned mixes)
{
	net = calloc(1, sizeof(*net));
	CU_ASSERT_PTR_NOT_NULL_FATAL(net);
	net->node_count = 2 + mixes;
	net->node = calloc(net->node_count, sizeof(net->node[0]));
	CU_ASSERT_PTR_NOT_NULL_FATAL(net->node);
	net->geometry.slots = 5;
	net->layers = 3;
	for (unsigned i = 0; i < net->node_count; i++) {
		struct fog_topology_node *n = &net->node[i];
		crypto_generichash(n->id, sizeof(n->id), (const uint8_t *)&i, sizeof(i), NULL, 0);
		n->role = i == 0 ? FOG_ROLE_GATEWAY : i == 1 ? FOG_ROLE_SERVICE : FOG_ROLE_MIX;
		n->layer = i < 2 ? 0 : (uint8_t)(1 + (i - 2) % 3);
	}
}

static void end(void)
{
	free(net->node);
	free(net);
	net = NULL;
}

static int choose(struct fog_path_memory *m, const struct fog_topology_node **path)
{
	const struct fog_path_wish wish = {
	        .from = &net->node[0], .to = &net->node[1], .with_from = true, .max = 5};

	return fog_path_choose(net, &wish, m, path);
}

static bool related(const struct fog_topology_node *a, const struct fog_topology_node *b)
{
	return (a->operator[0] != '\0' && strcmp(a->operator, b->operator) == 0) ||
	        (a->family[0] != '\0' && strcmp(a->family, b->family) == 0) ||
	        (a->as_number != 0 && a->as_number == b->as_number);
}

// 200 nodes as such networks have them: a few operators with many nodes and a long tail, popular hosters, some
// families of operators, a third of the nodes silent.
static void test_rules(void)
{
	const struct fog_topology_node *path[5];
	struct fog_path_memory *memory;
	unsigned pairs = 0, broken = 0, used = 0;
	bool seen[200] = {false};

	network(198);
	for (unsigned i = 0; i < net->node_count; i++) {
		struct fog_topology_node *n = &net->node[i];
		unsigned who =
		        randombytes_uniform(1 + randombytes_uniform(1 + randombytes_uniform(60)));
		n->bandwidth = (uint8_t)randombytes_uniform(6);
		n->as_number = randombytes_uniform(3) == 0
		        ? 0
		        : 1 + randombytes_uniform(1 + randombytes_uniform(25));
		if (randombytes_uniform(3) == 0)
			continue;
		snprintf(n->operator, sizeof(n->operator), "operator %u", who);
		if (who % 4 == 0)
			snprintf(n->family, sizeof(n->family), "family %u", who % 3);
	}
	for (unsigned i = 0; i < net->node_count; i++)
		for (unsigned k = 0; k < i; k++)
			pairs += related(&net->node[i], &net->node[k]);
	CU_ASSERT_TRUE(pairs > 1000);
	// The ends are given: what they have in common is no reason to refuse.
	strcpy(net->node[0].operator, "operator 0");
	strcpy(net->node[1].operator, "operator 0");
	CU_ASSERT_EQUAL_FATAL(fog_path_memory_create(&memory), 0);
	for (unsigned i = 0; i < 100000; i++) {
		CU_ASSERT_EQUAL_FATAL(choose(memory, path), 5);
		for (unsigned a = 0; a < 5; a++) {
			broken += path[a]->layer != a % 4;
			for (unsigned b = 0; b < a; b++)
				broken += (a != 4 || b != 0) && related(path[a], path[b]);
			seen[path[a] - net->node] = true;
		}
	}
	CU_ASSERT_EQUAL(broken, 0);
	for (unsigned i = 0; i < 200; i++)
		used += seen[i];
	CU_ASSERT_TRUE(used > 50);
	fog_path_memory_destroy(memory);
	end();
}

static bool not_banned(void *ctx, const struct fog_topology_node *n)
{
	return n != ctx;
}

static void test_left_out(void)
{
	const struct fog_topology_node *path[FOG_SPHINX_SLOTS_MAX];

	network(9);
	net->node[2].off_path = true; // layer 1
	struct fog_path_wish wish = {
	        .from = &net->node[6], // a mix of layer 2
	        .to = &net->node[1],
	        .usable = not_banned,
	        .ctx = &net->node[4], // layer 3
	        .max = 5,
	};
	for (unsigned i = 0; i < 1000; i++) {
		CU_ASSERT_EQUAL_FATAL(fog_path_choose(net, &wish, NULL, path), 4);
		CU_ASSERT_PTR_NOT_EQUAL(path[0], &net->node[2]);
		CU_ASSERT_PTR_NOT_EQUAL(path[1], &net->node[6]);
		CU_ASSERT_PTR_NOT_EQUAL(path[2], &net->node[4]);
		CU_ASSERT_PTR_EQUAL(path[3], &net->node[1]);
	}
	wish.from = NULL; // no node, so it is not the first hop
	wish.with_from = true;
	CU_ASSERT_EQUAL(fog_path_choose(net, &wish, NULL, path), 4);
	wish.from = wish.to = &net->node[0]; // there and back
	CU_ASSERT_EQUAL(fog_path_choose(net, &wish, NULL, path), 5);
	CU_ASSERT_PTR_EQUAL(path[4], path[0]);
	end();
}

static void test_refusals(void)
{
	const struct fog_topology_node *path[FOG_SPHINX_SLOTS_MAX];

	network(3);
	struct fog_path_wish wish = {
	        .from = &net->node[0], .to = &net->node[1], .with_from = true, .max = 5};
	CU_ASSERT_EQUAL(fog_path_choose(net, &wish, NULL, path), 5);
	wish.max = 4;
	CU_ASSERT_EQUAL(fog_path_choose(net, &wish, NULL, path), -E2BIG);
	wish.max = 5;
	net->geometry.slots = 4;
	CU_ASSERT_EQUAL(fog_path_choose(net, &wish, NULL, path), -E2BIG);
	net->geometry.slots = 5;
	net->node[2].as_number = net->node[4].as_number = 7;
	CU_ASSERT_EQUAL(fog_path_choose(net, &wish, NULL, path), -EXDEV);
	net->node[4].as_number = 8;
	strcpy(net->node[3].family, "f");
	strcpy(net->node[1].family, "f"); // of the last hop
	CU_ASSERT_EQUAL(fog_path_choose(net, &wish, NULL, path), -EXDEV);
	net->node[1].family[0] = '\0';
	CU_ASSERT_EQUAL(fog_path_choose(net, &wish, NULL, path), 5);
	net->node[3].layer = 1;
	CU_ASSERT_EQUAL(fog_path_choose(net, &wish, NULL, path), -ENOENT);
	end();
}

// What lacks because nodes are new will be there later, what lacks for good won't.
static void test_off_path(void)
{
	const struct fog_topology_node *path[FOG_SPHINX_SLOTS_MAX];

	network(3);
	struct fog_path_wish wish = {
	        .from = &net->node[0], .to = &net->node[1], .with_from = true, .max = 5};
	net->node[3].off_path = true;
	CU_ASSERT_EQUAL(fog_path_choose(net, &wish, NULL, path), -EHOSTDOWN);
	net->node[3].off_path = false;
	// Nor does the key of one that is refused stay unknown.
	wish.usable = not_banned;
	wish.ctx = &net->node[3];
	CU_ASSERT_EQUAL(fog_path_choose(net, &wish, NULL, path), -EHOSTDOWN);
	wish.usable = NULL;
	for (unsigned end = 0; end < 2; end++) {
		net->node[end].off_path = true;
		CU_ASSERT_EQUAL(fog_path_choose(net, &wish, NULL, path), -EHOSTDOWN);
		net->node[end].off_path = false;
	}
	end();
	// The one that obeys the rules is off the paths.
	network(6);
	wish.from = &net->node[0];
	wish.to = &net->node[1];
	net->node[2].as_number = net->node[5].as_number = net->node[3].as_number = 7;
	CU_ASSERT_EQUAL(fog_path_choose(net, &wish, NULL, path), 5);
	net->node[6].off_path = true;
	CU_ASSERT_EQUAL(fog_path_choose(net, &wish, NULL, path), -EHOSTDOWN);
	// Nothing that will be there helps.
	net->node[6].as_number = 7;
	CU_ASSERT_EQUAL(fog_path_choose(net, &wish, NULL, path), -EXDEV);
	end();
}

// Another number of layers, none included.
static void test_layers(void)
{
	const struct fog_topology_node *path[FOG_SPHINX_SLOTS_MAX];
	struct fog_path_memory *memory;

	CU_ASSERT_EQUAL_FATAL(fog_path_memory_create(&memory), 0);
	for (unsigned layers = 0; layers <= 18; layers++) {
		network(36);
		net->geometry.slots = 20;
		net->layers = layers;
		for (unsigned i = 2; i < net->node_count; i++)
			net->node[i].layer = (uint8_t)(1 + (i - 2) % 18);
		const struct fog_path_wish wish = {
		        .from = &net->node[0], .to = &net->node[1], .with_from = true, .max = 20};
		for (unsigned k = 0; k < 20; k++)
			CU_ASSERT_EQUAL_FATAL(
			        fog_path_choose(net, &wish, memory, path), (int)layers + 2
			);
		for (unsigned i = 1; i <= layers; i++)
			CU_ASSERT_EQUAL(path[i]->layer, i);
		end();
	}
	fog_path_memory_destroy(memory);
}

static uint64_t steps_of(int want)
{
	const struct fog_path_wish wish = {.from = &net->node[0], .to = &net->node[1], .max = 5};
	const struct fog_topology_node *path[5];
	uint64_t steps;

	CU_ASSERT_EQUAL(path_choose_counted(net, &wish, NULL, path, &steps), want);
	return steps;
}

// 1,024 nodes: the usual case, none at all, a few among 40 million, and none where that can't be seen.
static void test_cost(void)
{
	uint64_t most = 0;

	network(FOG_NODES_MAX - 2);
	for (unsigned i = 2; i < net->node_count; i++)
		snprintf(net->node[i].operator, 32, "operator %u", i % 100);
	for (unsigned i = 0; i < 1000; i++) {
		uint64_t steps = steps_of(4);
		most = steps > most ? steps : most;
	}
	CU_ASSERT_TRUE(most <= 3 * PATH_DRAWS);
	for (unsigned i = 2; i < net->node_count; i++)
		strcpy(net->node[i].operator, "one");
	most = steps_of(-EXDEV);
	CU_ASSERT_TRUE(most <= 3 * PATH_DRAWS + PATH_STEPS);
	strcpy(net->node[500].operator, "two"); // layers 1 and 2
	strcpy(net->node[600].operator, "three");
	CU_ASSERT_NOT_EQUAL(net->node[500].layer, net->node[600].layer);
	most = steps_of(4);
	CU_ASSERT_TRUE(most <= 3 * PATH_DRAWS + 2 * PATH_STEPS);
	// First and last layer are one operator's: more beginnings than are gone through, and no end.
	for (unsigned i = 2; i < net->node_count; i++) {
		net->node[i].operator[0] = net->node[i].family[0] = '\0';
		if (net->node[i].layer == 2)
			snprintf(net->node[i].operator, 32, "second %u", i);
		else
			strcpy(net->node[i].operator, "ends");
	}
	most = steps_of(-EXDEV);
	CU_ASSERT_TRUE(most <= 3 * (PATH_DRAWS + PATH_DRAWS_MORE) + PATH_STEPS);
	CU_ASSERT_TRUE(most > PATH_STEPS);
	end();
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"rules on 100,000 paths", test_rules},
	        {"who is left out", test_left_out},
	        {"refusals", test_refusals},
	        {"nodes off all paths", test_off_path},
	        {"numbers of layers", test_layers},
	        {"cost at 1,024 nodes", test_cost},
	        CU_TEST_INFO_NULL,
	};

	if (sodium_init() < 0)
		return 1;
	return check_run("path", tests);
}
