// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the kernel says about a network interface, asked by ioctl on a socket 'fd' (any AF_INET
// socket of the interface's network namespace). Sources: netdevice(7), linux/ethtool.h.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct netdev {
	int ifindex;
	int up; // administratively
	unsigned mtu;
	unsigned queues; // rx queues that frames may arrive on; 1 when the driver cannot tell
	int strips_tags; // takes VLAN tags out of received frames (rx-vlan-offload)
	int combined; // 1 when `ethtool -L` counts them as combined channels
	uint8_t mac[6];
};

// Returns 0, -ENODEV, -errno.
int netdev_query(int fd, const char *name, struct netdev *out);
// 1 when frames can pass now, else 0.
int netdev_running(int fd, const char *name);

// Does the operator have the interface wait for polling before it interrupts? True when both
// napi_defer_hard_irqs and gro_flush_timeout are set: without them busy polling only adds calls.
bool netdev_defers_interrupts(const char *name);
