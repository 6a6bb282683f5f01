// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The sandbox (../../sandbox) of this folder's daemons, once their rights are gone. Call while there is one
// thread, after fog_privileges_drop and before anything reads what others send. A kernel without Landlock is
// told of and borne.
#pragma once

#include "../../sandbox/sandbox.h"
#include "../config/config.h"

// Confine this thread and all that it will make: system calls by the policy, files to these paths.
// Returns 0, or -errno, logged with its mend.
int fog_confine_to(const struct fog_landlock_path *, unsigned count, const struct fog_sandbox_policy *);
// The control plane: sandbox/control.def, and what its configuration names and the C library needs.
// 'config_path' is the file that PUT /v1/config replaces. Returns as above.
int fog_confine(const struct fog_config *, const char *config_path);
// The folder that a file is in, for 'path' with or without a slash: a rule for a file would hold for the one
// that is there now, and not for one that takes its place.
void fog_confine_folder(char folder[FOG_CONFIG_PATH_LEN], const char *path);
