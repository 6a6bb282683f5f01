// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Sockets on which the API listens. Opened before the privileges are dropped.
#pragma once

#include <sys/types.h>

// Listen on a UNIX socket (mode 0660, owned by uid:gid), whose folder is made if it is missing and
// then owned by uid:gid too. A dead socket file is replaced, a living one refused.
// Returns the descriptor or -errno (-EADDRINUSE: somebody answers there), logged with its mend.
int fog_listen_unix(const char *path, uid_t uid, gid_t gid);

// Listen on "address:port", a literal IPv4 address or an IPv6 one in brackets.
// Returns the descriptor or -errno, logged with its mend.
int fog_listen_tcp(const char *where);
