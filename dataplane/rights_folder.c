// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Everything is looked at and changed by descriptor: a user who owned the folder before may put links
// there at any moment.
#include "rights_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct folder {
	const char *dir;
	int fd;
	uid_t uid, from; // new owner; who it may have been: he himself, or who starts us
	gid_t gid;
	char *text;
	size_t text_len;
};

__attribute__((format(printf, 3, 4))) static int folder_fail(
        const struct folder *f, int err, const char *format, ...
)
{
	int n = snprintf(f->text, f->text_len, "replay.dir %s ", f->dir);
	va_list args;

	va_start(args, format);
	if (n >= 0 && (size_t)n < f->text_len)
		vsnprintf(f->text + n, f->text_len - (size_t)n, format, args);
	va_end(args);
	return err;
}

static bool folder_known(const struct folder *f, uid_t owner)
{
	return owner == f->uid || owner == f->from;
}

static int folder_open(struct folder *f)
{
	struct stat st;

	if (mkdir(f->dir, 0700) < 0 && errno != EEXIST)
		return folder_fail(
		        f, -errno, "cannot be made: %s: make the folder above it", strerror(errno)
		);
	f->fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (f->fd < 0 || fstat(f->fd, &st) < 0)
		return folder_fail(f, -errno, "is no folder: name one in /dev/shm");
	// A shared folder, such as /dev/shm itself, is not ours to take.
	if ((st.st_mode & 022) != 0)
		return folder_fail(
		        f, -EPERM,
		        "has mode %04o: others may write it: name a folder of its own, or chmod 700 it",
		        st.st_mode & 07777
		);
	if (!folder_known(f, st.st_uid))
		return folder_fail(
		        f, -EPERM,
		        "belongs to user %u: if its tables are to be trusted, run 'chown -R %u:%u %s'; "
		        "else get a new mix key (reboot) before you remove it",
		        st.st_uid, f->uid, f->gid, f->dir
		);
	return 0;
}

// A table of an earlier start. Nothing else has a business here: whoever names a folder with other
// things in it would lose them to the data plane's user.
static int folder_table(const struct folder *f, const char *name)
{
	struct stat st;
	int ret = 0, fd;

	if (strncmp(name, "replay-", 7) != 0)
		return folder_fail(
		        f, -ENOTEMPTY,
		        "holds %s, which is no replay table: name a folder of its own", name
		);
	fd = openat(f->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		ret = folder_fail(f, -errno, "holds %s: %s: remove it", name, strerror(errno));
	else if (!S_ISREG(st.st_mode) || st.st_nlink != 1 || (st.st_mode & 07777) != 0600 || !folder_known(f, st.st_uid))
		ret = folder_fail(
		        f, -EPERM,
		        "holds %s of user %u with mode %04o and %u names: not a table that we made; get "
		        "a new mix key (reboot) before you remove it, or replays pass",
		        name, st.st_uid, st.st_mode & 07777, (unsigned)st.st_nlink
		);
	else if ((st.st_uid != f->uid || st.st_gid != f->gid) && fchown(fd, f->uid, f->gid) < 0)
		ret = folder_fail(
		        f, -errno, "holds %s: cannot give it to user %u: %s: start as root", name,
		        f->uid, strerror(errno)
		);
	if (fd >= 0)
		close(fd);
	return ret;
}

static int folder_tables(const struct folder *f)
{
	int ret = 0, fd = dup(f->fd);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (d == NULL) {
		ret = folder_fail(f, -errno, "cannot be read: %s", strerror(errno));
		if (fd >= 0)
			close(fd);
		return ret;
	}
	while (ret == 0 && (e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			ret = folder_table(f, e->d_name);
	closedir(d);
	return ret;
}

int fog_rights_folder(const char *dir, uint32_t uid, uint32_t gid, char *text, size_t text_len)
{
	struct folder f = {
	        .dir = dir,
	        .fd = -1,
	        .uid = uid,
	        .gid = gid,
	        .from = geteuid(),
	        .text = text,
	        .text_len = text_len,
	};
	int ret = folder_open(&f);

	// The folder first: from then on nobody but the two can put anything there.
	if (ret == 0 && (fchown(f.fd, uid, gid) < 0 || fchmod(f.fd, 0700) < 0))
		ret = folder_fail(
		        &f, -errno, "cannot be given to user %u: %s: start as root", uid,
		        strerror(errno)
		);
	if (ret == 0)
		ret = folder_tables(&f);
	if (f.fd >= 0)
		close(f.fd);
	return ret;
}
