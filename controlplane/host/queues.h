// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What looking at interfaces (queues.c) and setting them (queues_set.c) share.
#pragma once

#include <linux/ethtool.h>

#include "host.h"

enum { QUEUES_OFFLOADS = 2, QUEUES_BUSY = 2 };

#define NET "/sys/class/net/%s"

struct queues_port {
	const char *interface;
	unsigned queues, mtu, vlan; // mtu 0: any
	bool busy; // its workers poll without pause
};

// What lets a polling worker keep the interface's interrupts away. Both, or it is not done.
struct queues_busy {
	const char *name; // of a file of the interface
	const char *set; // empty rounds before an interrupt; nanoseconds until one comes anyway
};

// An offload by the name that ethtool(8) has for it.
struct queues_offload {
	const char *name;
	uint32_t flag;
	bool only_vlan;
	const char *why;
};

extern const struct queues_offload queues_offloads[QUEUES_OFFLOADS];
extern const struct queues_busy queues_busy[QUEUES_BUSY];

// One request about an interface, as ethtool makes it. Returns 0 or -errno.
int queues_ioctl(const char *interface, void *request);
// The next interface that this stage is about; '*i' starts as 0. False: there are no more.
bool queues_next(const struct host *, unsigned *i, struct queues_port *out);
unsigned queues_count(const struct host *, const char *interface); // receive queues in use
// Whether an offload is on that must not be; then 'flags' are those that the interface has.
bool queues_offload_bad(const struct queues_port *, const struct queues_offload *, uint32_t *flags);
// Which of ethtool's words sets the receive queues here.
const char *queues_word(const struct ethtool_channels *);
