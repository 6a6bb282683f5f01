// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What init sets: governors, interrupts, sysctls, bpffs.
#include <errno.h>
#include <string.h>
#include <sys/mount.h>

#include "init.h"

#define CPU "/sys/devices/system/cpu"
#define IRQ "/proc/irq/%u"

int host_init_cpus(struct host *h)
{
	for (unsigned cpu = 0; cpu < FOG_CONFIG_CPUS_MAX; cpu++) {
		if (!host_cpu_in(&h->cpus, cpu) ||
		    !host_exists(h, CPU "/cpu%u/cpufreq/scaling_governor", cpu))
			continue;
		int ret = host_set(h, "performance", CPU "/cpu%u/cpufreq/scaling_governor", cpu);
		if (ret < 0)
			return host_stop(
			        h, ret,
			        "CPU %u has no governor performance (%s): set it in the firmware",
			        cpu, strerror(-ret)
			);
	}
	return 0;
}

// New value for an interrupt: what it was allowed without the workers, else all other CPUs.
static void irq_elsewhere(
        const struct host *h, unsigned irq, const struct host_cpus *others, char *text, size_t size
)
{
	struct host_cpus allowed;

	host_cpus_read(h, &allowed, IRQ "/smp_affinity_list", irq);
	host_cpus_remove(&allowed, &h->cpus);
	host_cpus_text(host_cpus_count(&allowed) > 0 ? &allowed : others, text, size);
}

int host_init_irq(struct host *h)
{
	struct host_cpus others;
	unsigned irq[4096];
	char text[512];

	if (host_cpus_count(&h->cpus) == 0)
		return 0;
	host_cpus_read(h, &others, "/sys/devices/system/cpu/online");
	host_cpus_remove(&others, &h->cpus);
	if (host_cpus_count(&others) == 0)
		return host_stop(
		        h, -EINVAL, "the workers have all CPUs: leave one out of workers.cpus"
		);
	unsigned all = host_irq_list(h, irq, sizeof(irq) / sizeof(irq[0]));
	for (unsigned i = 0; i < all; i++) {
		if (!host_irq_disturbs(h, irq[i]))
			continue;
		irq_elsewhere(h, irq[i], &others, text, sizeof(text));
		int ret = host_set(h, text, IRQ "/smp_affinity_list", irq[i]);
		// Interrupts per CPU and those with a placement by the kernel refuse, always.
		if (ret == -EIO || ret == -EPERM || ret == -EINVAL) {
			printf("# interrupt %u is placed by the kernel itself, it stays\n", irq[i]);
			h->changes--;
		} else if (ret < 0) {
			return host_stop(
			        h, ret,
			        "/proc/irq/%u: %s: move this interrupt by hand, or leave its CPU "
			        "to it in workers.cpus",
			        irq[i], strerror(-ret)
			);
		}
	}
	return 0;
}

int host_init_sysctl(struct host *h)
{
	struct host_sysctl s;

	for (unsigned i = 0; host_sysctl_next(h, &i, &s);) {
		if (!s.bad)
			continue;
		int ret = host_set(h, s.set, "/proc/sys/%s", s.path);
		if (ret < 0)
			return host_stop(
			        h, ret, "/proc/sys/%s: %s: set it in the host, not in a container",
			        s.path, strerror(-ret)
			);
	}
	return 0;
}

int host_init_kernel(struct host *h)
{
	if (!host_kernel_needs_xdp(h) || host_kernel_has_bpffs(h))
		return 0;
	puts("mount -t bpf -o nosuid,nodev,noexec,mode=0700 bpf " HOST_BPFFS);
	fflush(stdout);
	h->changes++;
	if (h->dry)
		return 0;
	int ret = host_undo_add(
	        h,
	        json_pack("{s:s, s:s, s:s}", "stage", h->stage, "kind", "mount", "path", HOST_BPFFS)
	);
	if (ret < 0)
		return ret;
	if (mount("bpf", HOST_BPFFS, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") == 0)
		return 0;
	ret = -errno;
	host_undo_drop(h);
	return host_stop(
	        h, ret,
	        "bpffs at " HOST_BPFFS
	        ": %s: use a kernel with CONFIG_BPF_SYSCALL, and mount /sys first",
	        strerror(-ret)
	);
}

int host_mount_undo(struct host *h, const json_t *change)
{
	const char *path = json_string_value(json_object_get(change, "path"));

	if (path == NULL || strcmp(path, HOST_BPFFS) != 0 || !host_kernel_has_bpffs(h))
		return 0;
	printf("umount %s\n", path);
	fflush(stdout);
	h->changes++;
	if (h->dry || umount2(path, UMOUNT_NOFOLLOW) == 0)
		return 0;
	int ret = -errno;
	return host_stop(
	        h, ret, "%s: %s: stop what has pinned something there, then run: fogctl host undo",
	        path, strerror(-ret)
	);
}
