// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Landlock has no library in Debian 12, and its header there is that of ABI 3: later rights are
// written out here. The numbers are those of include/uapi/linux/landlock.h.
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox.h"

#define FILE_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define FILE_WRITE \
	(FILE_READ | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE | \
	 LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR | FS_TRUNCATE)
#define FS_ABI_1 ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)
#define FS_REFER (UINT64_C(1) << 13) // ABI 2
#define FS_TRUNCATE (UINT64_C(1) << 14) // ABI 3
#define FS_IOCTL_DEV (UINT64_C(1) << 15) // ABI 5
#define NET_BIND UINT64_C(1) // TCP, ABI 4
#define NET_CONNECT UINT64_C(2)
#define SCOPE_ALL UINT64_C(3) // abstract sockets, signals, ABI 6

struct ruleset {
	uint64_t fs, net, scoped;
};

static struct ruleset ruleset_of(long abi)
{
	return (struct ruleset){
	        .fs = FS_ABI_1 | (abi >= 2 ? FS_REFER : 0) | (abi >= 3 ? FS_TRUNCATE : 0) |
	                (abi >= 5 ? FS_IOCTL_DEV : 0),
	        .net = abi >= 4 ? NET_BIND | NET_CONNECT : 0,
	        .scoped = abi >= 6 ? SCOPE_ALL : 0,
	};
}

// How much of the structure the kernel of that ABI knows; more is E2BIG to it.
static size_t ruleset_size(long abi)
{
	return abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
}

static uint64_t may_access(enum fog_landlock_may may, bool folder)
{
	const uint64_t file = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE |
	        LANDLOCK_ACCESS_FS_EXECUTE | FS_TRUNCATE | FS_IOCTL_DEV;
	uint64_t access = 0;

	switch (may) {
	case FOG_LANDLOCK_READ:
		access = FILE_READ;
		break;
	case FOG_LANDLOCK_WRITE:
		access = FILE_WRITE;
		break;
	case FOG_LANDLOCK_REMOVE:
		access = LANDLOCK_ACCESS_FS_REMOVE_FILE;
		break;
	case FOG_LANDLOCK_CLEAR:
		access = LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
		        LANDLOCK_ACCESS_FS_REMOVE_DIR;
		break;
	case FOG_LANDLOCK_CONNECT:
		break;
	}
	return folder ? access : access & file; // others mean nothing to a file, and are refused
}

static int path_add(int ruleset, uint64_t handled, const struct fog_landlock_path *p)
{
	struct landlock_path_beneath_attr attr = {
	        .parent_fd = open(p->path, O_PATH | O_CLOEXEC),
	};
	struct stat st;
	int ret = 0;

	if (attr.parent_fd < 0) // what owner and mode forbid already needs no rule
		return errno == ENOENT || errno == EACCES ? 0 : -errno;
	if (fstat(attr.parent_fd, &st) < 0) {
		ret = -errno;
		goto out;
	}
	attr.allowed_access = may_access(p->may, S_ISDIR(st.st_mode)) & handled;
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &attr, 0) < 0)
		ret = -errno;
out:
	close(attr.parent_fd);
	return ret;
}

int fog_landlock_make(const struct fog_landlock_path *path, unsigned count, int *fd)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	int ret = 0;

	*fd = -1;
	if (abi < 0) // not built in, or not among the LSMs that were chosen at boot
		return errno == ENOSYS || errno == EOPNOTSUPP ? 0 : -errno;
	struct ruleset rules = ruleset_of(abi);
	for (unsigned i = 0; i < count; i++)
		if (path[i].may == FOG_LANDLOCK_CONNECT)
			rules.net &= ~NET_CONNECT;
	*fd = (int)syscall(SYS_landlock_create_ruleset, &rules, ruleset_size(abi), 0);
	if (*fd < 0)
		return -errno;
	for (unsigned i = 0; i < count && ret == 0; i++)
		if (path[i].may != FOG_LANDLOCK_CONNECT)
			ret = path_add(*fd, rules.fs, &path[i]);
	if (ret == 0)
		return (int)abi;
	close(*fd);
	*fd = -1;
	return ret;
}

int fog_landlock_enter(int fd)
{
	if (fd < 0)
		return 0;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		return -errno;
	return 0;
}
