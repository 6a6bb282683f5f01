// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Stage sysctl: settings of the kernel that cost speed or safety.
// Source: the kernel's Documentation/admin-guide/sysctl/.
#include <errno.h>
#include <string.h>

#include "host.h"

struct sysctl {
	const char *path;
	long long least, most; // what is good
	const char *set; // what init makes of it
	bool many_nodes; // matters only with more than one NUMA node
	const char *why;
};

static const struct sysctl sysctls[] = {
        {"net/core/bpf_jit_enable", 1, 2, "1", false,
         "BPF programs are interpreted, several times slower"},
        {"kernel/unprivileged_bpf_disabled", 1, 2, "2", false, "every user may load BPF programs"},
        {"kernel/numa_balancing", 0, 0, "0", true, "the kernel moves the workers' pages about"},
};

static bool sysctl_many_nodes(const struct host *h)
{
	return host_exists(h, "/sys/devices/system/node/node1");
}

static bool sysctl_bad(const struct host *h, const struct sysctl *s, long long *value)
{
	// A kernel without the key has nothing to set; without the JIT, CONFIG_BPF_JIT_ALWAYS_ON.
	*value = host_number(h, -1, "/proc/sys/%s", s->path);
	if (*value < 0 || (s->many_nodes && !sysctl_many_nodes(h)))
		return false;
	return *value < s->least || *value > s->most;
}

bool host_sysctl_next(const struct host *h, unsigned *i, struct host_sysctl *out)
{
	const struct sysctl *s = &sysctls[*i];

	if (*i >= sizeof(sysctls) / sizeof(sysctls[0]))
		return false;
	(*i)++;
	*out = (struct host_sysctl){.path = s->path, .set = s->set, .why = s->why};
	out->bad = sysctl_bad(h, s, &out->value);
	return true;
}

void host_check_sysctl(struct host *h)
{
	struct host_sysctl s;

	for (unsigned i = 0; host_sysctl_next(h, &i, &s);) {
		char name[64];
		snprintf(name, sizeof(name), "%s", s.path);
		for (char *p = name; *p != '\0'; p++)
			*p = *p == '/' ? '.' : *p;
		if (s.value < 0)
			continue;
		host_say(
		        h, s.bad ? HOST_WARN : HOST_OK, "%s %lld%s%s", name, s.value,
		        s.bad ? ": " : "", s.bad ? s.why : ""
		);
		if (s.bad)
			host_mend(h, "run: fogctl host init sysctl (or sysctl %s=%s)", name, s.set);
	}
}
