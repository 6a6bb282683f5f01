// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What looking at PCI devices (vfio.c) and binding them (vfio_bind.c) share.
#pragma once

#include "host.h"

enum { PCI_CLASS_NETWORK = 0x02, PCI_CLASS_BRIDGE = 0x06 };

#define PCI_DEVICE "/sys/bus/pci/devices/%s"

// PCI address of a name of --device, also of an interface that is gone because vfio has its device.
bool vfio_resolve(const struct host *, const char *name, char pci[HOST_NAME_LEN]);
// Drivers whose devices DPDK uses through the kernel driver itself: vfio would only take it away.
bool vfio_is_bifurcated(const char *driver);
unsigned vfio_class(const struct host *, const char *pci); // base class, 0 when it is not known
bool vfio_without_iommu(const struct host *, const char *pci); // bound, but without protection
// Devices of the group that another driver holds, and that are not in 'wanted', as a list. Returns
// their number. The whole group goes to one owner: its devices reach each other past the IOMMU.
unsigned vfio_group_others(
        const struct host *, const char *pci, char wanted[][HOST_NAME_LEN], unsigned count,
        char *list, size_t size
);
