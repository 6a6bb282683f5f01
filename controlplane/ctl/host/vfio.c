// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Stage vfio: PCI devices bound to vfio-pci, which hands them to the data plane behind the IOMMU.
// Source: the kernel's Documentation/driver-api/vfio.rst, ABI/testing/sysfs-bus-pci.
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "host.h"

enum { PCI_CLASS_NETWORK = 0x02, PCI_CLASS_BRIDGE = 0x06 };

#define PCI_DEVICE "/sys/bus/pci/devices/%s"

// The interface of a device that vfio has already is gone, but the record knows its name.
static bool vfio_resolve(const struct host *h, const char *name, char pci[HOST_NAME_LEN])
{
	if (host_pci_address(h, name, pci))
		return true;
	const json_t *change = host_undo_find(h, "driver", "interface", name);
	if (change == NULL)
		return false;
	snprintf(pci, HOST_NAME_LEN, "%s", json_string_value(json_object_get(change, "device")));
	return true;
}

static unsigned vfio_add(char list[][HOST_NAME_LEN], unsigned count, const char *pci)
{
	for (unsigned i = 0; i < count; i++)
		if (strcmp(list[i], pci) == 0)
			return count;
	if (count < HOST_DEVICES_MAX)
		snprintf(list[count++], HOST_NAME_LEN, "%s", pci);
	return count;
}

unsigned host_pci_wanted(struct host *h, char list[][HOST_NAME_LEN])
{
	unsigned count = 0;
	char pci[HOST_NAME_LEN];

	for (unsigned i = 0; i < h->devices; i++)
		if (vfio_resolve(h, h->device[i], pci))
			count = vfio_add(list, count, pci);
	if (h->devices > 0 || h->config == NULL)
		return count;
	for (uint32_t i = 0; i < h->config->port_count; i++) {
		const struct fog_config_port *port = &h->config->port[i];
		char device[sizeof(port->device)];
		snprintf(device, sizeof(device), "%s", port->device);
		device[strcspn(device, ",")] = '\0'; // what follows are DPDK's arguments
		if (port->driver == FOG_DRIVER_DPDK && host_pci_form(device) &&
		    host_pci_address(h, device, pci))
			count = vfio_add(list, count, pci);
	}
	return count;
}

// Drivers whose devices DPDK uses through the kernel driver itself: vfio would only take it away.
static bool vfio_is_bifurcated(const char *driver)
{
	static const char *const name[] = {"mlx4_core", "mlx5_core", "mana"};

	for (unsigned i = 0; i < sizeof(name) / sizeof(name[0]); i++)
		if (strcmp(driver, name[i]) == 0)
			return true;
	return false;
}

// Drivers that leave a group usable for vfio.
static bool vfio_is_neutral(const char *driver)
{
	return driver[0] == '\0' || strcmp(driver, "vfio-pci") == 0 ||
	        strcmp(driver, "pci-stub") == 0 || strcmp(driver, "pcieport") == 0;
}

static unsigned vfio_class(const struct host *h, const char *pci)
{
	return (unsigned)host_number(h, 0, PCI_DEVICE "/class", pci) >> 16 & 0xff;
}

// Devices of the group that another driver holds, and that are not in 'wanted', as a list. The whole
// group goes to one owner, because its devices can reach each other past the IOMMU.
static unsigned vfio_group_others(
        const struct host *h, const char *pci, char wanted[][HOST_NAME_LEN], unsigned count,
        char *list, size_t size
)
{
	DIR *d = host_folder(h, PCI_DEVICE "/iommu_group/devices", pci);
	const char *other;
	char driver[HOST_NAME_LEN];
	unsigned n = 0;

	list[0] = '\0';
	while (d != NULL && (other = host_entry(d)) != NULL) {
		bool ours = false;
		for (unsigned i = 0; i < count; i++)
			ours |= strcmp(wanted[i], other) == 0;
		host_link(h, driver, sizeof(driver), PCI_DEVICE "/driver", other);
		if (ours || vfio_is_neutral(driver) || vfio_class(h, other) == PCI_CLASS_BRIDGE)
			continue;
		host_add(list, size, "%s%s (%s)", n++ > 0 ? ", " : "", other, driver);
	}
	if (d != NULL)
		closedir(d);
	return n;
}

