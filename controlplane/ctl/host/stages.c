// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "host.h"

// In the order in which init works: what others stand on comes first.
const struct host_stage host_stages[] = {
        {"iommu", host_check_iommu, NULL, "IOMMU and interrupt remapping, for PCI devices"},
        {"vfio", host_check_vfio, host_init_vfio, "PCI devices bound to vfio-pci"},
};
const unsigned host_stage_count = sizeof(host_stages) / sizeof(host_stages[0]);
