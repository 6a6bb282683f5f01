// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Checking a stage, and what checks say: findings and mends.
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "../mixnet/topology.h"
#include "host.h"

const char *host_verdict_name(enum host_verdict v)
{
	static const char *const name[] = {"skip", "ok", "unknown", "warn", "fail"};

	return name[v];
}

void host_add(char *text, size_t size, const char *format, ...)
{
	size_t at = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + at, size - at, format, args);
	va_end(args);
}

// Findings and mends of a stage are put one behind the other.
#define FINDING_APPEND(text, format) \
	do { \
		char append_one[1024]; \
		va_list append_args; \
		va_start(append_args, format); \
		vsnprintf(append_one, sizeof(append_one), format, append_args); \
		va_end(append_args); \
		if (strstr(text, append_one) == NULL) \
			host_add( \
			        text, sizeof(text), "%s%s", (text)[0] != '\0' ? "; " : "", \
			        append_one \
			); \
	} while (0)

void host_say(struct host *h, enum host_verdict verdict, const char *format, ...)
{
	if (verdict > h->result->verdict)
		h->result->verdict = verdict;
	FINDING_APPEND(h->result->detail, format);
}

void host_mend(struct host *h, const char *format, ...)
{
	FINDING_APPEND(h->result->mend, format);
}

void host_configured(struct host *h)
{
	fog_config_host_read(h->config, &h->machine);
	fog_config_plan(h->config, h->topology, &h->machine, &h->plan);
	for (uint32_t i = 0; i < h->config->workers.cpu_count; i++)
		host_cpu_add(&h->cpus, h->config->workers.cpu[i]);
}

static bool check_readable(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

// Whether a confined caller sees enough of it; if not, it is said.
static bool check_sees(struct host *h, const struct host_stage *stage)
{
	const char *hidden = NULL;

	for (unsigned i = 0; hidden == NULL && stage->needs != NULL && stage->needs[i] != NULL; i++)
		if (!check_readable(stage->needs[i]))
			hidden = stage->needs[i];
	if (!stage->rights && hidden == NULL)
		return true;
	if (stage->rights)
		host_say(h, HOST_UNKNOWN, "only root can look at that");
	else
		host_say(h, HOST_UNKNOWN, "%s is hidden from this process", hidden);
	host_mend(h, "on the host, as root: fogctl host check %s", stage->name);
	return false;
}

void host_check_stage(struct host *h, const struct host_stage *stage, struct host_result *out)
{
	*out = (struct host_result){0};
	h->result = out;
	h->stage = stage->name;
	if (!h->confined || check_sees(h, stage))
		stage->check(h);
	h->result = NULL;
}