static bool vfio_without_iommu(const struct host *h, const char *pci)
{
	char name[HOST_NAME_LEN];

	host_read(h, name, sizeof(name), PCI_DEVICE "/iommu_group/name", pci);
	return strcmp(name, "vfio-noiommu") == 0;
}

void host_check_node(struct host *h, const char *pci)
{
	long long node = host_number(h, -1, PCI_DEVICE "/numa_node", pci);

	if (h->config == NULL || node < 0)
		return;
	for (uint32_t i = 0; i < h->config->workers.cpu_count; i++) {
		unsigned cpu = h->config->workers.cpu[i];
		if (cpu >= FOG_CONFIG_CPUS_MAX || h->machine.node[cpu] == node)
			continue;
		host_say(
		        h, HOST_WARN, "%s is on NUMA node %lld, the worker's CPU %u on node %u",
		        pci, node, cpu, h->machine.node[cpu]
		);
		host_mend(h, "set workers.cpus to CPUs of node %lld", node);
		return;
	}
}

static void vfio_check_taken(struct host *h, const char *pci, const char *group)
{
	if (vfio_without_iommu(h, pci)) {
		host_say(
		        h, HOST_WARN,
		        "%s is bound to vfio-pci WITHOUT an IOMMU: it can read and write all memory",
		        pci
		);
		host_mend(h, "see the stage iommu");
	} else {
		host_say(h, HOST_OK, "%s is bound to vfio-pci, IOMMU group %s", pci, group);
	}
	if (group[0] != '\0' && !vfio_without_iommu(h, pci) &&
	    !host_exists(h, "/dev/vfio/%s", group)) {
		host_say(h, HOST_FAIL, "/dev/vfio/%s is missing", group);
		host_mend(h, "let udev run, or make the node from /sys/class/vfio/%s/dev", group);
	}
}

static void vfio_check_free(struct host *h, const char *pci, const char *driver)
{
	char why[256], interface[HOST_NAME_LEN];

	host_say(h, HOST_FAIL, "%s is bound to %s%s%s", pci, driver[0] != '\0' ? driver : "no driver", host_pci_interface(h, pci, interface) ? " as " : "", interface);
	if (!host_pci_needed(h, pci, NULL, 0, why, sizeof(why))) {
		host_mend(h, "run: fogctl host init vfio --device %s", pci);
		return;
	}
	host_say(h, HOST_FAIL, "%s", why);
	host_mend(h, "use another NIC for this port, or this one with 'driver: afxdp'");
}

static void vfio_check_one(
        struct host *h, const char *pci, char wanted[][HOST_NAME_LEN], unsigned count
)
{
	char driver[HOST_NAME_LEN], group[HOST_NAME_LEN], others[512];

	if (!host_exists(h, PCI_DEVICE, pci)) {
		host_say(h, HOST_FAIL, "there is no PCI device %s", pci);
		host_mend(h, "name one of those that 'ls /sys/bus/pci/devices' shows");
		return;
	}
	host_link(h, driver, sizeof(driver), PCI_DEVICE "/driver", pci);
	host_link(h, group, sizeof(group), PCI_DEVICE "/iommu_group", pci);
	if (vfio_class(h, pci) != PCI_CLASS_NETWORK) {
		host_say(
		        h, HOST_FAIL, "%s is no network device (class 0x%02x)", pci,
		        vfio_class(h, pci)
		);
		host_mend(h, "name a NIC");
		return;
	}
	host_check_node(h, pci);
	if (vfio_is_bifurcated(driver)) {
		host_say(h, HOST_OK, "%s: DPDK works through its kernel driver %s", pci, driver);
		return;
	}
	if (strcmp(driver, "igb_uio") == 0 || strcmp(driver, "uio_pci_generic") == 0) {
		host_say(h, HOST_WARN, "%s is bound to %s, which has no IOMMU", pci, driver);
		host_mend(h, "run: fogctl host init vfio --device %s", pci);
		return;
	}
	if (strcmp(driver, "vfio-pci") == 0)
		vfio_check_taken(h, pci, group);
	else
		vfio_check_free(h, pci, driver);
	if (vfio_group_others(h, pci, wanted, count, others, sizeof(others)) > 0) {
		host_say(h, HOST_FAIL, "IOMMU group %s also holds %s", group, others);
		host_mend(
		        h,
		        "give these to vfio, too (--device), or put the card into a slot with a group "
		        "of its own"
		);
	}
}

