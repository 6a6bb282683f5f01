// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// How every CUnit program here ends: all registered tests run, CUnit's own summary is the last thing
// printed, and the exit code is 0 only when tests ran and every assertion held.
#pragma once

#include <CUnit/Basic.h>

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
	if (CU_initialize_registry() != CUE_SUCCESS)
		return 1;
	if (CU_register_suites((CU_SuiteInfo *)suites) != CUE_SUCCESS)
		return 1;
	return check_run_registered();
}

static inline int check_run(const char *suite, const CU_TestInfo *tests)
{
	const CU_SuiteInfo suites[] = {
	        {.pName = suite, .pTests = (CU_TestInfo *)tests}, CU_SUITE_INFO_NULL};
	return check_run_suites(suites);
}
