// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "listen.h"
#include "../../log/log.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 64 };

static int listen_folder(const char *path, uid_t uid, gid_t gid)
{
	char folder[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	const char *slash = strrchr(path, '/');

	if (slash == NULL || slash == path)
		return 0;
	snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
	for (char *at = folder + 1; (at = strchr(at, '/')) != NULL; at++) {
		*at = '\0';
		if (mkdir(folder, 0755) < 0 && errno != EEXIST)
			return -errno;
		*at = '/';
	}
	if (mkdir(folder, 0755) < 0)
		return errno == EEXIST ? 0 : -errno;
	if ((uid != geteuid() || gid != getegid()) && chown(folder, uid, gid) < 0)
		return -errno;
	return 0;
}

// Only the dead leave a socket that nobody answers on.
static int listen_clear(const struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), r;

	if (fd < 0)
		return -errno;
	r = connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0 || errno == EAGAIN
	        ? -EADDRINUSE
	        : 0;
	if (r == 0 && errno == ECONNREFUSED && unlink(addr->sun_path) < 0)
		r = -errno;
	close(fd);
	return r;
}

int fog_listen_unix(const char *path, uid_t uid, gid_t gid)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	const void *generic = &addr;
	int fd = -1, r = listen_folder(path, uid, gid);

	if (strlen(path) >= sizeof(addr.sun_path))
		r = -ENAMETOOLONG;
	if (r < 0)
		goto err;
	strcpy(addr.sun_path, path);
	r = listen_clear(&addr);
	if (r < 0)
		goto err;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		r = -errno;
		goto err;
	}
	// Never open to others, not even between bind and chmod.
	mode_t mask = umask(0117);
	r = bind(fd, generic, sizeof(addr)) < 0 ? -errno : 0;
	umask(mask);
	if (r == 0 && (uid != geteuid() || gid != getegid()) && lchown(path, uid, gid) < 0)
		r = -errno;
	if (r == 0 && listen(fd, BACKLOG) < 0)
		r = -errno;
	if (r < 0)
		goto err;
	return fd;
err:
	LOG_ERR("REST socket %s: %s%s", path, strerror(-r),
	        r == -EADDRINUSE ? ": another control plane answers there, stop it first" : "");
	if (fd >= 0)
		close(fd);
	return r;
}

int fog_listen_tcp(const char *where)
{
	struct addrinfo hints = {
	        .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
	        .ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *info = NULL;
	char host[64] = "", *port;
	int fd = -1, r = -EINVAL, one = 1;

	snprintf(host, sizeof(host), "%s", where + (where[0] == '['));
	port = strrchr(host, ':');
	if (port == NULL)
		goto err;
	*port++ = '\0';
	host[strcspn(host, "]")] = '\0';
	if (getaddrinfo(host, port, &hints, &info) != 0)
		goto err;
	fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(fd, info->ai_addr, info->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0) {
		r = -errno;
		goto err;
	}
	freeaddrinfo(info);
	return fd;
err:
	LOG_ERR("TCP address %s: %s: change rest.tcp, directory.listen or --listen, wherever it stands, or stop who uses it",
	        where, strerror(-r));
	if (info != NULL)
		freeaddrinfo(info);
	if (fd >= 0)
		close(fd);
	return r;
}
