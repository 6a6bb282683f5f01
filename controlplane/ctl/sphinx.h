// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// `fogctl sphinx`: packets made, opened and verified offline, JSON in and out. Needs no node.
#pragma once

// argv[0] is "sphinx". Reads a file or standard input, writes one JSON object (verify: lines) to
// standard output and errors to standard error.
// Returns the exit code: 0, 1 (refused, failed or nothing verified), 2 (usage).
int ctl_sphinx(int argc, char **argv);
