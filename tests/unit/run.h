// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// How every CUnit program here ends: all registered tests run, CUnit's own summary is the last thing
// printed, and the exit code is 0 only when tests ran and every assertion held.
//
// Two environment variables are for emulated CPUs (tests/vm), which are some hundred times slower:
// FOGLINE_SUITE names the one suite to run, and FOGLINE_FEW asks for fewer random cases. Neither may
// leave out a lane or a special case.
#pragma once

#include <CUnit/Basic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static inline bool check_few(void)
{
	return getenv("FOGLINE_FEW") != NULL;
}

static inline int check_run_registered(void)
{
	CU_basic_set_mode(CU_BRM_VERBOSE);
	unsigned failed = CU_basic_run_tests() != CUE_SUCCESS;
	failed += CU_get_number_of_failures() + CU_get_number_of_tests_failed();
	unsigned run = CU_get_number_of_tests_run();
	CU_cleanup_registry();
	return failed > 0 || run == 0;
}

static inline int check_run_suites(const CU_SuiteInfo *suites)
{
	const char *only = getenv("FOGLINE_SUITE");

	if (CU_initialize_registry() != CUE_SUCCESS)
		return 1;
	for (; suites->pName != NULL; suites++) {
		CU_SuiteInfo one[] = {*suites, CU_SUITE_INFO_NULL};

		if (only != NULL && strcmp(only, suites->pName) != 0)
			continue;
		if (CU_register_suites(one) != CUE_SUCCESS)
			return 1;
	}
	return check_run_registered();
}

static inline int check_run(const char *suite, const CU_TestInfo *tests)
{
	const CU_SuiteInfo suites[] = {
	        {.pName = suite, .pTests = (CU_TestInfo *)tests}, CU_SUITE_INFO_NULL};
	return check_run_suites(suites);
}
