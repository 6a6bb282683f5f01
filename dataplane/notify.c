// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "notify.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

void notify_open(struct notify *n)
{
	memset(n, 0, sizeof(*n));
	if (sd_watchdog_enabled(0, &n->watchdog_us) <= 0)
		n->watchdog_us = 0;
}

void notify_ready(struct notify *n)
{
	if (n->ready)
		return;
	n->ready = true;
	sd_notify(0, "READY=1");
}

void notify_stopping(struct notify *n, uint64_t timeout_ms)
{
	sd_notifyf(0, "STOPPING=1\nEXTEND_TIMEOUT_USEC=%" PRIu64, timeout_ms * 1000);
}

void notify_alive(const struct notify *n)
{
	if (n->watchdog_us > 0)
		sd_notify(0, "WATCHDOG=1");
}

void notify_status(struct notify *n, const char *format, ...)
{
	char text[NOTIFY_TEXT_LEN];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (strcmp(text, n->status) == 0)
		return;
	memcpy(n->status, text, sizeof(text));
	sd_notifyf(0, "STATUS=%s", text);
}
