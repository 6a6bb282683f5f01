// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Who is at the other end of a UNIX socket.
#pragma once

#include <sys/types.h>

// Whether the process that connected 'fd' may operate this node: root, our own user, or a member
// of our own group (supplementary groups count). 'uid' receives its user.
// Returns 0, -EACCES, or -errno when the kernel doesn't say.
int fog_peer_check(int fd, uid_t *uid);
