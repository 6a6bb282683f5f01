// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The command parser on slots of any length, compared with what an accepted route must say.
#include <stdlib.h>
#include <string.h>

#include "../../dataplane/sphinx/sphinx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fog_sphinx_route route;
	uint8_t *slot = malloc(size > 0 ? size : 1);
	size_t used;

	// The exact size on the heap, so that a byte too far is found.
	if (size > 0)
		memcpy(slot, data, size);
	if (fog_sphinx_parse(slot, size, &route) == FOG_DROP_NONE) {
		used = route.has_next_hop * 65u + route.has_recipient * 33u + route.has_surb * 17u +
		        route.has_delay * 5u;
		if (used > size || used == 0 || used == 5)
			abort();
		// All that no command accounts for is zero.
		for (size_t i = used; i < size; i++) {
			if (slot[i] != 0)
				abort();
		}
	}
	free(slot);
	return 0;
}
