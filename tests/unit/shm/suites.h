// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The suites of this program, one file each.
#pragma once

#include <CUnit/CUnit.h>

#include "mini.h"

extern CU_TestInfo client_tests[], memory_tests[], message_tests[], process_tests[], ring_tests[],
        session_tests[];
