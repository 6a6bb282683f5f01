// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "pending.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_MAX = 1 << 20, HEAD_MAX = 384 };

#define HEAD "fogline pending change 2\n"
#define HEAD_BEFORE "fogline pending change 1\n"
#define NONE "/" // which no correlation id is

static int pending_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

// The name is durable when its folder is.
static int pending_sync_folder(const char *path)
{
	char *copy = strdup(path);
	int fd = copy != NULL ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	int r = copy == NULL ? -ENOMEM : fd < 0 || fsync(fd) < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	free(copy);
	return r;
}

int fog_pending_write(const char *path, const struct fog_pending *p)
{
	char fresh[4096], head[HEAD_MAX];
	int n = snprintf(
	        head, sizeof(head), HEAD "%" PRId64 " %" PRId64 " %" PRIu32 " %s %zu %s\n",
	        p->revision, p->deadline_us, p->confirm_s, p->digest, p->len,
	        p->correlation[0] != '\0' ? p->correlation : NONE
	);

	if (snprintf(fresh, sizeof(fresh), "%s.new", path) >= (int)sizeof(fresh))
		return -ENAMETOOLONG;
	unlink(fresh);
	int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	int r = pending_all(fd, head, (size_t)n);
	if (r == 0)
		r = pending_all(fd, p->text, p->len);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r == 0 && rename(fresh, path) < 0)
		r = -errno;
	if (r == 0)
		r = pending_sync_folder(path);
	if (r < 0)
		unlink(fresh);
	return r;
}

// The line of numbers, which had no correlation id in the first version.
static bool pending_head(const char *head, int version, struct fog_pending *p, size_t *len)
{
	int fields = sscanf(
	        head, "%" SCNd64 " %" SCNd64 " %" SCNu32 " %64[0-9a-f] %zu %64[^ \n]", &p->revision,
	        &p->deadline_us, &p->confirm_s, p->digest, len, p->correlation
	);

	if (strcmp(p->correlation, NONE) == 0)
		p->correlation[0] = '\0';
	return fields == (version == 1 ? 5 : 6) && head[strlen(head) - 1] == '\n' &&
	        p->confirm_s >= FOG_CONFIRM_MIN_S && p->confirm_s <= FOG_CONFIRM_MAX_S &&
	        *len <= TEXT_MAX;
}

static int pending_parse(FILE *f, struct fog_pending *p)
{
	char head[HEAD_MAX];
	size_t len = 0;

	if (fgets(head, sizeof(head), f) == NULL)
		return -EBADMSG;
	int version = strcmp(head, HEAD) == 0 ? 2 : strcmp(head, HEAD_BEFORE) == 0 ? 1 : 0;
	if (version == 0 || fgets(head, sizeof(head), f) == NULL ||
	    !pending_head(head, version, p, &len))
		return -EBADMSG;
	p->text = malloc(len + 1);
	if (p->text == NULL)
		return -ENOMEM;
	p->len = fread(p->text, 1, len + 1, f);
	if (p->len != len)
		return -EBADMSG;
	p->text[len] = '\0';
	return 0;
}

int fog_pending_read(const char *path, struct fog_pending *p)
{
	FILE *f = fopen(path, "re");

	*p = (struct fog_pending){0};
	if (f == NULL)
		return -errno;
	int r = pending_parse(f, p);
	fclose(f);
	if (r < 0)
		fog_pending_free(p);
	return r;
}

void fog_pending_free(struct fog_pending *p)
{
	free(p->text);
	*p = (struct fog_pending){0};
}

uint64_t fog_pending_left_ms(const struct fog_pending *p, int64_t now_us)
{
	int64_t most_us = (int64_t)p->confirm_s * 1000000, left_us = p->deadline_us - now_us;

	left_us = left_us < 0 ? 0 : left_us > most_us ? most_us : left_us;
	return (uint64_t)left_us / 1000;
}
