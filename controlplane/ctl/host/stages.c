// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "host.h"

// In the order in which init works: what others stand on comes first.
const struct host_stage host_stages[] = {
        {"config", host_check_config, NULL, "the configuration by itself"},
        {"cpu", host_check_cpu, NULL, "what the processor can do, and the crypto that means"},
        {"kernel", host_check_kernel, host_init_kernel, "XDP, AF_XDP, bpffs, seccomp, landlock"},
        {"sysctl", host_check_sysctl, host_init_sysctl, "settings that cost speed or safety"},
        {"hugepages", host_check_hugepages, host_init_hugepages,
         "pages for packet memory, per node"},
        {"replay", host_check_replay, NULL, "room for the replay tables"},
        {"memlock", host_check_memlock, NULL, "how much memory may be locked"},
        {"iommu", host_check_iommu, NULL, "IOMMU and interrupt remapping, for PCI devices"},
        {"vfio", host_check_vfio, host_init_vfio, "PCI devices bound to vfio-pci"},
        {"queues", host_check_queues, host_init_queues, "receive queues, offloads, busy polling"},
        {"cpus", host_check_cpus, host_init_cpus,
         "the workers' CPUs: isolated, alone, at full speed"},
        {"irq", host_check_irq, host_init_irq, "interrupts away from the workers' CPUs"},
        {"clock", host_check_clock, NULL, "the wall clock is synchronised"},
};
const unsigned host_stage_count = sizeof(host_stages) / sizeof(host_stages[0]);
