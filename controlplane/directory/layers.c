// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "layers.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

struct layer_rank {
	uint8_t hash[32];
	struct fog_layer_mix *mix;
};

static const uint8_t layer_label[] = {"fogline layer v1"}; // without its NUL

static void rank_hash(struct layer_rank *r, const uint8_t beacon[32])
{
	crypto_hash_sha256_state state;

	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, layer_label, sizeof(layer_label) - 1);
	crypto_hash_sha256_update(&state, beacon, 32);
	crypto_hash_sha256_update(&state, r->mix->node_id, FOG_ID_LEN);
	crypto_hash_sha256_final(&state, r->hash);
}

static int rank_compare(const void *a, const void *b)
{
	const struct layer_rank *x = a, *y = b;

	return memcmp(x->hash, y->hash, sizeof(x->hash));
}

// Places of a layer, counted from 1: the larger ones first.
static unsigned layer_size(unsigned count, unsigned layers, unsigned layer)
{
	return count / layers + (layer <= count % layers);
}

static void deal_wishes(
        const struct layer_rank *rank, unsigned count, unsigned layers, unsigned *taken
)
{
	for (unsigned i = 0; i < count; i++) {
		unsigned wish = rank[i].mix->wish;
		if (wish == 0 || wish > layers ||
		    2 * taken[wish] >= layer_size(count, layers, wish))
			continue;
		rank[i].mix->layer = (uint8_t)wish;
		taken[wish]++;
	}
}

static void deal_rest(
        const struct layer_rank *rank, unsigned count, unsigned layers, unsigned *taken
)
{
	unsigned turn = 0; // the layer before the next one, counted from 1

	for (unsigned i = 0; i < count; i++) {
		if (rank[i].mix->layer != 0)
			continue;
		do
			turn = turn % layers + 1;
		while (taken[turn] == layer_size(count, layers, turn));
		rank[i].mix->layer = (uint8_t)turn;
		taken[turn]++;
	}
}

int fog_layers_assign(
        struct fog_layer_mix *mix, unsigned count, unsigned layers, const uint8_t beacon[32]
)
{
	struct layer_rank *rank = calloc(count + 1, sizeof(*rank));
	unsigned *taken = calloc(layers + 1, sizeof(*taken));

	if (rank == NULL || taken == NULL) {
		free(rank);
		free(taken);
		return -ENOMEM;
	}
	for (unsigned i = 0; i < count; i++) {
		mix[i].layer = 0;
		rank[i].mix = &mix[i];
		rank_hash(&rank[i], beacon);
	}
	qsort(rank, count, sizeof(*rank), rank_compare);
	deal_wishes(rank, count, layers, taken);
	deal_rest(rank, count, layers, taken);
	free(rank);
	free(taken);
	return 0;
}
