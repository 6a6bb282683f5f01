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

void host_check_sysctl(struct host *h)
{
	long long value;

	for (unsigned i = 0; i < sizeof(sysctls) / sizeof(sysctls[0]); i++) {
		const struct sysctl *s = &sysctls[i];
		bool bad = sysctl_bad(h, s, &value);
		char name[64];
		snprintf(name, sizeof(name), "%s", s->path);
		for (char *p = name; *p != '\0'; p++)
			*p = *p == '/' ? '.' : *p;
		if (value < 0)
			continue;
		host_say(
		        h, bad ? HOST_WARN : HOST_OK, "%s %lld%s%s", name, value, bad ? ": " : "",
		        bad ? s->why : ""
		);
		if (bad)
			host_mend(
			        h, "run: fogctl host init sysctl (or sysctl %s=%s)", name, s->set
			);
	}
}

int host_init_sysctl(struct host *h)
{
	long long value;

	for (unsigned i = 0; i < sizeof(sysctls) / sizeof(sysctls[0]); i++) {
		if (!sysctl_bad(h, &sysctls[i], &value))
			continue;
		int ret = host_set(h, sysctls[i].set, "/proc/sys/%s", sysctls[i].path);
		if (ret < 0)
			return host_stop(
			        h, ret, "/proc/sys/%s: %s: set it in the host, not in a container",
			        sysctls[i].path, strerror(-ret)
			);
	}
	return 0;
}
