// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "wiped.h"

#include <jansson.h>
#include <malloc.h>
#include <sodium.h>
#include <stdlib.h>

void fog_wiped_free(void *memory)
{
	if (memory != NULL)
		sodium_memzero(memory, malloc_usable_size(memory));
	free(memory);
}

void fog_wiped_json(void)
{
	json_set_alloc_funcs(malloc, fog_wiped_free);
}
