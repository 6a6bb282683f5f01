// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "notify.h"

#include <inttypes.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <time.h>

enum {
	FEEDS = 3, // within the time that the watchdog allows
	TELL_US = 1000000,
};

static uint64_t notify_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

void fog_notify_open(struct fog_notify *n, fog_notify_say *say, void *ctx)
{
	*n = (struct fog_notify){.say = say, .ctx = ctx};
	if (sd_watchdog_enabled(0, &n->watchdog_us) <= 0)
		n->watchdog_us = 0;
}

static void notify_status(struct fog_notify *n)
{
	char text[FOG_NOTIFY_TEXT_LEN] = "";

	n->say(n->ctx, text);
	text[strcspn(text, "\n")] = '\0';
	if (strcmp(text, n->status) == 0)
		return;
	memcpy(n->status, text, sizeof(text));
	sd_notifyf(0, "STATUS=%s", text);
}

void fog_notify_ready(struct fog_notify *n)
{
	notify_status(n);
	sd_notify(0, "READY=1");
}

void fog_notify_reloading(void)
{
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, notify_now_us());
}

void fog_notify_stopping(const char *status)
{
	sd_notifyf(0, "STOPPING=1\nSTATUS=%s", status);
}

void fog_notify_tick(struct fog_notify *n)
{
	uint64_t now = notify_now_us();

	if (n->watchdog_us > 0 && now >= n->alive_at) {
		n->alive_at = now + n->watchdog_us / FEEDS;
		sd_notify(0, "WATCHDOG=1");
	}
	if (now >= n->tell_at) {
		n->tell_at = now + TELL_US;
		notify_status(n);
	}
}
