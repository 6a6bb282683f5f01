// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../log/log.h"
#include "view_form.h"

static const char consensus_prefix[] = "consensus-";

void view_consensus_name(uint64_t epoch, char name[VIEW_NAME_MAX])
{
	snprintf(name, VIEW_NAME_MAX, "%s%" PRIu64, consensus_prefix, epoch);
}

void view_file_remove(const struct fog_view *v, const char *name)
{
	if (unlinkat(v->dir, name, 0) < 0 && errno != ENOENT)
		LOG_WARN(
		        "%s can't be removed: %s: remove it by hand, or make its folder writable "
		        "for this user",
		        name, strerror(errno)
		);
}

static int write_all(int fd, const uint8_t *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

int view_file_fresh(const struct fog_view *v, const char *fresh, const uint8_t *data, size_t len)
{
	int fd = openat(v->dir, fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	int ret;

	if (fd < 0)
		return -errno;
	ret = write_all(fd, data, len);
	if (ret == 0 && fchmod(fd, 0644) < 0)
		ret = -errno;
	if (ret == 0 && fsync(fd) < 0)
		ret = -errno;
	close(fd);
	if (ret < 0)
		unlinkat(v->dir, fresh, 0);
	return ret;
}

int view_file_name(const struct fog_view *v, const char *fresh, const char *name)
{
	int ret = renameat(v->dir, fresh, v->dir, name) < 0 ? -errno : 0;

	if (ret < 0)
		unlinkat(v->dir, fresh, 0);
	return ret;
}

int view_file_write(const struct fog_view *v, const char *name, const uint8_t *data, size_t len)
{
	char fresh[VIEW_NAME_MAX + sizeof(VIEW_TEMPORARY)];

	snprintf(fresh, sizeof(fresh), "%s" VIEW_TEMPORARY, name);
	int ret = view_file_fresh(v, fresh, data, len);
	return ret < 0 ? ret : view_file_name(v, fresh, name);
}

uint8_t *view_file_read(const struct fog_view *v, const char *name, size_t max, size_t *len)
{
	int fd = openat(v->dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	uint8_t *data = NULL;
	struct stat st;

	*len = 0;
	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) < 0)
		goto out;
	errno = EFBIG;
	if (!S_ISREG(st.st_mode) || st.st_size < 0 || (uint64_t)st.st_size > max)
		goto out;
	if ((data = malloc((size_t)st.st_size + 1)) == NULL)
		goto out;
	while (*len < (size_t)st.st_size) {
		ssize_t n = read(fd, data + *len, (size_t)st.st_size - *len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = EIO; // it was cut meanwhile
		if (n <= 0) {
			free(data);
			data = NULL;
			break;
		}
		*len += (size_t)n;
	}
out:
	close(fd);
	return data;
}

bool view_name_epoch(const char *name, const char *prefix, uint64_t *epoch)
{
	char again[VIEW_NAME_MAX];

	if (sscanf(name + strlen(prefix), "%" SCNu64, epoch) != 1)
		return false;
	snprintf(again, sizeof(again), "%s%" PRIu64, prefix, *epoch);
	return strcmp(name, again) == 0;
}

// Returns 0; -EBADMSG: it is none, or of another network; -errno: that isn't known.
static int load_consensus(struct fog_view *v, const char *name)
{
	struct fog_consensus *c = NULL;
	uint64_t epoch;
	size_t len;
	uint8_t *data = view_file_read(v, name, FOG_CONSENSUS_MAX, &len);
	int ret = data != NULL ? fog_consensus_open(data, len, v->network, &c) : -errno;

	free(data);
	if (ret == FOG_REFUSAL_NONE && view_name_epoch(name, consensus_prefix, &epoch) &&
	    c->epoch == epoch) {
		view_insert(v, c);
		return 0;
	}
	fog_consensus_free(c);
	return ret < 0 ? ret : -EBADMSG;
}

static void load_file(struct fog_view *v, const char *name)
{
	size_t len = strlen(name), end = sizeof(VIEW_TEMPORARY) - 1;
	bool consensus = strncmp(name, consensus_prefix, sizeof(consensus_prefix) - 1) == 0;

	if (!consensus && !view_proofs_are(name))
		return; // not ours
	if (len > end && strcmp(name + len - end, VIEW_TEMPORARY) == 0) {
		view_file_remove(v, name); // a process ended while it wrote
		return;
	}
	if (!consensus) {
		view_proofs_load(v, name);
		return;
	}
	int r = load_consensus(v, name);
	if (r < 0 && r != -EBADMSG)
		LOG_WARN(
		        "%s can't be read: %s: make it readable for this user, or remove it; it "
		        "is fetched again if it counts",
		        name, strerror(-r)
		);
	if (r != -EBADMSG)
		return;
	LOG_WARN(
	        "%s is damaged or of another network: removed; it is fetched again if it counts",
	        name
	);
	view_file_remove(v, name);
}

static int name_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

// Names first: files are removed while they are read.
static int names_read(const struct fog_view *v, char ***out, size_t *count)
{
	int fd = openat(v->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret = 0;
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	char **name = NULL;
	size_t n = 0;

	if (dir == NULL) {
		ret = -errno;
		if (fd >= 0)
			close(fd);
		return ret;
	}
	for (const struct dirent *e; ret == 0 && (e = readdir(dir)) != NULL; n += ret == 0) {
		char **more = realloc(name, (n + 1) * sizeof(*name));
		if (more != NULL)
			name = more;
		if (more == NULL || (name[n] = strdup(e->d_name)) == NULL)
			ret = -ENOMEM;
	}
	closedir(dir);
	if (n > 0)
		qsort(name, n, sizeof(*name), name_compare);
	*out = name;
	*count = n;
	return ret;
}

int view_files_load(struct fog_view *v)
{
	char **name = NULL;
	size_t count = 0;
	int ret = names_read(v, &name, &count);

	for (size_t i = 0; i < count; i++) {
		if (ret == 0)
			load_file(v, name[i]);
		free(name[i]);
	}
	free(name);
	return ret;
}
