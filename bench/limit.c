// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "limit.h"

#include <stddef.h>
#include <string.h>

const struct limit *limit_of(const char *isa)
{
	if (strcmp(isa, "avx2") == 0)
		return &limit_avx2;
	if (strcmp(isa, "avx512") == 0)
		return &limit_avx512;
	return NULL;
}
