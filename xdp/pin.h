// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The pin of one port's bpf_link: /sys/fs/bpf/fogline/INSTANCE/PORT/link. The folder PORT is locked
// by the process that runs the port, so a pin whose folder can be locked belongs to nobody alive.
// Nobody outside this folder includes it. Manager thread.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct steer_pin {
	int instance_dir, port_dir; // -1: no pin
	char instance[100], port[100]; // names of the folders
	char path[256]; // of the link
	char why[96]; // there is no pin
};

// A pin that holds nothing.
void steer_pin_init(struct steer_pin *pin);

// Make the folders, give them to uid and gid, and lock them. Without a bpffs there is no pin, which
// is no error. Returns 0, or -EBUSY: another process runs this port.
int steer_pin_open(
        struct steer_pin *pin, const char *instance, const char *port, uint32_t uid, uint32_t gid
);

// Descriptor of the link that is pinned there, for the caller to close, or -errno.
int steer_pin_get(const struct steer_pin *pin);
// Pin the link 'fd'; without a pin it does nothing.
void steer_pin_set(struct steer_pin *pin, int fd);
// Take the pin away. The link stays while a descriptor holds it.
void steer_pin_remove(const struct steer_pin *pin);

// Unlock, and remove the folders that are empty. Needs no more than their ownership.
void steer_pin_close(struct steer_pin *pin);
