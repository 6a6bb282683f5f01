// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The record of what init changed, and the way back.
//
// Each change is on disk before it is made, so that no crash leaves one without a record. Changes to
// /proc and /sys end with the next boot, so a record of an earlier boot is void.
//
//   {"boot": ID, "changes": [{"stage", "kind", ...}]}
//   kind file:   "path", "was", "set"
//   kind driver: "device", "was" ("" = none), "override", "interface" ("" = none)
//   kind module: "name"
//   kind mount: "path"
//   kind channels: "interface", "was", "set", each {"combined", "rx", "tx"}
//   kind offload: "interface", "name"; it was on
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init.h"

static const char *undo_text(const json_t *change, const char *key)
{
	const char *text = json_string_value(json_object_get(change, key));

	return text != NULL ? text : "";
}

static json_t *undo_changes(const struct host *h)
{
	return json_object_get(h->undo, "changes");
}

// Held until the process ends: two fogctl must not work at the same time.
static int undo_lock(const struct host *h)
{
	char folder[PATH_MAX];

	snprintf(folder, sizeof(folder), "%s", h->undo_file);
	char *slash = strrchr(folder, '/');
	if (slash == NULL || slash == folder)
		return host_stop(h, -EINVAL, "%s: give an absolute path", h->undo_file);
	*slash = '\0';
	if (mkdir(folder, 0755) < 0 && errno != EEXIST)
		return host_stop(
		        h, -errno, "%s: %s: make that folder as root", folder, strerror(errno)
		);
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0) {
		int ret = -errno;
		if (fd >= 0)
			close(fd);
		return host_stop(
		        h, ret, "%s: %s: another fogctl is at work there, let it end", folder,
		        strerror(-ret)
		);
	}
	return 0;
}

// undo does as root what the record says, so it must be root's (or our own) to write. Returns its
// descriptor, -ENOENT (there is none, or we may not read it), or -EPERM, said.
static int undo_file_open(const struct host *h)
{
	struct stat st;
	int fd = open(h->undo_file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 && errno != ELOOP)
		return -ENOENT;
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    (st.st_uid == 0 || st.st_uid == geteuid()) && (st.st_mode & 022) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return host_stop(
	        h, -EPERM,
	        "%s: is a link, or another user's or everybody's to write: undo would do as root "
	        "what somebody else wrote; look at it, remove it, and restore by hand what it names",
	        h->undo_file
	);
}

int host_undo_open(struct host *h, bool change)
{
	char boot[64];
	json_error_t error;
	int fd, ret = change ? undo_lock(h) : 0;

	if (ret < 0)
		return ret;
	host_read(h, boot, sizeof(boot), "/proc/sys/kernel/random/boot_id");
	if ((fd = undo_file_open(h)) == -EPERM)
		return fd;
	if (fd >= 0) {
		h->undo = json_loadfd(fd, 0, &error);
		close(fd);
		if (!json_is_array(undo_changes(h)))
			return host_stop(
			        h, -EINVAL,
			        "%s: can't be read (%s): restore by hand what it names, then "
			        "remove it",
			        h->undo_file, h->undo == NULL ? error.text : "no list of changes"
			);
		if (strcmp(undo_text(h->undo, "boot"), boot) == 0)
			return 0;
		if (change)
			printf("# the host was started again since: nothing of %s is left to undo\n",
			       h->undo_file);
		json_decref(h->undo);
	}
	h->undo = json_pack("{s:s, s:[]}", "boot", boot, "changes");
	return h->undo != NULL ? 0 : -ENOMEM;
}

