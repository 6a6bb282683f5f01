// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the daemons of this folder begin with: command line, signals, timers, whom they become. Main thread,
// before there is another one.
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct fog_daemon_option {
	const char *name; // without the dashes
	const char **value; // it takes one; or NULL and
	bool *flag; // it is there or not
};

struct fog_daemon {
	const char *name; // of the program
	const char *usage; // all of --help
	const struct fog_daemon_option *option; // of its own, up to one without a name
};

// Read the command line; --log-format, --version and --help are everybody's. Returns -1 to go on, else what
// main returns.
int fog_daemon_parse(const struct fog_daemon *, int argc, char **argv);
// What main returns when the command line lacks something.
int fog_daemon_usage(const struct fog_daemon *);

// SIGTERM, SIGINT and SIGHUP come by a descriptor from now on, and SIGPIPE not at all. Returns it, to be closed,
// or -errno.
int fog_daemon_signals(void);
// The next one that has come, 0: none.
int fog_daemon_signal(int fd);
// A descriptor that becomes readable every 'ms', to be closed, or -errno.
int fog_daemon_timer(long ms);
// As much locked memory as we may have: secrets are small, but so is the default limit in some containers.
void fog_daemon_memlock(void);

// Whom fog_privileges_drop makes of us: uid:gid when somebody is named and root starts us, else who we are.
struct fog_daemon_user {
	bool change;
	uid_t uid;
	gid_t gid;
};

struct fog_daemon_user fog_daemon_user(bool named, uid_t uid, gid_t gid);
