// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Staged start and its exact reverse. Main thread only.
#pragma once

#include <stdbool.h>

struct fog_launch_options {
	const char *blob_path; // compiled configuration, root-only
	const char *run_dir; // for dp.sock
	const char *crypto; // implementation; NULL = the best one for this CPU
	bool accept_replays; // let replays through, for benches
};

// Start, serve, stop. Returns the exit code: 0 after a drain, 1 when the start failed (logged).
int fog_launch(const struct fog_launch_options *);
