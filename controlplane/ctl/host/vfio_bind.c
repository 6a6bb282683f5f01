// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Stage vfio: PCI devices from their kernel driver to vfio-pci, which hands them to the data plane
// behind the IOMMU, and back.
// Source: the kernel's Documentation/driver-api/vfio.rst, ABI/testing/sysfs-bus-pci.
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "../../host/vfio.h"
#include "init.h"

static int vfio_refuse_needed(struct host *h, char list[][HOST_NAME_LEN], unsigned count)
{
	char why[256], driver[HOST_NAME_LEN];

	for (unsigned i = 0; i < count; i++) {
		host_link(h, driver, sizeof(driver), PCI_DEVICE "/driver", list[i]);
		if (vfio_is_bifurcated(driver) || strcmp(driver, "vfio-pci") == 0 ||
		    !host_pci_needed(h, list[i], list, count, why, sizeof(why)))
			continue;
		if (!h->force)
			return host_stop(
			        h, -EPERM,
			        "%s is not taken: %s; use another NIC, or this one with 'driver: "
			        "afxdp', or --force if you have another way to this host",
			        list[i], why
			);
		fprintf(stderr, "fogctl: host vfio: WARNING: %s; taken by --force\n", why);
	}
	return 0;
}

static int vfio_check_groups(struct host *h, char list[][HOST_NAME_LEN], unsigned count)
{
	char others[512];

	for (unsigned i = 0; i < count; i++) {
		if (!host_exists(h, PCI_DEVICE, list[i]))
			return host_stop(
			        h, -ENODEV,
			        "there is no PCI device %s: name one of /sys/bus/pci/devices",
			        list[i]
			);
		if (vfio_class(h, list[i]) != PCI_CLASS_NETWORK)
			return host_stop(
			        h, -EINVAL, "%s is no network device: name a NIC", list[i]
			);
		if (vfio_group_others(h, list[i], list, count, others, sizeof(others)) > 0)
			return host_stop(
			        h, -EBUSY,
			        "the IOMMU group of %s also holds %s: give these to vfio, too "
			        "(--device), or put the card into a slot with a group of its own",
			        list[i], others
			);
	}
	return 0;
}

static int vfio_load(struct host *h, const char *module, const char *path)
{
	char name[HOST_NAME_LEN];

	if (host_exists(h, "%s", path))
		return 0;
	snprintf(name, sizeof(name), "%s", module);
	for (char *p = name; *p != '\0'; p++)
		*p = *p == '-' ? '_' : *p;
	int ret = host_undo_add(
	        h, json_pack("{s:s, s:s, s:s}", "stage", h->stage, "kind", "module", "name", name)
	);
	if (ret < 0)
		return ret;
	ret = host_run(h, (const char *const[]){"modprobe", module, NULL});
	if (ret == 0 && (h->dry || host_exists(h, "%s", path)))
		return 0;
	host_undo_drop(h);
	if (ret == -ENOENT)
		return host_stop(
		        h, ret,
		        "there is no modprobe here: load vfio, vfio_iommu_type1, vfio-pci-core "
		        "and vfio-pci with insmod first (up to Linux 6.1 also vfio_virqfd)"
		);
	return host_stop(
	        h, ret < 0 ? ret : -EIO,
	        "the kernel has no module %s: use a kernel with CONFIG_VFIO_PCI, as Debian's is",
	        module
	);
}

static bool vfio_has_group(const struct host *h, const char *pci)
{
	return host_exists(h, PCI_DEVICE "/iommu_group", pci);
}

// A device without an IOMMU can write anywhere: never without the operator's word.
static int vfio_refuse_noiommu(struct host *h, char list[][HOST_NAME_LEN], unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (vfio_has_group(h, list[i]))
			continue;
		if (!h->force)
			return host_stop(
			        h, -EPERM,
			        "%s has no IOMMU group: run 'fogctl host check iommu --device %s' "
			        "and do what it says; --force takes the device without, and then "
			        "it can read and write all memory",
			        list[i], list[i]
			);
		fprintf(stderr,
		        "fogctl: host vfio: WARNING: %s is taken WITHOUT an IOMMU by --force: "
		        "whoever controls the device can read and write all memory of this host\n",
		        list[i]);
	}
	return 0;
}

