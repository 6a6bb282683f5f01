// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Frames that the traffic generator's sink takes apart: what it calls a packet lies inside.
#include <stdlib.h>
#include <string.h>

#include "../../bench/trafficgen/arrival.h"

enum { PACKET = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	// The exact size on the heap, so that a byte too far is found.
	uint8_t *frame = malloc(size > 0 ? size : 1);
	uint32_t at = UINT32_MAX;

	if (size > 0)
		memcpy(frame, data, size);
	if (arrival_find(frame, (uint32_t)size, 9001, PACKET, &at) == ARRIVAL_PACKET &&
	    (at < 42 || at + PACKET > size))
		abort();
	free(frame);
	return 0;
}
