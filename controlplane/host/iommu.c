// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Stage iommu: the unit that keeps a device inside the memory that it was given. vfio needs it.
#include <string.h>

#include "host.h"

static unsigned iommu_entries(const struct host *h, const char *folder)
{
	DIR *d = host_folder(h, "%s", folder);
	unsigned n = 0;

	while (d != NULL && host_entry(d) != NULL)
		n++;
	if (d != NULL)
		closedir(d);
	return n;
}

// With interrupt remapping the kernel puts "IR-" in front of the names of its interrupt chips.
static bool iommu_remaps_interrupts(const struct host *h)
{
	FILE *f = host_file(h, "/proc/interrupts");
	char line[8192];
	bool found = false;

	while (f != NULL && !found && fgets(line, sizeof(line), f) != NULL)
		found = strstr(line, " IR-") != NULL;
	if (f != NULL)
		fclose(f);
	return found;
}

static bool iommu_in_file(const struct host *h, const char *path, const char *word)
{
	FILE *f = host_file(h, "%s", path);
	char line[8192];
	bool found = false;

	while (f != NULL && !found && fgets(line, sizeof(line), f) != NULL)
		found = strstr(line, word) != NULL;
	if (f != NULL)
		fclose(f);
	return found;
}

static void iommu_mend(struct host *h)
{
	bool amd = iommu_in_file(h, "/proc/cpuinfo", "AuthenticAMD");
	const char *words = amd ? "amd_iommu=on iommu=pt" : "intel_iommu=on iommu=pt";

	if (iommu_in_file(h, "/proc/cmdline", "iommu=off"))
		host_mend(h, "remove 'iommu=off' from the kernel's command line");
	if (iommu_in_file(h, "/proc/cpuinfo", " hypervisor"))
		host_mend(
		        h,
		        "this is a virtual machine: give it a virtual IOMMU with interrupt "
		        "remapping, or use the port with 'driver: afxdp'"
		);
	else
		host_mend(h, "switch %s on in the firmware", amd ? "AMD-Vi (IOMMU)" : "VT-d");
	host_mend(
	        h,
	        "add '%s' to GRUB_CMDLINE_LINUX in /etc/default/grub, run update-grub, start the "
	        "host again",
	        words
	);
}

void host_check_iommu(struct host *h)
{
	char pci[HOST_DEVICES_MAX][HOST_NAME_LEN];
	unsigned wanted = host_pci_wanted(h, pci);
	unsigned groups = iommu_entries(h, "/sys/kernel/iommu_groups");
	unsigned units = iommu_entries(h, "/sys/class/iommu");

	if (wanted == 0) {
		host_say(
		        h, HOST_SKIP, "no PCI device is asked for; this host has %u IOMMU groups",
		        groups
		);
		return;
	}
	if (groups == 0) {
		host_say(
		        h, HOST_FAIL, "%u PCI device%s an IOMMU, the kernel has %s", wanted,
		        wanted == 1 ? " needs" : "s need",
		        units == 0 ? "none" : "one that is switched off"
		);
		iommu_mend(h);
		return;
	}
	host_say(h, HOST_OK, "%u units, %u groups", units, groups);
	if (iommu_remaps_interrupts(h)) {
		host_say(h, HOST_OK, "interrupts are remapped");
		return;
	}
	// vfio refuses such a host unless it is told to trust the device.
	if (iommu_in_file(
	            h, "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "Y"
	    )) {
		host_say(
		        h, HOST_WARN,
		        "interrupts are not remapped, and vfio was told to allow that: a device "
		        "can fake interrupts"
		);
		host_mend(h, "switch interrupt remapping on in the firmware");
		return;
	}
	host_say(h, HOST_FAIL, "interrupts are not remapped: vfio refuses devices");
	host_mend(
	        h,
	        "switch interrupt remapping (x2APIC) on in the firmware, and remove "
	        "'intremap=off' and 'nointremap' from the kernel's command line"
	);
}
