// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What a run has found, for people or as JSON.
#pragma once

#include "options.h"
#include "sink.h"

// Print it. Returns the exit code: 0, or 3 when a packet was not sent, lost, doubled, changed or
// early.
int report_run(const struct options *, const struct route *, const struct pool *, const struct io *, const struct sink *);
