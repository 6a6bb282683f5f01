// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The suites of this program, one file each.
#pragma once

#include <CUnit/CUnit.h>

#include "mini.h"

extern CU_TestInfo ring_tests[], session_tests[], hostile_tests[], process_tests[];
