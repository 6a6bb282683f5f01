// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "privileges.h"
#include "../../log/log.h"

#include <cap-ng.h>
#include <errno.h>
#include <keyutils.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

// A number without a name in the user database has no groups but its own.
static int privileges_change(uid_t uid, gid_t gid)
{
	capng_flags_t groups = getpwuid(uid) != NULL ? CAPNG_INIT_SUPP_GRP : CAPNG_DROP_SUPP_GRP;

	return capng_change_id((int)uid, (int)gid, groups | CAPNG_CLEAR_BOUNDING);
}

// The session keyring that we were started with may be root's: give it up for one of our own that
// leads to the keys of the user whom we have become. Without keyrings there is nothing to do; who
// needs a key will say so.
static void privileges_keyring(void)
{
	if (keyctl_join_session_keyring(NULL) >= 0)
		keyctl_link(KEY_SPEC_USER_KEYRING, KEY_SPEC_SESSION_KEYRING);
}

static bool privileges_none(void)
{
	capng_get_caps_process();
	bool none = capng_have_capabilities(CAPNG_SELECT_CAPS) == CAPNG_NONE;
	capng_clear(CAPNG_SELECT_BOTH);
	return none;
}

int fog_privileges_drop(int change, uid_t uid, gid_t gid)
{
	int r;

	capng_clear(CAPNG_SELECT_BOTH);
	if (change && (geteuid() != uid || getegid() != gid)) {
		r = geteuid() == 0 ? privileges_change(uid, gid) : -EPERM;
		if (r < 0) {
			LOG_ERR("cannot become user %u (%d): start as root, or set user to the one "
			        "that starts it",
			        uid, r);
			return -EPERM;
		}
	} else {
		// An ordinary user has none, unless file capabilities gave him some. Then nothing is asked
		// for that a service manager's filter of system calls may forbid.
		r = geteuid() == 0          ? capng_apply(CAPNG_SELECT_BOTH)
		        : privileges_none() ? 0
		                            : capng_apply(CAPNG_SELECT_CAPS);
		if (r < 0) {
			LOG_ERR("cannot drop the capabilities (%d): start it as root, or as a "
			        "user without any",
			        r);
			return -EPERM;
		}
	}
	privileges_keyring();
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) {
		r = -errno;
		LOG_ERR("cannot give up privileges: %s: use a kernel from 3.5 on, outside of a "
		        "sandbox that forbids prctl",
		        strerror(-r));
		return r;
	}
	return 0;
}
