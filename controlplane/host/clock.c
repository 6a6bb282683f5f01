// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Stage clock: epochs of keys change by the wall clock, which therefore has to be right.
// Source: adjtimex(2).
#include <errno.h>
#include <string.h>
#include <sys/timex.h>

#include "host.h"

enum { CLOCK_ERROR_MAX_US = 1000000 };

static const char *clock_keeper(const struct host *h)
{
	static const char *const name[] = {
	        "chronyd", "systemd-timesyn", "ntpd", "openntpd", "ptp4l"};

	for (unsigned i = 0; i < sizeof(name) / sizeof(name[0]); i++)
		if (host_running(h, name[i]))
			return strcmp(name[i], "systemd-timesyn") == 0 ? "systemd-timesyncd"
			                                               : name[i];
	return NULL;
}

void host_check_clock(struct host *h)
{
	struct timex t = {0};
	const char *keeper = clock_keeper(h);

	if (h->root[0] != '\0') {
		host_say(h, HOST_UNKNOWN, "a copy of files doesn't tell the kernel's clock");
		host_mend(h, "run this on that host");
		return;
	}
	// The state that it returns is the leap second's; the status tells the rest.
	if (adjtimex(&t) < 0) {
		host_say(h, HOST_UNKNOWN, "the kernel's clock can't be asked: %s", strerror(errno));
		host_mend(h, "run this outside of the container");
		return;
	}
	bool synchronised = (t.status & STA_UNSYNC) == 0;
	double offset = (double)t.offset / ((t.status & STA_NANO) != 0 ? 1e6 : 1e3);
	if (keeper != NULL)
		host_say(h, HOST_OK, "kept by %s", keeper);
	if (synchronised)
		host_say(
		        h, t.maxerror > CLOCK_ERROR_MAX_US ? HOST_WARN : HOST_OK,
		        "synchronised, offset %.3f ms, error at most %.3f ms (estimate %.3f)",
		        offset, (double)t.maxerror / 1e3, (double)t.esterror / 1e3
		);
	else
		host_say(
		        h, HOST_WARN, "not synchronised%s",
		        keeper != NULL ? " yet" : ", and no daemon that would do it runs"
		);
	if (!synchronised && keeper == NULL)
		host_mend(h, "install one: apt install chrony");
	else if (!synchronised || t.maxerror > CLOCK_ERROR_MAX_US)
		host_mend(
		        h, "look at its servers: %s",
		        keeper != NULL && strcmp(keeper, "chronyd") == 0
		                ? "chronyc sources"
		                : "timedatectl timesync-status"
		);
}
