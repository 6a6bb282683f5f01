// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The same tests for each table of functions that this CPU has, as a suite of its name.
#pragma once

#include <stdio.h>

#include "../../../dataplane/crypto/ops.h"
#include "../run.h"

enum { TABLES = 3 };

static const struct fog_crypto_ops *ops; // what the running suite works on

static int tables_ref(void)
{
	ops = fog_crypto_ops_get("ref");
	return ops == NULL;
}

static int tables_avx2(void)
{
	ops = fog_crypto_ops_get("avx2");
	return ops == NULL;
}

static int tables_avx512(void)
{
	ops = fog_crypto_ops_get("avx512");
	return ops == NULL;
}

// Writes TABLES suites at most.
static void tables_suites(const CU_TestInfo *tests, CU_SuiteInfo *suites)
{
	static const CU_SuiteInfo table[TABLES] = {
	        {.pName = "ref", .pInitFunc = tables_ref},
	        {.pName = "avx2", .pInitFunc = tables_avx2},
	        {.pName = "avx512", .pInitFunc = tables_avx512},
	};

	for (unsigned i = 0; i < TABLES; i++) {
		if (table[i].pInitFunc() != 0) {
			printf("%s: not on this CPU, left out\n", table[i].pName);
			continue;
		}
		*suites = table[i];
		suites++->pTests = (CU_TestInfo *)tests;
	}
}