void host_check_vfio(struct host *h)
{
	char list[HOST_DEVICES_MAX][HOST_NAME_LEN], pci[HOST_NAME_LEN];
	unsigned count = host_pci_wanted(h, list), lost = 0;

	for (unsigned i = 0; i < h->devices; i++)
		if (!vfio_resolve(h, h->device[i], pci)) {
			// A veth or another interface without a PCI device is for the stage queues.
			if (host_exists(h, "/sys/class/net/%s", h->device[i]))
				continue;
			lost++;
			host_say(h, HOST_FAIL, "there is no interface %s", h->device[i]);
			host_mend(h, "give a name that 'ip link' shows, or a PCI address");
		}
	if (count == 0 && lost == 0) {
		host_say(
		        h, HOST_SKIP, "%s",
		        h->config != NULL ? "no port of the config is a PCI device"
		                          : "no PCI device is asked for (--device, or a config)"
		);
		return;
	}
	for (unsigned i = 0; i < count; i++)
		vfio_check_one(h, list[i], list, count);
}

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
			        "%s is not taken: %s; use another NIC, or this one with 'driver: afxdp', "
			        "or --force if you have another way to this host",
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
			        "the IOMMU group of %s also holds %s: give these to vfio, too (--device), "
			        "or put the card into a slot with a group of its own",
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
	int ret = h->dry ? 0
	                 : host_undo_add(
	                           h,
	                           json_pack(
	                                   "{s:s, s:s, s:s}", "stage", h->stage, "kind", "module",
	                                   "name", name
	                           )
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
		        "there is no modprobe here: load vfio, vfio_iommu_type1, vfio-pci-core and vfio-pci "
		        "with insmod first (up to Linux 6.1 also vfio_virqfd)"
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
			        "%s has no IOMMU group: run 'fogctl host check iommu --device %s' and do what it says; --force takes the device without, and then it can read and write all memory",
			        list[i], list[i]
			);
		fprintf(stderr,
		        "fogctl: host vfio: WARNING: %s is taken WITHOUT an IOMMU by --force: whoever controls the device can read and write all memory of this host\n",
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
	ret = h->dry
	        ? 0
	        : host_undo_add(
	                  h,
	                  json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "stage", h->stage, "kind", "driver", "device", pci, "was", driver, "override", override, "interface", interface)
	          );
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
	        "%s could not be bound to vfio-pci (%s), it is back at its driver: 'dmesg | tail' says "
	        "why, 'fogctl host check iommu vfio --device %s' what is missing",
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
			        "there is no interface %s: give a name that 'ip link' shows, or a PCI address",
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
	const char *pci, *was, *override, *interface;
	char now[HOST_NAME_LEN], comm[HOST_NAME_LEN] = "";
	long user;

	if (json_unpack((json_t *)change, "{s:s, s:s, s:s, s:s}", "device", &pci, "was", &was, "override", &override, "interface", &interface) <
	    0)
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
	        "%s is not back at %s but at %s: load that driver and run: "
	        "echo %s >/sys/bus/pci/drivers/%s/bind",
	        pci, was, now[0] != '\0' ? now : "no driver", pci, was
	);
}
