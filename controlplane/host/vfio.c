// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Stage vfio: are the PCI devices bound to vfio-pci, and can they be?
// Source: the kernel's Documentation/driver-api/vfio.rst, ABI/testing/sysfs-bus-pci.
#include "vfio.h"

#include <string.h>

// The record knows the name that an interface had.
bool vfio_resolve(const struct host *h, const char *name, char pci[HOST_NAME_LEN])
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

bool vfio_is_bifurcated(const char *driver)
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

unsigned vfio_class(const struct host *h, const char *pci)
{
	return (unsigned)host_number(h, 0, PCI_DEVICE "/class", pci) >> 16 & 0xff;
}

unsigned vfio_group_others(
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

bool vfio_without_iommu(const struct host *h, const char *pci)
{
	char name[HOST_NAME_LEN];

	host_read(h, name, sizeof(name), PCI_DEVICE "/iommu_group/name", pci);
	return strcmp(name, "vfio-noiommu") == 0;
}

void host_check_node(struct host *h, const char *pci)
{
	long long node = host_number(h, -1, PCI_DEVICE "/numa_node", pci);

	for (unsigned cpu = 0; cpu < FOG_CONFIG_CPUS_MAX && node >= 0; cpu++) {
		if (!host_cpu_in(&h->cpus, cpu) || host_cpu_node(h, cpu) == node)
			continue;
		host_say(
		        h, HOST_WARN, "%s is on NUMA node %lld, the worker's CPU %u on node %u",
		        pci, node, cpu, host_cpu_node(h, cpu)
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

	host_say(h, HOST_FAIL, "%s is bound to %s%s%s", pci, driver[0] != '\0' ? driver : "no "
	"driver", host_pci_interface(h, pci, interface) ? " as " : "", interface);
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
		        "give these to vfio, too (--device), or put the card into a slot with a "
		        "group of its own"
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
