// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#pragma once

// fogctl store backup, restore, migrate, move. Returns the exit code.
int ctl_store(int argc, char **argv);
