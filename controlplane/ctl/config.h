// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fogctl config: check and compile configuration offline, without a running appliance.
#pragma once

// Exit status: 0 fine, 1 the file is refused or can't be written, 2 wrong usage.
int ctl_config(int argc, char **argv);
