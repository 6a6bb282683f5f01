// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// From interfaces to PCI devices, and which of these the host can't spare.
#include <limits.h>
#include <string.h>

#include "host.h"

enum { NICS_DEPTH = 8 }; // VLAN on bridge on bond on device is three

bool host_pci_form(const char *text)
{
	unsigned domain, bus, device, function;
	char rest;

	return sscanf(text, "%4x:%2x:%2x.%1x%c", &domain, &bus, &device, &function, &rest) == 4 ||
	        sscanf(text, "%2x:%2x.%1x%c", &bus, &device, &function, &rest) == 3;
}

// The PCI device that an interface sits on: the last one on its way through sysfs, since virtio and
// the like have a device of their own below it.
static bool nics_device(const struct host *h, const char *interface, char pci[HOST_NAME_LEN])
{
	char path[PATH_MAX], *part, *save;

	pci[0] = '\0';
	if (host_real(h, path, sizeof(path), "/sys/class/net/%s/device", interface) < 0)
		return false;
	for (part = strtok_r(path, "/", &save); part != NULL; part = strtok_r(NULL, "/", &save))
		if (host_pci_form(part))
			snprintf(pci, HOST_NAME_LEN, "%s", part);
	return pci[0] != '\0';
}

bool host_pci_address(const struct host *h, const char *name, char pci[HOST_NAME_LEN])
{
	unsigned domain = 0, bus, device, function;

	if (!host_pci_form(name))
		return nics_device(h, name, pci);
	if (sscanf(name, "%x:%x:%x.%x", &domain, &bus, &device, &function) != 4) {
		domain = 0;
		sscanf(name, "%x:%x.%x", &bus, &device, &function);
	}
	snprintf(pci, HOST_NAME_LEN, "%04x:%02x:%02x.%x", domain, bus, device, function);
	return true;
}

bool host_pci_interface(const struct host *h, const char *pci, char name[HOST_NAME_LEN])
{
	DIR *d = host_folder(h, "/sys/class/net");
	const char *entry;
	char device[HOST_NAME_LEN];
	bool found = false;

	name[0] = '\0';
	while (d != NULL && !found && (entry = host_entry(d)) != NULL) {
		found = nics_device(h, entry, device) && strcmp(device, pci) == 0;
		if (found)
			snprintf(name, HOST_NAME_LEN, "%s", entry);
	}
	if (d != NULL)
		closedir(d);
	return found;
}

// Whether 'interface' stands on the PCI device, itself or through what lies below it; or on a
// virtual function of the device, which goes when the physical one is taken.
static bool nics_stands_on(const struct host *h, const char *interface, const char *pci, int depth)
{
	char device[HOST_NAME_LEN], parent[HOST_NAME_LEN];
	const char *entry;
	bool found = false;

	if (nics_device(h, interface, device)) {
		if (strcmp(device, pci) == 0)
			return true;
		if (host_link(
		            h, parent, sizeof(parent), "/sys/bus/pci/devices/%s/physfn", device
		    ) == 0 &&
		    strcmp(parent, pci) == 0)
			return true;
	}
	DIR *d = depth < NICS_DEPTH ? host_folder(h, "/sys/class/net/%s", interface) : NULL;
	while (d != NULL && !found && (entry = host_entry(d)) != NULL)
		if (strncmp(entry, "lower_", 6) == 0)
			found = nics_stands_on(h, entry + 6, pci, depth + 1);
	if (d != NULL)
		closedir(d);
	return found;
}

static bool nics_is_taken(const char *pci, char taken[][HOST_NAME_LEN], unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (strcmp(taken[i], pci) == 0)
			return true;
	return false;
}

// Physical interfaces of the kernel that stay when 'pci' and 'taken' are gone.
static unsigned nics_left(
        const struct host *h, const char *pci, char taken[][HOST_NAME_LEN], unsigned count
)
{
	DIR *d = host_folder(h, "/sys/class/net");
	const char *entry;
	char device[HOST_NAME_LEN];
	unsigned left = 0;

	while (d != NULL && (entry = host_entry(d)) != NULL)
		if (host_exists(h, "/sys/class/net/%s/device", entry) &&
		    !(nics_device(h, entry, device) &&
		      (strcmp(device, pci) == 0 || nics_is_taken(device, taken, count))))
			left++;
	if (d != NULL)
		closedir(d);
	return left;
}

bool host_pci_needed(
        const struct host *h, const char *pci, char taken[][HOST_NAME_LEN], unsigned count,
        char *why, size_t size
)
{
	struct host_interfaces needed;
	char interface[HOST_NAME_LEN];

	host_interfaces_needed(h, &needed);
	for (unsigned i = 0; i < needed.count; i++)
		if (nics_stands_on(h, needed.at[i].name, pci, 0)) {
			snprintf(why, size, "%s %s", needed.at[i].name, needed.at[i].why);
			return true;
		}
	if (host_pci_interface(h, pci, interface) && nics_left(h, pci, taken, count) == 0) {
		snprintf(why, size, "%s is the only network interface that this host would have "
		"left", interface);
		return true;
	}
	return false;
}