static int vfio_allow_noiommu(struct host *h)
{
	int ret = host_set(h, "Y", "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode");

	return ret == 0 ? 0
	                : host_stop(
	                          h, ret,
	                          "this kernel can't do without an IOMMU (%s): use one with "
	                          "CONFIG_VFIO_NOIOMMU, or an IOMMU",
	                          strerror(-ret)
	                  );
}

// Leave a device to the driver 'override', or with "" to the one that the kernel chooses, or with
// 'probe' false to none.
static int vfio_rebind(
        struct host *h, const char *pci, const char *driver, const char *override, bool probe
)
{
	int ret = host_write(h, override, PCI_DEVICE "/driver_override", pci);

	if (ret == 0 && driver[0] != '\0')
		ret = host_write(h, pci, PCI_DEVICE "/driver/unbind", pci);
	if (ret == 0 && probe)
		ret = host_write(h, pci, "/sys/bus/pci/drivers_probe");
	return ret;
}

static int vfio_take(struct host *h, const char *pci)
{
	char driver[HOST_NAME_LEN], override[HOST_NAME_LEN], interface[HOST_NAME_LEN];
	char now[HOST_NAME_LEN];

	host_link(h, driver, sizeof(driver), PCI_DEVICE "/driver", pci);
	if (strcmp(driver, "vfio-pci") == 0)
		return 0;
	if (vfio_is_bifurcated(driver)) {
		printf("# %s stays with %s, which DPDK works through\n", pci, driver);
		return 0;
	}
	int ret = host_read(h, override, sizeof(override), PCI_DEVICE "/driver_override", pci);
	if (ret < 0 || strcmp(override, "(null)") == 0)
		override[0] = '\0';
	host_pci_interface(h, pci, interface);
	printf("# %s: from %s%s%s to vfio-pci\n", pci, driver[0] != '\0' ? driver : "no driver",
	       interface[0] != '\0' ? " as " : "", interface);
	json_t *change =
	        json_pack("{s:s, s:s, s:s}", "stage", h->stage, "kind", "driver", "device", pci);
	json_object_set_new(change, "was", json_string(driver));
	json_object_set_new(change, "override", json_string(override));
	json_object_set_new(change, "interface", json_string(interface));
	ret = host_undo_add(h, change);
	if (ret < 0)
		return ret;
	ret = vfio_rebind(h, pci, driver, "vfio-pci", true);
	host_link(h, now, sizeof(now), PCI_DEVICE "/driver", pci);
	if (h->dry || (ret == 0 && strcmp(now, "vfio-pci") == 0))
		return 0;
	// Back to where it was, so that a failure changes nothing.
	vfio_rebind(h, pci, now, override, driver[0] != '\0');
	host_undo_drop(h);
	return host_stop(
	        h, ret < 0 ? ret : -EIO,
	        "%s could not be bound to vfio-pci (%s), it is back at its driver: 'dmesg | tail' "
	        "says why, 'fogctl host check iommu vfio --device %s' what is missing",
	        pci, ret < 0 ? strerror(-ret) : "vfio-pci refused it", pci
	);
}

