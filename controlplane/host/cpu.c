// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Stage cpu: what the processor can do, and which of our implementations that means.
#include <stdlib.h>
#include <string.h>

#include "../../dataplane/crypto/ops.h"
#include "host.h"

// The flags of the first CPU, with a blank on both sides of each. False: there are none to read.
static bool cpu_flags(const struct host *h, char *flags, size_t size)
{
	FILE *f = host_file(h, "/proc/cpuinfo");
	char *line = NULL;
	size_t room = 0;

	flags[0] = '\0';
	while (f != NULL && flags[0] == '\0' && getline(&line, &room, f) > 0) {
		const char *colon = strncmp(line, "flags", 5) == 0 ? strchr(line, ':') : NULL;
		if (colon == NULL)
			continue;
		line[strcspn(line, "\n")] = '\0';
		snprintf(flags, size, "%s ", colon + 1);
	}
	free(line);
	if (f != NULL)
		fclose(f);
	return flags[0] != '\0';
}

static bool cpu_has(const char *flags, const char *name)
{
	char word[32];

	snprintf(word, sizeof(word), " %s ", name);
	return strstr(flags, word) != NULL;
}

// Those of a list separated by blanks that 'flags' lacks; returns how many.
static unsigned cpu_lacks(const char *flags, const char *wanted, char *out, size_t size)
{
	char list[128], *word, *save;
	unsigned n = 0;

	out[0] = '\0';
	snprintf(list, sizeof(list), "%s", wanted);
	for (word = strtok_r(list, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save))
		if (!cpu_has(flags, word))
			host_add(out, size, "%s%s", n++ > 0 ? ", " : "", word);
	return n;
}

// Which table of dataplane/crypto/ops.h a CPU with these flags gets, in the words of ops.c.
static const char *cpu_table(const char *flags)
{
	char lacks[128];

	if (cpu_lacks(flags, "avx512f avx512vl avx512dq avx512ifma", lacks, sizeof(lacks)) == 0)
		return "avx512";
	return cpu_lacks(flags, "avx2 fma bmi2", lacks, sizeof(lacks)) == 0 ? "avx2" : "ref";
}

static void cpu_check_table(struct host *h, const char *flags)
{
	const char *table = cpu_table(flags);

	// This machine answers for itself, the flags of another one have to do.
	if (h->root[0] == '\0') {
		const struct fog_crypto_ops *ops = fog_crypto_ops_get(NULL);
		if (ops == NULL) {
			host_say(h, HOST_FAIL, "the crypto doesn't start on this CPU");
			host_mend(h, "'fog-dataplane' says why at its start");
			return;
		}
		table = ops->name;
	}
	bool slow = strcmp(table, "ref") == 0;
	host_say(
	        h, slow ? HOST_WARN : HOST_OK,
	        "crypto runs as %s, %s packets at a time; VAES %s, SHA %s", table,
	        slow                                 ? "single"
	                : strcmp(table, "avx2") == 0 ? "four"
	                                             : "eight",
	        cpu_has(flags, "vaes") ? "yes" : "no", cpu_has(flags, "sha_ni") ? "yes" : "no"
	);
	if (slow)
		host_mend(
		        h,
		        "use a CPU with AVX2, FMA and BMI2; in a virtual machine pass them on "
		        "(-cpu host)"
		);
}

// Delays are kept on the TSC: it has to run at one speed, also while the CPU rests.
static void cpu_check_tsc(struct host *h, const char *flags)
{
	char source[64], lacks[128];

	host_read(
	        h, source, sizeof(source),
	        "/sys/devices/system/clocksource/clocksource0/current_clocksource"
	);
	if (cpu_lacks(flags, "constant_tsc nonstop_tsc", lacks, sizeof(lacks)) > 0) {
		host_say(h, HOST_WARN, "the TSC may change its speed (no %s)", lacks);
		host_mend(h, "in a virtual machine pass the invariant TSC on (-cpu host,+invtsc)");
		return;
	}
	if (strcmp(source, "hpet") == 0 || strcmp(source, "acpi_pm") == 0) {
		host_say(
		        h, HOST_WARN, "the kernel doesn't trust the TSC and keeps time by %s",
		        source
		);
		host_mend(h, "'dmesg | grep -i tsc' says why; update the firmware");
		return;
	}
	host_say(h, HOST_OK, "invariant TSC");
}

void host_check_cpu(struct host *h)
{
	char flags[8192], lacks[128];

	if (!cpu_flags(h, flags, sizeof(flags))) {
		host_say(h, HOST_UNKNOWN, "/proc/cpuinfo has no flags");
		host_mend(h, "use an x86-64 machine, with /proc mounted");
		return;
	}
	if (cpu_lacks(flags, "aes sse4_2 pclmulqdq", lacks, sizeof(lacks)) > 0) {
		host_say(
		        h, HOST_FAIL, "the CPU lacks %s, without which Fogline doesn't start", lacks
		);
		host_mend(
		        h,
		        "use a CPU with AES-NI, SSE4.2 and PCLMULQDQ; in a virtual machine pass "
		        "them on (-cpu host)"
		);
		return;
	}
	cpu_check_table(h, flags);
	cpu_check_tsc(h, flags);
}
