// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The replay table's file: made complete under another name and renamed into place, so that what
// stands at the path is always a whole table, whenever its maker was killed. A lock on the open
// file keeps a second process from counting into the same table.
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "replay_table.h"

// Bytes of a step: on a slow host some 30 ms.
#define REPLAY_SLICE (UINT64_C(8) << 20)

uint64_t fog_replay_footprint(uint64_t capacity)
{
	if (capacity == 0 || capacity > REPLAY_CAPACITY_MAX)
		return 0;
	uint64_t bytes = REPLAY_HEADER_LEN + replay_lines(capacity) * REPLAY_LINE_LEN;
	return (bytes + 4095) / 4096 * 4096;
}

// Check that the open file lies in memory; '*size' becomes the file size for 'capacity' there.
static int file_system_check(int fd, uint64_t capacity, uint64_t *size)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return -errno;
	if (fs.f_type != TMPFS_MAGIC && fs.f_type != HUGETLBFS_MAGIC)
		return -ENOTSUP;
	// hugetlbfs counts in whole huge pages.
	uint64_t unit = fs.f_type == HUGETLBFS_MAGIC ? (uint64_t)fs.f_bsize : 4096;
	*size = (fog_replay_footprint(capacity) + unit - 1) / unit * unit;
	return 0;
}

static int file_lock(int fd)
{
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	return errno == EWOULDBLOCK ? -EBUSY : -errno;
}

// Map the file of r->fd and, as it holds a key, keep it out of core dumps and swap. Locking all of it
// is welcome, too, as a swapped table would stall workers, but takes a privilege; pages are locked as
// they come.
static int file_map(struct fog_replay *r, uint64_t size)
{
	r->map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, 0);
	if (r->map == MAP_FAILED) {
		r->map = NULL;
		return -errno;
	}
	r->mapped = size;
	if (madvise(r->map, size, MADV_DONTDUMP) < 0)
		return -errno;
	madvise(r->map, size, MADV_HUGEPAGE);
	if (mlock2(r->map, size, MLOCK_ONFAULT) < 0 && mlock(r->map, REPLAY_HEADER_LEN) < 0)
		return -errno;
	r->word = (_Atomic uint64_t *)((uint8_t *)r->map + REPLAY_HEADER_LEN);
	return 0;
}

// The next slice is written to, so that it takes its memory now: later, a full file system would be a
// SIGBUS. (A tmpfs mounted with huge=advise gives huge pages to a mapping only, not to fallocate; they
// are welcome, for claims touch pages at random.)
static int slice_take(struct fog_replay *r)
{
	uint64_t left = r->mapped - r->ready, len = left < REPLAY_SLICE ? left : REPLAY_SLICE;
	int ret;

	do
		ret = madvise((uint8_t *)r->map + r->ready, len, MADV_POPULATE_WRITE);
	while (ret < 0 && errno == EINTR);
	if (ret < 0)
		return errno == EFAULT ? -ENOSPC : -errno;
	// Counted from the words: the process may have died between a claim and its bookkeeping.
	if (r->draft == NULL)
		r->full += replay_full(r, r->ready, r->ready + len);
	r->ready += len;
	return 0;
}

static int header_write(struct replay_header *h, const uint8_t *id, uint64_t capacity)
{
	if (getrandom(h->key, sizeof(h->key), 0) != (ssize_t)sizeof(h->key))
		return -EIO;
	memcpy(h->id, id, sizeof(h->id));
	h->capacity = capacity;
	h->version = REPLAY_VERSION;
	h->magic = REPLAY_MAGIC;
	return 0;
}

