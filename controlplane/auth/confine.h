// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The control plane's sandbox (../../sandbox), once its rights are gone.
#pragma once

#include "../config/config.h"

// Confine this thread and all that it will make: system calls by sandbox/control.def, files to what
// the configuration names and what the C library needs. Call while there is one thread, after
// fog_privileges_drop and before anything reads what others send. 'config_path' is the file that PUT
// /v1/config replaces. A kernel without Landlock is told of and borne. Returns 0, or -errno, logged with
// its mend.
int fog_confine(const struct fog_config *, const char *config_path);
