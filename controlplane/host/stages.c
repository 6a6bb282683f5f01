// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "host.h"

static const char *const cpu_needs[] = {"/proc/cpuinfo", NULL};
static const char *const sysctl_needs[] = {"/proc/sys/kernel/unprivileged_bpf_disabled", NULL};
// /proc/1: other users' processes, among them the data plane, are seen.
static const char *const hugepages_needs[] = {
        "/proc/meminfo", "/proc/1/status", "/sys/devices/system/node", NULL};
static const char *const cpus_needs[] = {"/proc/cmdline", "/sys/devices/system/cpu/online", NULL};
static const char *const irq_needs[] = {"/proc/interrupts", "/proc/irq", "/proc/1/status", NULL};

// In the order in which init works: what others stand on comes first.
const struct host_stage host_stages[] = {
        {"config", host_check_config, "the configuration by itself", false, NULL},
        {"cpu", host_check_cpu, "what the processor can do, and the crypto that means", false,
         cpu_needs},
        {"kernel", host_check_kernel, "XDP, AF_XDP, bpffs, seccomp, landlock", true, NULL},
        {"sysctl", host_check_sysctl, "settings that cost speed or safety", false, sysctl_needs},
        {"hugepages", host_check_hugepages, "pages for packet memory, per node", false,
         hugepages_needs},
        {"replay", host_check_replay, "room for the replay tables", false, NULL},
        {"memlock", host_check_memlock, "how much memory may be locked", true, NULL},
        {"iommu", host_check_iommu, "IOMMU and interrupt remapping, for PCI devices", true, NULL},
        {"vfio", host_check_vfio, "PCI devices bound to vfio-pci", true, NULL},
        {"queues", host_check_queues, "receive queues, offloads, busy polling", true, NULL},
        {"cpus", host_check_cpus, "the workers' CPUs: isolated, alone, at full speed", false,
         cpus_needs},
        {"irq", host_check_irq, "interrupts away from the workers' CPUs", false, irq_needs},
        {"clock", host_check_clock, "the wall clock is synchronised", true, NULL},
};
const unsigned host_stage_count = sizeof(host_stages) / sizeof(host_stages[0]);
