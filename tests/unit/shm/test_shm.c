// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Everything between the two processes.
#include <sodium.h>
#include <stdlib.h>

#include "../run.h"
#include "suites.h"

int main(void)
{
	CU_SuiteInfo suites[] = {
	        {.pName = "rings", .pTests = ring_tests},
	        {.pName = "hostile messages", .pTests = message_tests},
	        {.pName = "hostile memory", .pTests = memory_tests},
	        {.pName = "client", .pTests = client_tests},
	        {.pName = "session and client", .pTests = session_tests},
	        CU_SUITE_INFO_NULL,
	};

	if (sodium_init() < 0 || CU_initialize_registry() != CUE_SUCCESS)
		return EXIT_FAILURE;
	if (CU_register_suites(suites) != CUE_SUCCESS)
		return EXIT_FAILURE;
	return check_run_registered();
}
