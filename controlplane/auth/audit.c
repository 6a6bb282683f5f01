// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "audit.h"
#include "../../log/log.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { REFUSED_PER_MINUTE = 60, AUDIT_PATH_MAX = 512 };

struct fog_audit {
	char path[AUDIT_PATH_MAX];
	off_t file_max; // bytes
	unsigned files;
	pthread_mutex_t lock; // over what follows
	int fd;
	time_t minute; // in which 'refused' were written
	unsigned refused; // entries without authentication
	unsigned left_out; // more of them, not written
};

static int audit_file_open(const char *path)
{
	int fd = open(
	        path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR
	);

	return fd < 0 ? -errno : fd;
}

int fog_audit_open(struct fog_audit **out, const char *path, uint64_t file_max, unsigned files)
{
	struct fog_audit *a = calloc(1, sizeof(*a));
	int r;

	if (a == NULL)
		return -ENOMEM;
	a->file_max = (off_t)file_max;
	a->files = files;
	r = snprintf(a->path, sizeof(a->path), "%s", path);
	a->fd = (size_t)r < sizeof(a->path) ? audit_file_open(a->path) : -ENAMETOOLONG;
	if (a->fd < 0) {
		r = a->fd;
		LOG_ERR("%s: cannot open the audit log: %s: give this folder and all in it to the "
		        "control plane's user (chown -R)",
		        path, strerror(-r));
		free(a);
		return r;
	}
	pthread_mutex_init(&a->lock, NULL);
	*out = a;
	return 0;
}

// Names are durable, too.
static void audit_folder_sync(const struct fog_audit *a)
{
	char folder[AUDIT_PATH_MAX];
	char *slash;

	memcpy(folder, a->path, sizeof(folder));
	slash = strrchr(folder, '/');
	if (slash == NULL)
		return;
	*slash = '\0';
	int fd = open(folder[0] != '\0' ? folder : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

// PATH becomes PATH.1, that one .2, and so on; the oldest goes.
static int audit_shift(const struct fog_audit *a)
{
	char from[AUDIT_PATH_MAX + 16], to[AUDIT_PATH_MAX + 16];

	for (unsigned i = a->files - 1; i > 0; i--) {
		snprintf(to, sizeof(to), "%s.%u", a->path, i);
		if (i > 1)
			snprintf(from, sizeof(from), "%s.%u", a->path, i - 1);
		else
			snprintf(from, sizeof(from), "%s", a->path);
		if (rename(from, to) < 0 && errno != ENOENT)
			return -errno;
	}
	return 0;
}

// The new file is there before an old one moves, so a full disk costs no old entry. When a step fails,
// entries go on into the file that is open: a log that is too long beats one with a hole. Under the
// lock.
static int audit_rotate(struct fog_audit *a)
{
	char fresh[AUDIT_PATH_MAX + 16];
	int r;

	if (fsync(a->fd) < 0)
		return -errno;
	snprintf(fresh, sizeof(fresh), "%s.new", a->path);
	unlink(fresh); // of a process that died here
	int fd = audit_file_open(fresh);
	if (fd < 0)
		return fd;
	r = audit_shift(a);
	if (r == 0 && rename(fresh, a->path) < 0)
		r = -errno;
	if (r < 0) {
		unlink(fresh);
		close(fd);
		return r;
	}
	close(a->fd);
	a->fd = fd;
	audit_folder_sync(a);
	return 0;
}

// Before an entry of 'len' bytes. Under the lock.
static void audit_room(struct fog_audit *a, size_t len)
{
	struct stat st;

	if (fstat(a->fd, &st) < 0 || st.st_size == 0 || st.st_size + (off_t)len <= a->file_max)
		return;
	int r = audit_rotate(a);
	if (r < 0)
		LOG_ERR("%s: cannot go on in a new file: %s: the old one grows on; give its folder to the "
		        "control plane's user",
		        a->path, strerror(-r));
}

int fog_audit_reopen(struct fog_audit *a)
{
	pthread_mutex_lock(&a->lock);
	int fd = audit_file_open(a->path);
	if (fd >= 0) {
		fsync(a->fd);
		close(a->fd);
		a->fd = fd;
	}
	pthread_mutex_unlock(&a->lock);
	if (fd < 0)
		LOG_ERR("%s: cannot open the audit log again: %s: entries go on into the file that was moved "
		        "away",
		        a->path, strerror(-fd));
	return fd < 0 ? fd : 0;
}

void fog_audit_close(struct fog_audit *a)
{
	if (a == NULL)
		return;
	pthread_mutex_destroy(&a->lock);
	close(a->fd);
	free(a);
}

// Whoever reaches the port can be refused as often as he likes and must not fill the disk by it.
// Returns whether this entry is written; '*left_out' is how many before it were not.
static bool audit_refused_due(struct fog_audit *a, time_t now, unsigned *left_out)
{
	bool due;

	pthread_mutex_lock(&a->lock);
	if (a->minute != now / 60) {
		a->minute = now / 60;
		a->refused = 0;
	}
	due = a->refused < REFUSED_PER_MINUTE;
	*left_out = due ? a->left_out : 0;
	a->left_out = due ? 0 : a->left_out + 1;
	a->refused += due;
	pthread_mutex_unlock(&a->lock);
	return due;
}

int fog_audit_append(struct fog_audit *a, const struct fog_audit_entry *e)
{
	char stamp[32], hex[65];
	uint8_t digest[32];
	struct timespec now;
	struct tm tm;

	unsigned left_out = 0;

	clock_gettime(CLOCK_REALTIME, &now);
	if (e->status == 401 && !audit_refused_due(a, now.tv_sec, &left_out))
		return 0;
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now.tv_sec, &tm));
	crypto_generichash(digest, sizeof(digest), e->body, e->body_len, NULL, 0);
	sodium_bin2hex(hex, sizeof(hex), digest, sizeof(digest));
	json_t *line = json_pack(
	        "{s:s s:s s:s s:s s:s s:i s:I s:s}", "time", stamp, "request_id", e->request_id,
	        "peer", e->peer, "method", e->method, "path", e->path, "status", e->status,
	        "body_bytes", (json_int_t)e->body_len, "body_blake2b", hex
	);
	if (left_out > 0)
		json_object_set_new(line, "refused_before", json_integer(left_out));
	char *text = line != NULL ? json_dumps(line, JSON_COMPACT) : NULL;
	json_decref(line);
	if (text == NULL)
		return -ENOMEM;
	struct iovec iov[2] = {{text, strlen(text)}, {(char[]){'\n'}, 1}};
	ssize_t want = (ssize_t)(iov[0].iov_len + 1);
	pthread_mutex_lock(&a->lock);
	audit_room(a, (size_t)want);
	struct stat st;
	bool sized = fstat(a->fd, &st) == 0;
	ssize_t n = writev(a->fd, iov, 2);
	int r = n == want ? 0 : n < 0 ? -errno : -ENOSPC;
	// A piece of a line would spoil the next one, too.
	if (n > 0 && n < want && sized && ftruncate(a->fd, st.st_size) < 0)
		LOG_ERR("%s: a line is cut and cannot be removed: %s: take its end off by hand",
		        a->path, strerror(errno));
	pthread_mutex_unlock(&a->lock);
	free(text);
	return r;
}
