// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "notify.h"

#include <inttypes.h>
#include <stdio.h>
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

void notify_open(struct notify *n)
{
	memset(n, 0, sizeof(*n));
	if (sd_watchdog_enabled(0, &n->watchdog_us) <= 0)
		n->watchdog_us = 0;
}

struct notify_reason {
	char text[400];
};

// The first reason is enough for one line; `fogctl ready` has them all.
static void notify_reason(void *ctx, const char *code, const char *text)
{
	struct notify_reason *r = ctx;

	if (r->text[0] == '\0')
		snprintf(r->text, sizeof(r->text), "%s: %s", code, text);
}

static void notify_status(struct notify *n, struct fog_node *node)
{
	struct notify_reason reason = {""};
	char text[sizeof(n->status)];
	unsigned count = fog_node_unready(node, notify_reason, &reason);

	if (count == 0)
		snprintf(text, sizeof(text), "ready");
	else
		snprintf(text, sizeof(text), "serving, not ready: %s", reason.text);
	text[strcspn(text, "\n")] = '\0';
	if (strcmp(text, n->status) == 0)
		return;
	memcpy(n->status, text, sizeof(text));
	sd_notifyf(0, "STATUS=%s", text);
}

void notify_ready(struct notify *n, struct fog_node *node)
{
	notify_status(n, node);
	sd_notify(0, "READY=1");
}

void notify_reloading(void)
{
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, notify_now_us());
}

void notify_stopping(void)
{
	sd_notify(0, "STOPPING=1\nSTATUS=stopping; packets keep flowing");
}

void notify_tick(struct notify *n, struct fog_node *node)
{
	uint64_t now = notify_now_us();

	if (n->watchdog_us > 0 && now >= n->alive_at) {
		n->alive_at = now + n->watchdog_us / FEEDS;
		sd_notify(0, "WATCHDOG=1");
	}
	if (now >= n->tell_at) {
		n->tell_at = now + TELL_US;
		notify_status(n, node);
	}
}
