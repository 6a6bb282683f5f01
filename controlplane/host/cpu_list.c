// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

bool host_cpu_in(const struct host_cpus *c, unsigned cpu)
{
	return cpu < FOG_CONFIG_CPUS_MAX && (c->word[cpu / 64] >> cpu % 64 & 1) != 0;
}

void host_cpu_add(struct host_cpus *c, unsigned cpu)
{
	if (cpu < FOG_CONFIG_CPUS_MAX)
		c->word[cpu / 64] |= UINT64_C(1) << cpu % 64;
}

unsigned host_cpus_count(const struct host_cpus *c)
{
	unsigned n = 0;

	for (unsigned i = 0; i < HOST_CPU_WORDS; i++)
		n += (unsigned)__builtin_popcountll(c->word[i]);
	return n;
}

bool host_cpus_meet(const struct host_cpus *a, const struct host_cpus *b)
{
	for (unsigned i = 0; i < HOST_CPU_WORDS; i++)
		if ((a->word[i] & b->word[i]) != 0)
			return true;
	return false;
}

void host_cpus_remove(struct host_cpus *from, const struct host_cpus *what)
{
	for (unsigned i = 0; i < HOST_CPU_WORDS; i++)
		from->word[i] &= ~what->word[i];
}

int host_cpus_parse(struct host_cpus *c, const char *text)
{
	memset(c, 0, sizeof(*c));
	while (*text != '\0') {
		char *end;
		if (*text < '0' || *text > '9')
			return -EINVAL;
		unsigned long first = strtoul(text, &end, 10), last = first;
		if (*end == '-') {
			if (end[1] < '0' || end[1] > '9')
				return -EINVAL;
			last = strtoul(end + 1, &end, 10);
		}
		if (last < first || last >= FOG_CONFIG_CPUS_MAX || (*end != ',' && *end != '\0'))
			return -EINVAL;
		for (unsigned long cpu = first; cpu <= last; cpu++)
			host_cpu_add(c, (unsigned)cpu);
		text = end + (*end == ',');
	}
	return 0;
}

void host_cpus_text(const struct host_cpus *c, char *text, size_t size)
{
	text[0] = '\0';
	for (unsigned cpu = 0; cpu < FOG_CONFIG_CPUS_MAX; cpu++) {
		unsigned last = cpu;
		if (!host_cpu_in(c, cpu))
			continue;
		while (host_cpu_in(c, last + 1))
			last++;
		host_add(text, size, "%s%u", text[0] != '\0' ? "," : "", cpu);
		if (last > cpu)
			host_add(text, size, "-%u", last);
		cpu = last;
	}
}

bool host_cpus_read(const struct host *h, struct host_cpus *c, const char *format, ...)
{
	char path[256], text[4096];
	va_list args;

	memset(c, 0, sizeof(*c));
	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	return host_read(h, text, sizeof(text), "%s", path) >= 0 && host_cpus_parse(c, text) == 0;
}

unsigned host_cpu_node(const struct host *h, unsigned cpu)
{
	for (unsigned node = 0; node < HOST_NODES_MAX; node++)
		if (host_exists(h, "/sys/devices/system/node/node%u/cpu%u", node, cpu))
			return node;
	return 0;
}