int host_init_vfio(struct host *h)
{
	char list[HOST_DEVICES_MAX][HOST_NAME_LEN], pci[HOST_NAME_LEN];
	unsigned count = host_pci_wanted(h, list);
	int ret;

	for (unsigned i = 0; i < h->devices; i++)
		if (!vfio_resolve(h, h->device[i], pci) &&
		    !host_exists(h, "/sys/class/net/%s", h->device[i]))
			return host_stop(
			        h, -ENODEV,
			        "there is no interface %s: give a name that 'ip link' shows, or a "
			        "PCI address",
			        h->device[i]
			);
	if (count == 0)
		return 0;
	if ((ret = vfio_check_groups(h, list, count)) < 0 ||
	    (ret = vfio_refuse_needed(h, list, count)) < 0 ||
	    (ret = vfio_refuse_noiommu(h, list, count)) < 0 ||
	    (ret = vfio_load(h, "vfio-pci", "/sys/bus/pci/drivers/vfio-pci")) < 0)
		return ret;
	for (unsigned i = 0; i < count; i++) {
		if (vfio_has_group(h, list[i]))
			ret = vfio_load(h, "vfio_iommu_type1", "/sys/module/vfio_iommu_type1");
		else
			ret = vfio_allow_noiommu(h);
		if (ret < 0 || (ret = vfio_take(h, list[i])) < 0)
			return ret;
	}
	return 0;
}

// The process that has a group open, 0 when there is none. vfio-pci lets go of a device only after
// that, and unbinding would wait as long.
static long vfio_user(const struct host *h, const char *pci, char comm[HOST_NAME_LEN])
{
	char group[HOST_NAME_LEN], node[HOST_NAME_LEN + 16], at[PATH_MAX];
	DIR *all = host_folder(h, "/proc");
	const char *pid, *fd;
	long user = 0;

	host_link(h, group, sizeof(group), PCI_DEVICE "/iommu_group", pci);
	snprintf(node, sizeof(node), "%s%s", vfio_without_iommu(h, pci) ? "noiommu-" : "", group);
	while (all != NULL && user == 0 && (pid = host_entry(all)) != NULL) {
		DIR *d = isdigit((unsigned char)*pid) ? host_folder(h, "/proc/%s/fd", pid) : NULL;
		while (d != NULL && user == 0 && (fd = host_entry(d)) != NULL) {
			char path[PATH_MAX];
			snprintf(path, sizeof(path), "/proc/%s/fd/%s", pid, fd);
			ssize_t n = readlink(path, at, sizeof(at) - 1);
			at[n > 0 ? n : 0] = '\0';
			if (strncmp(at, "/dev/vfio/", 10) == 0 && strcmp(at + 10, node) == 0 &&
			    sscanf(pid, "%ld", &user) == 1)
				host_read(h, comm, HOST_NAME_LEN, "/proc/%s/comm", pid);
		}
		if (d != NULL)
			closedir(d);
	}
	if (all != NULL)
		closedir(all);
	return user;
}

int host_vfio_undo(struct host *h, const json_t *change)
{
	const char *pci = json_string_value(json_object_get(change, "device"));
	const char *was = json_string_value(json_object_get(change, "was"));
	const char *override = json_string_value(json_object_get(change, "override"));
	char now[HOST_NAME_LEN], comm[HOST_NAME_LEN] = "";
	long user;

	if (pci == NULL || was == NULL || override == NULL)
		return host_stop(
		        h, -EINVAL, "%s is damaged: rebind the device by hand", h->undo_file
		);
	host_link(h, now, sizeof(now), PCI_DEVICE "/driver", pci);
	if (strcmp(now, "vfio-pci") != 0) {
		printf("# %s is not at vfio-pci any more, left as it is\n", pci);
		return 0;
	}
	if (!h->dry && (user = vfio_user(h, pci, comm)) > 0)
		return host_stop(
		        h, -EBUSY,
		        "%s is in use by %s (process %ld): stop it, then run: fogctl host undo",
		        pci, comm, user
		);
	printf("# %s: from vfio-pci to %s\n", pci, was[0] != '\0' ? was : "no driver");
	int ret = vfio_rebind(h, pci, now, override, was[0] != '\0');
	host_link(h, now, sizeof(now), PCI_DEVICE "/driver", pci);
	if (h->dry || (ret == 0 && (was[0] == '\0' || strcmp(now, was) == 0)))
		return 0;
	return host_stop(
	        h, ret < 0 ? ret : -EIO,
	        "%s is not back at %s but at %s: load that driver and run: echo %s "
	        ">/sys/bus/pci/drivers/%s/bind",
	        pci, was, now[0] != '\0' ? now : "no driver", pci, was
	);
}
