// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Stage cpus: CPUs of the workers online, for them alone, and at full speed.
// Source: the kernel's Documentation/admin-guide/kernel-parameters.txt, admin-guide/pm/cpufreq.rst.
#include <string.h>

#include "host.h"

#define CPU "/sys/devices/system/cpu"

// A list from the kernel's command line; flags such as "managed_irq," stand in front of the CPUs.
static void cpus_parameter(const struct host *h, const char *name, struct host_cpus *out)
{
	char line[4096], *word, *save;
	size_t len = strlen(name);

	memset(out, 0, sizeof(*out));
	host_read(h, line, sizeof(line), "/proc/cmdline");
	for (word = strtok_r(line, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save)) {
		if (strncmp(word, name, len) != 0 || word[len] != '=')
			continue;
		const char *list = word + len + 1;
		while (*list != '\0' && (*list < '0' || *list > '9'))
			list++;
		host_cpus_parse(out, list);
	}
}

static void cpus_text(const struct host_cpus *c, char *text, size_t size)
{
	host_cpus_text(c, text, size);
	if (text[0] == '\0')
		snprintf(text, size, "none");
}

// What of 'all' is in 'some', too.
static struct host_cpus cpus_both(const struct host_cpus *all, const struct host_cpus *some)
{
	struct host_cpus both;

	for (unsigned i = 0; i < HOST_CPU_WORDS; i++)
		both.word[i] = all->word[i] & some->word[i];
	return both;
}

static bool cpus_check_online(struct host *h)
{
	struct host_cpus online, missing = h->cpus;
	char text[256], have[256];

	host_cpus_read(h, &online, CPU "/online");
	host_cpus_remove(&missing, &online);
	host_cpus_text(&online, have, sizeof(have));
	if (host_cpus_count(&missing) > 0) {
		host_cpus_text(&missing, text, sizeof(text));
		host_say(
		        h, HOST_FAIL, "CPU %s of the workers is not online, online are %s", text,
		        have
		);
		host_mend(h, "set workers.cpus to CPUs of %s", have);
		return false;
	}
	host_cpus_text(&h->cpus, text, sizeof(text));
	host_say(h, HOST_OK, "workers on CPU %s of %s", text, have);
	host_cpus_remove(&online, &h->cpus);
	if (host_cpus_count(&online) == 0) {
		host_say(
		        h, HOST_WARN,
		        "no CPU is left to the manager, the control plane and the kernel"
		);
		host_mend(h, "leave at least one CPU out of workers.cpus");
	}
	return true;
}

static void cpus_check_isolated(struct host *h)
{
	struct host_cpus isolated, partition, tickless, offloaded;
	char workers[256], text[256];

	host_cpus_read(h, &isolated, CPU "/isolated");
	if (host_cpus_read(h, &partition, "/sys/fs/cgroup/cpuset.cpus.isolated"))
		for (unsigned i = 0; i < HOST_CPU_WORDS; i++)
			isolated.word[i] |= partition.word[i];
	if (!host_cpus_read(h, &tickless, CPU "/nohz_full"))
		cpus_parameter(h, "nohz_full", &tickless);
	cpus_parameter(h, "rcu_nocbs", &offloaded);
	for (unsigned i = 0; i < HOST_CPU_WORDS; i++)
		offloaded.word[i] |= tickless.word[i]; // which implies it
	isolated = cpus_both(&h->cpus, &isolated);
	tickless = cpus_both(&h->cpus, &tickless);
	offloaded = cpus_both(&h->cpus, &offloaded);
	unsigned all = host_cpus_count(&h->cpus);
	bool good = host_cpus_count(&isolated) == all && host_cpus_count(&tickless) == all &&
	        host_cpus_count(&offloaded) == all;
	cpus_text(&isolated, text, sizeof(text));
	host_say(h, good ? HOST_OK : HOST_WARN, "of these isolated: %s", text);
	cpus_text(&tickless, text, sizeof(text));
	host_say(h, HOST_OK, "without timer ticks (nohz_full): %s", text);
	cpus_text(&offloaded, text, sizeof(text));
	host_say(h, HOST_OK, "without RCU callbacks (rcu_nocbs): %s", text);
	if (good)
		return;
	host_cpus_text(&h->cpus, workers, sizeof(workers));
	host_mend(
	        h,
	        "add 'isolcpus=managed_irq,domain,%s nohz_full=%s rcu_nocbs=%s' to the kernel's "
	        "command line and start the host again",
	        workers, workers, workers
	);
}

static void cpus_check_siblings(struct host *h, unsigned cpu)
{
	struct host_cpus siblings;
	char text[256];

	if (!host_cpus_read(h, &siblings, CPU "/cpu%u/topology/thread_siblings_list", cpu) ||
	    host_cpus_count(&siblings) < 2)
		return;
	host_cpus_text(&siblings, text, sizeof(text));
	host_say(h, HOST_WARN, "CPU %u shares its core: %s", cpu, text);
	for (unsigned other = 0; other < FOG_CONFIG_CPUS_MAX; other++)
		if (other != cpu && host_cpu_in(&siblings, other))
			host_mend(
			        h, "%s: echo 0 >" CPU "/cpu%u/online",
			        host_cpu_in(&h->cpus, other)
			                ? "keep one CPU a core in workers.cpus, then"
			                : "switch the other thread off",
			        other
			);
}

static void cpus_check_speed(struct host *h)
{
	struct host_cpus slow = {0};
	char governor[64], text[256];
	unsigned scaled = 0;

	for (unsigned cpu = 0; cpu < FOG_CONFIG_CPUS_MAX; cpu++) {
		if (!host_cpu_in(&h->cpus, cpu) ||
		    host_read(
		            h, governor, sizeof(governor), CPU "/cpu%u/cpufreq/scaling_governor",
		            cpu
		    ) <= 0)
			continue;
		scaled++;
		if (strcmp(governor, "performance") != 0)
			host_cpu_add(&slow, cpu);
	}
	if (scaled == 0) {
		host_say(h, HOST_OK, "the kernel doesn't scale their frequency");
		return;
	}
	if (host_cpus_count(&slow) == 0) {
		host_say(h, HOST_OK, "governor performance");
		return;
	}
	host_cpus_text(&slow, text, sizeof(text));
	host_say(h, HOST_WARN, "CPU %s is not under the governor performance", text);
	host_mend(h, "run: fogctl host init cpus");
}

void host_check_cpus(struct host *h)
{
	if (host_cpus_count(&h->cpus) == 0) {
		host_say(
		        h, HOST_SKIP, "which CPUs the workers have a config would say (or --cpus)"
		);
		return;
	}
	if (!cpus_check_online(h))
		return;
	cpus_check_isolated(h);
	for (unsigned cpu = 0; cpu < FOG_CONFIG_CPUS_MAX; cpu++)
		if (host_cpu_in(&h->cpus, cpu))
			cpus_check_siblings(h, cpu);
	cpus_check_speed(h);
}
