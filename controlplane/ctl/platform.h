// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The platform's store of an instance, for commands that work on it without a control plane.
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct fog_config;
struct fog_db;

// Where it lies: named, or as a configuration says. All may be NULL.
struct ctl_platform_where {
	const char *store; // a path or postgresql://..
	const char *config; // a file
	const char *instance; // of /etc/fogline/INSTANCE.yaml; default: the only one there
	bool make; // make it, and bring it up to date. Root becomes the control plane's user for good, to whom it belongs
	bool as_it_is; // with 'make': don't bring it up to date
	bool alone; // with 'make': refuse when the instance's control plane runs, and keep it from starting until the close
};

struct ctl_platform {
	struct fog_db *db;
	struct fog_config *config; // NULL when 'store' was named without a configuration
	int lock; // of the state folder, open when 'locked'
	bool locked;
};

// The configuration that is meant: 'file', or /etc/fogline/INSTANCE.yaml, or the only one there; empty when there is none.
// Returns 0, -EINVAL (both are given), -E2BIG (there are several).
int ctl_config_path(const char *file, const char *instance, char *path, size_t len);

// Open what is there; without 'make' nothing is made. Returns CTL_OK, or the exit code after having said why.
int ctl_platform_open(struct ctl_platform *, const struct ctl_platform_where *);
void ctl_platform_close(struct ctl_platform *);
