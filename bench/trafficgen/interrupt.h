// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// SIGINT and SIGTERM end the program at the next good moment.
#pragma once

#include <stdbool.h>

void interrupt_watch(void); // from now on
bool interrupt_seen(void);
