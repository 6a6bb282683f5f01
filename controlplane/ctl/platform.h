// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The platform's store of an instance, for commands that work on it without a control plane.
#pragma once

struct fog_config;
struct fog_db;

// Where it lies: named, or as a configuration says. All may be NULL.
struct ctl_platform_where {
	const char *store; // a path or postgresql://..
	const char *config; // a file
	const char *instance; // of /etc/fogline/INSTANCE.yaml; default: the only one there
};

struct ctl_platform {
	struct fog_db *db;
	struct fog_config *config; // NULL when 'store' was named without a configuration
};

// Open what is there; nothing is made. Returns CTL_OK, or the exit code after having said why.
int ctl_platform_open(struct ctl_platform *, const struct ctl_platform_where *);
void ctl_platform_close(struct ctl_platform *);
