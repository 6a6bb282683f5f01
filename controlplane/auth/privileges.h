// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Giving privileges away for good.
#pragma once

#include <sys/types.h>

// Become uid:gid (when 'change' is set; needs root then) with that user's groups, and keep no
// capability and no keyring but the user's, whoever we are. Sets no_new_privs and makes the process
// undumpable, so that secrets reach neither a core file nor a debugger of the same user.
// Call while there is one thread. Returns 0 or -errno, logged with its mend.
int fog_privileges_drop(int change, uid_t uid, gid_t gid);
