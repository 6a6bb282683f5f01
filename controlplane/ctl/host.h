// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fogctl host: is this host ready for the data plane, make it so, put it back. Offline.
#pragma once

// Exit status: 0 ok or warnings, done; 1 something fails; 2 wrong usage.
int ctl_host(int argc, char **argv);