static int table_make(struct fog_replay *r)
{
	uint64_t size;
	char *draft;
	int ret;

	if (asprintf(&draft, "%s.new", r->path) < 0)
		return -ENOMEM;
	// What a killed maker left behind.
	if (unlink(draft) < 0 && errno != ENOENT) {
		ret = -errno;
		goto err_name;
	}
	r->fd = open(draft, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (r->fd < 0) {
		ret = -errno;
		goto err_name;
	}
	r->draft = draft; // removed by whoever closes it too early
	if ((ret = file_system_check(r->fd, r->capacity, &size)) < 0)
		return ret;
	if ((ret = file_lock(r->fd)) < 0)
		return ret;
	// The umask may have taken bits away.
	if (fchmod(r->fd, 0600) < 0 || ftruncate(r->fd, (off_t)size) < 0)
		return -errno;
	return file_map(r, size);
err_name:
	free(draft);
	return ret;
}

// The header comes last, so that no draft is ever taken for a table.
static int table_name(struct fog_replay *r)
{
	int ret = header_write(r->map, r->id, r->capacity);

	if (ret < 0)
		return ret;
	if (rename(r->draft, r->path) < 0)
		return -errno;
	free(r->draft);
	r->draft = NULL;
	return 0;
}

// The header of a table that was found. Believed in this order: what follows a foreign magic or
// version may mean anything. A capacity that the file could not hold would lead beyond its end.
static int header_check(
        const struct replay_header *h, const uint8_t *id, int fd, uint64_t file_size
)
{
	uint64_t size;

	if (h->magic != REPLAY_MAGIC || h->version != REPLAY_VERSION)
		return -EBADMSG;
	if (memcmp(h->id, id, sizeof(h->id)) != 0)
		return -ESTALE;
	if (fog_replay_footprint(h->capacity) == 0)
		return -EBADMSG;
	int ret = file_system_check(fd, h->capacity, &size);
	if (ret < 0)
		return ret;
	return size == file_size ? 0 : -EBADMSG;
}

// The table keeps the capacity that it was made with: what was claimed under the key must count for
// as long as the key lives, whatever is configured meanwhile.
static int table_attach(struct fog_replay *r)
{
	struct replay_header h = {0};
	struct stat st;
	uint64_t size;
	int ret;

	if (fstat(r->fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 07777) != 0600)
		return -EPERM;
	if ((ret = file_system_check(r->fd, r->capacity, &size)) < 0)
		return ret;
	if ((ret = file_lock(r->fd)) < 0)
		return ret;
	ret = pread(r->fd, &h, sizeof(h), 0) < 0 ? -errno : 0; // what is missing stays zero
	if (ret == 0)
		ret = header_check(&h, r->id, r->fd, (uint64_t)st.st_size);
	r->capacity = h.capacity;
	explicit_bzero(&h, sizeof(h));
	return ret < 0 ? ret : file_map(r, (uint64_t)st.st_size);
}

int fog_replay_begin(
        const char *path, const uint8_t id[FOG_REPLAY_ID_LEN], uint64_t capacity,
        struct fog_replay **out, int *found
)
{
	struct fog_replay *r;
	int ret;

	if (fog_replay_footprint(capacity) == 0)
		return -EINVAL;
	// It holds the key of the fingerprints. sodium_malloc ends its objects at a guard page, so the size
	// keeps the alignment.
	if (sodium_init() < 0 || (r = sodium_malloc(sizeof(*r))) == NULL)
		return -ENOMEM;
	memset(r, 0, sizeof(*r));
	r->fd = -1;
	r->capacity = capacity;
	memcpy(r->id, id, sizeof(r->id));
	if ((r->path = strdup(path)) == NULL) {
		ret = -ENOMEM;
		goto err;
	}
	r->fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	*found = r->fd >= 0;
	if (*found)
		ret = table_attach(r);
	else if (errno == ENOENT)
		ret = table_make(r);
	else
		ret = -errno;
	if (ret < 0)
		goto err;
	r->lines = replay_lines(r->capacity);
	*out = r;
	return 0;
err:
	fog_replay_close(r);
	return ret;
}

int fog_replay_step(struct fog_replay *r)
{
	int ret = slice_take(r);

	if (ret < 0)
		return ret;
	if (r->ready < r->mapped)
		return 1;
	if (r->draft != NULL && (ret = table_name(r)) < 0)
		return ret;
	fog_aes_key_init(&r->key, ((struct replay_header *)r->map)->key, 16);
	replay_credit_set(r, r->full);
	return 0;
}

int fog_replay_open(
        const char *path, const uint8_t id[FOG_REPLAY_ID_LEN], uint64_t capacity,
        struct fog_replay **out, int *found
)
{
	struct fog_replay *r;
	int ret = fog_replay_begin(path, id, capacity, &r, found);

	if (ret < 0)
		return ret;
	while ((ret = fog_replay_step(r)) > 0)
		continue;
	if (ret < 0) {
		fog_replay_close(r);
		return ret;
	}
	*out = r;
	return 0;
}

void fog_replay_close(struct fog_replay *r)
{
	if (r == NULL)
		return;
	if (r->draft != NULL)
		unlink(r->draft);
	if (r->map != NULL)
		munmap(r->map, r->mapped);
	if (r->fd >= 0)
		close(r->fd);
	fog_aes_key_wipe(&r->key);
	free(r->draft);
	free(r->path);
	sodium_free(r);
}

// Without magic it is no table any more, even if the file stayed.
static int table_end(struct fog_replay *r)
{
	explicit_bzero(r->map, REPLAY_HEADER_LEN);
	int ret = unlink(r->path) < 0 ? -errno : 0;
	fog_aes_key_wipe(&r->key);
	free(r->path);
	r->path = NULL;
	return ret;
}

int fog_replay_destroy_step(struct fog_replay *r)
{
	struct statfs fs;
	int ret;

	if (r == NULL)
		return 0;
	if (r->path != NULL && (ret = table_end(r)) < 0) {
		fog_replay_close(r);
		return ret;
	}
	// hugetlbfs gives back whole huge pages only.
	uint64_t len = fstatfs(r->fd, &fs) == 0 && (uint64_t)fs.f_bsize > REPLAY_SLICE
	        ? (uint64_t)fs.f_bsize
	        : REPLAY_SLICE;
	if (len > r->ready)
		len = r->ready;
	// What does not go so goes when the file is closed. Nobody reads the map any more.
	if (len == 0 || ftruncate(r->fd, (off_t)(r->ready - len)) < 0) {
		fog_replay_close(r);
		return 0;
	}
	r->ready -= len;
	return 1;
}

int fog_replay_destroy(struct fog_replay *r)
{
	int ret;

	while ((ret = fog_replay_destroy_step(r)) > 0)
		continue;
	return ret;
}
