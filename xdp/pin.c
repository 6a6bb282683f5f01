// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "pin.h"

#include <bpf/bpf.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "steer_object.h"

#define PIN_ROOT "/sys/fs/bpf"
#define PIN_OURS "fogline"
#define PIN_LINK "link"

enum { LOCK_WAIT_MS = 2000 }; // a killed process may take a moment to let go of its lock

// A bpffs takes no dots, a folder's name no slashes: what isn't plain becomes %XX.
static void pin_name(const char *name, char *out, size_t len)
{
	size_t at = 0;

	for (; *name && at + 4 < len; name++)
		if (isalnum((unsigned char)*name) || *name == '-' || *name == '_')
			out[at++] = *name;
		else
			at += snprintf(out + at, len - at, "%%%02x", (unsigned char)*name);
	out[at] = '\0';
}

void steer_pin_init(struct steer_pin *pin)
{
	memset(pin, 0, sizeof(*pin));
	pin->instance_dir = pin->port_dir = -1;
}

static int pin_open_dir(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int pin_make_dir(int at, const char *name, mode_t mode)
{
	if (mkdirat(at, name, mode) < 0 && errno != EEXIST)
		return -errno;
	return pin_open_dir(at, name);
}

// /sys/fs/bpf/fogline, or -errno.
static int pin_open_root(bool make)
{
	struct statfs fs;
	struct stat st;
	int root, ours;

	if (statfs(PIN_ROOT, &fs) < 0 || fs.f_type != BPF_FS_MAGIC)
		return -ENOTSUP;
	if ((root = pin_open_dir(AT_FDCWD, PIN_ROOT)) < 0)
		return root;
	ours = make ? pin_make_dir(root, PIN_OURS, 0755) : pin_open_dir(root, PIN_OURS);
	close(root);
	// Where anybody may make folders in a bpffs, one of that name must be ours.
	if (ours >= 0 && (fstat(ours, &st) < 0 || st.st_uid != geteuid())) {
		close(ours);
		return -EPERM;
	}
	return ours;
}

static void pin_set_path(struct steer_pin *pin)
{
	snprintf(
	        pin->path, sizeof(pin->path), PIN_ROOT "/" PIN_OURS "/%s/%s/" PIN_LINK,
	        pin->instance, pin->port
	);
}

static void pin_forget(struct steer_pin *pin)
{
	if (pin->port_dir >= 0)
		close(pin->port_dir);
	if (pin->instance_dir >= 0)
		close(pin->instance_dir);
	pin->instance_dir = pin->port_dir = -1;
}

// Open and lock the folders. -EAGAIN: somebody holds them, or removed them meanwhile.
static int pin_try(struct steer_pin *pin)
{
	int ret = 0, ours = pin_open_root(true);
	struct stat st;

	if (ours < 0)
		return ours;
	pin->instance_dir = pin_make_dir(ours, pin->instance, 0700);
	close(ours);
	if (pin->instance_dir < 0)
		ret = pin->instance_dir;
	else if ((pin->port_dir = pin_make_dir(pin->instance_dir, pin->port, 0700)) < 0)
		ret = pin->port_dir;
	else if (flock(pin->port_dir, LOCK_EX | LOCK_NB) < 0)
		ret = errno == EWOULDBLOCK ? -EAGAIN : -errno;
	else if (fstat(pin->port_dir, &st) < 0 || st.st_nlink == 0)
		ret = -EAGAIN;
	if (ret < 0)
		pin_forget(pin);
	return ret == -ENOENT ? -EAGAIN : ret;
}

int steer_pin_open(
        struct steer_pin *pin, const char *instance, const char *port, uint32_t uid, uint32_t gid
)
{
	int ret;

	pin_name(instance, pin->instance, sizeof(pin->instance));
	pin_name(port, pin->port, sizeof(pin->port));
	for (int waited = 0; (ret = pin_try(pin)) == -EAGAIN; waited += 20) {
		if (waited >= LOCK_WAIT_MS)
			return -EBUSY;
		nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
	}
	if (ret == 0 &&
	    (fchown(pin->instance_dir, uid, gid) < 0 || fchown(pin->port_dir, uid, gid) < 0)) {
		ret = -errno;
		steer_pin_close(pin);
	}
	if (ret == 0)
		pin_set_path(pin);
	else if (ret == -ENOTSUP)
		snprintf(pin->why, sizeof(pin->why), PIN_ROOT " is no bpffs here");
	else
		snprintf(pin->why, sizeof(pin->why), PIN_ROOT ": %s", strerror(-ret));
	return 0;
}

// The folder belongs to the data plane's user, who has less rights than we: what lies in it is looked
// at through the folder that is locked, and a symbolic link, which could lead to anybody's, is none.
int steer_pin_get(const struct steer_pin *pin)
{
	struct stat st;
	char path[64];

	if (pin->port_dir < 0)
		return -ENOENT;
	if (fstatat(pin->port_dir, PIN_LINK, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ELOOP;
	snprintf(path, sizeof(path), "/proc/self/fd/%d/" PIN_LINK, pin->port_dir);
	return bpf_obj_get(path);
}

void steer_pin_set(struct steer_pin *pin, int fd)
{
	int ret = pin->port_dir >= 0 ? bpf_obj_pin(fd, pin->path) : 0;

	if (ret == 0)
		return;
	steer_pin_close(pin);
	snprintf(pin->why, sizeof(pin->why), "cannot pin: %s", strerror(-ret));
}

void steer_pin_remove(const struct steer_pin *pin)
{
	if (pin->port_dir >= 0)
		unlinkat(pin->port_dir, PIN_LINK, 0);
}

// Folders that hold something stay; so do those that a process of lesser rights may not remove.
void steer_pin_close(struct steer_pin *pin)
{
	int ours;

	if (pin->port_dir >= 0) {
		unlinkat(pin->instance_dir, pin->port, AT_REMOVEDIR);
		if ((ours = pin_open_root(false)) >= 0) {
			unlinkat(ours, pin->instance, AT_REMOVEDIR);
			close(ours);
			rmdir(PIN_ROOT "/" PIN_OURS);
		}
	}
	pin_forget(pin);
	pin->path[0] = '\0';
}

static bool pin_is_kept(const char *folder, const char *const *keep, unsigned n)
{
	char name[sizeof(((struct steer_pin *)0)->port)];

	for (unsigned i = 0; i < n; i++) {
		pin_name(keep[i], name, sizeof(name));
		if (strcmp(name, folder) == 0)
			return true;
	}
	return false;
}

// Remove one port's pin, unless its process lives. Returns how many links that were.
static unsigned pin_sweep(const struct steer_pin *of, const char *folder)
{
	struct steer_pin pin = *of;
	bool ours = false;
	int link;

	snprintf(pin.port, sizeof(pin.port), "%.99s", folder);
	if (pin_try(&pin) < 0)
		return 0;
	pin_set_path(&pin);
	if ((link = steer_pin_get(&pin)) >= 0) {
		// At once: the kernel puts off what the end of a pin ends.
		if ((ours = steer_link_is_ours(link)))
			bpf_link_detach(link);
		close(link);
	}
	steer_pin_remove(&pin);
	steer_pin_close(&pin);
	return ours;
}

unsigned fog_steer_sweep(const char *instance, const char *const *keep, unsigned n)
{
	int ours = pin_open_root(false), folder;
	unsigned removed = 0;
	struct steer_pin pin;
	struct dirent *entry;
	DIR *dir;

	if (ours < 0)
		return 0;
	steer_pin_init(&pin);
	pin_name(instance, pin.instance, sizeof(pin.instance));
	folder = pin_open_dir(ours, pin.instance);
	close(ours);
	dir = folder >= 0 ? fdopendir(folder) : NULL;
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' && !pin_is_kept(entry->d_name, keep, n))
			removed += pin_sweep(&pin, entry->d_name);
	if (dir)
		closedir(dir);
	return removed;
}