// Under another name first, so that there always is a whole one.
int host_undo_save(struct host *h)
{
	char temporary[PATH_MAX];
	int ret = 0;

	if (json_array_size(undo_changes(h)) == 0)
		return unlink(h->undo_file) < 0 && errno != ENOENT ? -errno : 0;
	snprintf(temporary, sizeof(temporary), "%s.new", h->undo_file);
	unlink(temporary); // of a process that died here
	int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		ret = -errno;
	else if (json_dumpfd(h->undo, fd, JSON_INDENT(2)) < 0 || fsync(fd) < 0)
		ret = -EIO;
	if (fd >= 0)
		close(fd);
	if (ret == 0 && rename(temporary, h->undo_file) < 0)
		ret = -errno;
	if (ret < 0)
		host_stop(
		        h, ret, "%s: %s: changes can't be recorded, none is made; make room there",
		        h->undo_file, strerror(-ret)
		);
	return ret;
}

int host_undo_add(struct host *h, json_t *change)
{
	if (change == NULL)
		return -ENOMEM;
	if (h->dry) {
		json_decref(change);
		return 0;
	}
	if (json_array_append_new(undo_changes(h), change) < 0)
		return -ENOMEM;
	int ret = host_undo_save(h);
	if (ret < 0)
		json_array_remove(undo_changes(h), json_array_size(undo_changes(h)) - 1);
	return ret;
}

void host_undo_drop(struct host *h)
{
	if (h->dry)
		return;
	json_array_remove(undo_changes(h), json_array_size(undo_changes(h)) - 1);
	host_undo_save(h);
}

static int undo_file(struct host *h, const json_t *change)
{
	const char *path = undo_text(change, "path"), *was = undo_text(change, "was");
	char now[512];
	int ret = host_read(h, now, sizeof(now), "%s", path);

	if (ret < 0) {
		printf("# %s is gone: nothing to restore\n", path);
		return 0;
	}
	if (strcmp(now, was) == 0)
		return 0;
	if (strcmp(now, undo_text(change, "set")) != 0) {
		printf("# %s: somebody has changed it since, left as it is\n", path);
		return 0;
	}
	ret = host_write(h, was, "%s", path);
	return ret == 0 ? 0
	                : host_stop(
	                          h, ret, "%s: %s: its value stays %s, it was %s", path,
	                          strerror(-ret), now, was
	                  );
}

static int undo_module(struct host *h, const json_t *change)
{
	const char *name = undo_text(change, "name");

	if (!host_exists(h, "/sys/module/%s", name))
		return 0;
	int ret = host_run(h, (const char *const[]){"modprobe", "-r", name, NULL});
	return ret == 0
	        ? 0
	        : host_stop(
	                  h, ret,
	                  "the module %s stays: stop what uses it, then run: fogctl host undo", name
	          );
}

static const struct undo_kind {
	const char *name;
	int (*undo)(struct host *, const json_t *change);
} undo_kinds[] = {
        {"file", undo_file},     {"channels", host_channels_undo}, {"driver", host_vfio_undo},
        {"module", undo_module}, {"mount", host_mount_undo},       {"offload", host_offload_undo},
};

static int undo_one(struct host *h, const json_t *change)
{
	h->stage = undo_text(change, "stage");
	for (unsigned i = 0; i < sizeof(undo_kinds) / sizeof(undo_kinds[0]); i++)
		if (strcmp(undo_text(change, "kind"), undo_kinds[i].name) == 0)
			return undo_kinds[i].undo(h, change);
	return host_stop(
	        h, -EINVAL, "%s: a change of kind '%s': undo it with the fogctl that made it",
	        h->undo_file, undo_text(change, "kind")
	);
}

static bool undo_meant(const json_t *change, const char *const *stages, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (strcmp(undo_text(change, "stage"), stages[i]) == 0)
			return true;
	return count == 0;
}

int host_undo_run(struct host *h, const char *const *stages, unsigned count)
{
	json_t *changes = undo_changes(h);
	int ret = 0;

	// The last change first; what can't be undone stays recorded.
	for (size_t i = json_array_size(changes); i-- > 0;) {
		json_t *change = json_array_get(changes, i);
		if (!undo_meant(change, stages, count))
			continue;
		int one = undo_one(h, change);
		if (one < 0) {
			ret = one;
			continue;
		}
		if (h->dry)
			continue;
		json_array_remove(changes, i);
		if (host_undo_save(h) < 0)
			return -EIO;
	}
	return ret;
}
