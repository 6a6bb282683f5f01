// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fog-trafficgen run: sender and sink in one process, over any port driver.
#pragma once

#include "options.h"

// Returns the exit code.
int run_main(const struct options *);
