// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "pipe.h"

#include <CUnit/Basic.h>
#include <stdio.h>

#include "rig.h"

void pipe_print_hex(const char *what, const uint8_t *bytes, unsigned len)
{
	printf("%s ", what);
	for (unsigned i = 0; i < len; i++)
		printf("%02x", bytes[i]);
	printf("\n");
}

unsigned pipe_read_hex(const char *text, uint8_t *out, unsigned max)
{
	unsigned n = 0, byte;

	while (n < max && sscanf(text + 2 * n, "%2x", &byte) == 1)
		out[n++] = (uint8_t)byte;
	return n;
}

// CUnit's assertions, which the rig makes, want a test around them.
int pipe_run(const char *name, void (*serve)(void))
{
	CU_TestInfo tests[] = {{"serve", serve}, CU_TEST_INFO_NULL};
	CU_SuiteInfo suites[] = {{.pName = name, .pTests = tests}, CU_SUITE_INFO_NULL};

	if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS ||
	    rig_global_init(name) < 0)
		return 2;
	CU_basic_set_mode(CU_BRM_SILENT);
	CU_basic_run_tests();
	unsigned failed = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failed > 0;
}
