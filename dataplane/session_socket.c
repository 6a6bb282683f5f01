// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The socket file of dp.sock.
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "log.h"
#include "session_internal.h"

union address {
	struct sockaddr any;
	struct sockaddr_un un;
};

// Remove what an earlier data plane left behind, and nothing else.
static int socket_clear(const union address *addr)
{
	struct stat st;
	int ret, fd;

	if (lstat(addr->un.sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	ret = connect(fd, &addr->any, sizeof(addr->un));
	int err = ret < 0 ? errno : 0;
	close(fd);
	// A full backlog (EAGAIN) has somebody behind it as well.
	if (ret == 0 || err == EAGAIN)
		return -EADDRINUSE;
	return unlink(addr->un.sun_path) < 0 ? -errno : 0;
}

static const char *socket_mend(int err)
{
	switch (err) {
	case -EADDRINUSE:
		return "another data plane answers there: stop it or use another run-time folder";
	case -EEXIST:
		return "something that is no socket is in the way: remove it";
	case -ENAMETOOLONG:
		return "the path has more than 107 bytes: use a shorter run-time folder";
	case -ENOENT:
		return "create its folder first";
	default:
		return strerror(-err);
	}
}

int session_listen(const struct fog_session_params *p)
{
	union address addr = {.un = {.sun_family = AF_UNIX}};
	int ret, fd = -1;

	ret = -ENAMETOOLONG;
	if (strlen(p->socket_path) >= sizeof(addr.un.sun_path))
		goto err;
	memcpy(addr.un.sun_path, p->socket_path, strlen(p->socket_path) + 1);
	if ((ret = socket_clear(&addr)) < 0)
		goto err;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		goto err_errno;
	// The folder is the control plane's: it may put a link in the place of what we have just made,
	// so the mode comes from the umask and the group by lchown.
	mode_t mask = umask(0117);
	ret = bind(fd, &addr.any, sizeof(addr.un)) < 0 ? -errno : 0;
	umask(mask);
	if (ret < 0)
		goto err;
	if (lchown(addr.un.sun_path, (uid_t)-1, p->group_gid) < 0 ||
	    listen(fd, SESSION_CONNS) < 0) {
		ret = -errno;
		unlink(addr.un.sun_path);
		goto err;
	}
	return fd;
err_errno:
	ret = -errno;
err:
	LOG_ERR("cannot listen on %s: %s", p->socket_path, socket_mend(ret));
	if (fd >= 0)
		close(fd);
	return ret;
}
