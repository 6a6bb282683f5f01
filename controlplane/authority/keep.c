// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "keep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../directory/vote.h"

enum { NAME_MAX_LEN = 64 };

static const char *const prefix[] = {
        [FOG_STATEMENT_VOTE] = "said-vote-", [FOG_STATEMENT_CONSENSUS] = "said-consensus-"};

static void keep_name(char name[NAME_MAX_LEN], enum fog_statement_kind kind, uint64_t epoch)
{
	snprintf(name, NAME_MAX_LEN, "%s%" PRIu64, prefix[kind], epoch);
}

static int write_all(int fd, const uint8_t *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);
		if (n < 0 && errno != EINTR)
			return -errno;
		data += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

// Written beside and linked, so that a file of this name is whole, and is never replaced.
int keep_save(int dir, enum fog_statement_kind kind, uint64_t epoch, const void *data, size_t len)
{
	static const char fresh[] = "said.new";
	char name[NAME_MAX_LEN];
	int r, fd;

	keep_name(name, kind, epoch);
	if (unlinkat(dir, fresh, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(dir, fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = write_all(fd, data, len);
	close(fd);
	if (r == 0 && linkat(dir, fresh, dir, name, 0) < 0)
		r = -errno;
	unlinkat(dir, fresh, 0);
	if (r == 0 && fsync(dir) < 0)
		r = -errno;
	return r;
}

int keep_load(int dir, enum fog_statement_kind kind, uint64_t epoch, uint8_t **data, size_t *len)
{
	char name[NAME_MAX_LEN];
	uint8_t *out = NULL;
	struct stat st;
	int r = 0;

	keep_name(name, kind, epoch);
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		r = -errno;
	else if (!S_ISREG(st.st_mode) || st.st_size > FOG_VOTE_MAX)
		r = -EFBIG;
	else if ((out = malloc((size_t)st.st_size + 1)) == NULL)
		r = -ENOMEM;
	for (*len = 0; r == 0 && *len < (size_t)st.st_size;) {
		ssize_t n = read(fd, out + *len, (size_t)st.st_size - *len);
		if (n <= 0)
			r = n < 0 ? -errno : -EIO;
		else
			*len += (size_t)n;
	}
	close(fd);
	if (r < 0)
		free(out);
	else
		*data = out;
	return r;
}

void keep_prune(int dir, uint64_t epoch)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;

	if (d == NULL) {
		if (fd >= 0)
			close(fd);
		return;
	}
	for (const struct dirent *e; (e = readdir(d)) != NULL;) {
		for (unsigned k = FOG_STATEMENT_VOTE; k <= FOG_STATEMENT_CONSENSUS; k++) {
			size_t len = strlen(prefix[k]);
			if (strncmp(e->d_name, prefix[k], len) == 0 &&
			    strtoull(e->d_name + len, NULL, 10) < epoch)
				unlinkat(dir, e->d_name, 0);
		}
	}
	closedir(d);
}
