// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Stage irq: interrupts of devices away from the workers' CPUs.
// Source: the kernel's Documentation/core-api/irq/irq-affinity.rst.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

#define IRQ "/proc/irq/%u"

// Numbers of the interrupts that have a handler; returns how many.
static unsigned irq_list(const struct host *h, unsigned *irq, unsigned max)
{
	FILE *f = host_file(h, "/proc/interrupts");
	char *line = NULL;
	size_t room = 0;
	unsigned n = 0;

	while (f != NULL && n < max && getline(&line, &room, f) > 0)
		n += sscanf(line, " %u:", &irq[n]) == 1;
	free(line);
	if (f != NULL)
		fclose(f);
	return n;
}

// Within what is allowed the kernel chooses one place. A new setting moves an interrupt when it comes
// the next time, so the place alone tells too little.
static bool irq_disturbs(const struct host *h, unsigned irq)
{
	struct host_cpus allowed, at;

	host_cpus_read(h, &allowed, IRQ "/smp_affinity_list", irq);
	if (!host_cpus_meet(&allowed, &h->cpus))
		return false;
	return !host_cpus_read(h, &at, IRQ "/effective_affinity_list", irq) ||
	        host_cpus_count(&at) == 0 || host_cpus_meet(&at, &h->cpus);
}

static bool irq_balanced(struct host *h)
{
	if (!host_running(h, "irqbalance"))
		return false;
	char workers[256];
	host_cpus_text(&h->cpus, workers, sizeof(workers));
	host_say(h, HOST_WARN, "irqbalance runs and moves interrupts as it likes");
	host_mend(
	        h,
	        "set 'IRQBALANCE_BANNED_CPULIST=%s' in /etc/default/irqbalance and restart it, or "
	        "stop it: systemctl disable --now irqbalance",
	        workers
	);
	return true;
}

void host_check_irq(struct host *h)
{
	unsigned irq[4096];
	char list[512] = "";

	if (host_cpus_count(&h->cpus) == 0) {
		host_say(
		        h, HOST_SKIP, "which CPUs the workers have a config would say (or --cpus)"
		);
		return;
	}
	unsigned all = irq_list(h, irq, sizeof(irq) / sizeof(irq[0])), disturbing = 0;
	for (unsigned i = 0; i < all; i++)
		if (irq_disturbs(h, irq[i]))
			host_add(list, sizeof(list), "%s%u", disturbing++ > 0 ? "," : "", irq[i]);
	irq_balanced(h);
	if (disturbing == 0) {
		host_say(
		        h, HOST_OK, "none of %u interrupts is delivered to the workers' CPUs", all
		);
		return;
	}
	host_say(
	        h, HOST_WARN, "%u of %u interrupts are delivered to the workers' CPUs: %s",
	        disturbing, all, list
	);
	host_mend(
	        h,
	        "run: fogctl host init irq; those that the kernel places itself stay, for these "
	        "isolcpus=managed_irq is needed (stage cpus)"
	);
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
	unsigned all = irq_list(h, irq, sizeof(irq) / sizeof(irq[0]));
	for (unsigned i = 0; i < all; i++) {
		if (!irq_disturbs(h, irq[i]))
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
