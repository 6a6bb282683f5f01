// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Stage irq: interrupts of devices away from the workers' CPUs.
// Source: the kernel's Documentation/core-api/irq/irq-affinity.rst.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

#define IRQ "/proc/irq/%u"

unsigned host_irq_list(const struct host *h, unsigned *irq, unsigned max)
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
bool host_irq_disturbs(const struct host *h, unsigned irq)
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
	unsigned all = host_irq_list(h, irq, sizeof(irq) / sizeof(irq[0])), disturbing = 0;
	for (unsigned i = 0; i < all; i++)
		if (host_irq_disturbs(h, irq[i]))
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
