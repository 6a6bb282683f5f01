// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What `driver: auto` takes: a PCI device that is bound to vfio-pci goes to DPDK, any other goes by
// its kernel interface to AF_XDP. Decided from links of sysfs alone; the data plane decides when it
// starts, `fogctl config check` says beforehand what it would be. Source: the kernel's
// Documentation/ABI/testing/sysfs-bus-pci and sysfs-class-net.
#pragma once

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "blob.h"

struct fog_device_choice {
	uint32_t driver; // enum fog_driver
	char device[192]; // for that driver
	char why[160]; // one clause for people; the mend when nothing can be taken
};

// 0000:03:00.0
static inline bool fog_device_is_pci(const char *text)
{
	static const char shape[] = "xxxx:xx:xx.x";

	for (size_t i = 0; i < sizeof(shape) - 1; i++)
		if (shape[i] == 'x' ? !isxdigit((unsigned char)text[i]) : text[i] != shape[i])
			return false;
	return text[sizeof(shape) - 1] == '\0';
}

// Last component of the link at 'path', "" when there is none. Returns whether there is one.
static inline bool fog_device_link(const char *path, char *name, size_t len)
{
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	name[0] = '\0';
	if (n < 0)
		return false;
	target[n] = '\0';
	const char *slash = strrchr(target, '/');
	snprintf(name, len, "%.*s", (int)len - 1, slash != NULL ? slash + 1 : target);
	return true;
}

// First entry of the folder 'path' that starts with 'prefix', "" when there is none.
static inline bool fog_device_entry(const char *path, const char *prefix, char *name, size_t len)
{
	DIR *d = opendir(path);
	struct dirent *e;

	name[0] = '\0';
	while (d != NULL && name[0] == '\0' && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.' && strncmp(e->d_name, prefix, strlen(prefix)) == 0)
			snprintf(name, len, "%.*s", (int)len - 1, e->d_name);
	if (d != NULL)
		closedir(d);
	return name[0] != '\0';
}

// Kernel interface of the PCI device in 'folder'; that of a virtio device lies one level deeper.
static inline bool fog_device_interface(const char *folder, char *name, size_t len)
{
	char path[PATH_MAX], virtio[64];

	snprintf(path, sizeof(path), "%.200s/net", folder);
	if (fog_device_entry(path, "", name, len))
		return true;
	if (!fog_device_entry(folder, "virtio", virtio, sizeof(virtio)))
		return false;
	snprintf(path, sizeof(path), "%.200s/%s/net", folder, virtio);
	return fog_device_entry(path, "", name, len);
}

static inline int fog_device_choose_pci(
        const char *sysfs, const char *address, struct fog_device_choice *out
)
{
	char folder[256], path[300], driver[32], interface[32];

	snprintf(folder, sizeof(folder), "%.180s/bus/pci/devices/%s", sysfs, address);
	if (access(folder, F_OK) < 0) {
		snprintf(
		        out->why, sizeof(out->why),
		        "this host has no PCI device %s: see 'lspci -D' for those it has", address
		);
		return -ENODEV;
	}
	snprintf(path, sizeof(path), "%s/driver", folder);
	fog_device_link(path, driver, sizeof(driver));
	if (strcmp(driver, "vfio-pci") == 0) {
		out->driver = FOG_DRIVER_DPDK;
		snprintf(out->device, sizeof(out->device), "%s", address);
		snprintf(out->why, sizeof(out->why), "%s is bound to vfio-pci", address);
		return 0;
	}
	if (!fog_device_interface(folder, interface, sizeof(interface))) {
		snprintf(
		        out->why, sizeof(out->why),
		        "%s is bound to %s and has no kernel interface: bind it to vfio-pci with "
		        "'fogctl host init', or to its kernel driver",
		        address, driver[0] != '\0' ? driver : "no driver"
		);
		return -ENODEV;
	}
	out->driver = FOG_DRIVER_AFXDP;
	snprintf(out->device, sizeof(out->device), "%s", interface);
	snprintf(out->why, sizeof(out->why), "%s is bound to %s, not to vfio-pci: XDP on %s", address, driver, interface);
	return 0;
}

static inline int fog_device_choose_interface(
        const char *sysfs, const char *name, struct fog_device_choice *out
)
{
	char path[256], device[64];

	snprintf(path, sizeof(path), "%.180s/class/net/%.32s", sysfs, name);
	if (strchr(name, '/') != NULL || name[0] == '.' || access(path, F_OK) < 0) {
		snprintf(
		        out->why, sizeof(out->why),
		        "there is no interface %.32s: name one that is there, or, for a NIC bound to "
		        "vfio-pci, its PCI address",
		        name
		);
		return -ENODEV;
	}
	out->driver = FOG_DRIVER_AFXDP;
	snprintf(out->device, sizeof(out->device), "%.32s", name);
	snprintf(path, sizeof(path), "%.180s/class/net/%.32s/device", sysfs, name);
	if (fog_device_link(path, device, sizeof(device)) && fog_device_is_pci(device))
		snprintf(
		        out->why, sizeof(out->why),
		        "%.32s (%s) belongs to the kernel, not to vfio-pci: XDP on it", name, device
		);
	else
		snprintf(
		        out->why, sizeof(out->why),
		        "%.32s is no PCI device that vfio-pci could take: XDP on it", name
		);
	return 0;
}

// Decide for a port of driver FOG_DRIVER_AUTO; 'sysfs' is /sys. Returns 0, or -ENODEV with the mend
// in 'why'.
static inline int fog_device_choose(
        const char *sysfs, const char *device, struct fog_device_choice *out
)
{
	memset(out, 0, sizeof(*out));
	return fog_device_is_pci(device) ? fog_device_choose_pci(sysfs, device, out)
	                                 : fog_device_choose_interface(sysfs, device, out);
}
