// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What lies between the two processes, in processes of their own. Needs root to change users.
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../run.h"
#include "suites.h"

int main(void)
{
	CU_SuiteInfo suites[] = {
	        {.pName = "processes", .pTests = process_tests},
	        CU_SUITE_INFO_NULL,
	};

	if (getuid() != 0) {
		puts("skipped: needs root, to run the two ends as different users");
		return 77;
	}
	if (sodium_init() < 0 || CU_initialize_registry() != CUE_SUCCESS)
		return EXIT_FAILURE;
	if (CU_register_suites(suites) != CUE_SUCCESS)
		return EXIT_FAILURE;
	return check_run_registered();
}
