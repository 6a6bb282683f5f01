// SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only
// Copyright (c) 2026 the Fogline authors
// What the steering program and its loader agree on. Included on both sides of the kernel, so it
// knows kernel types only.
#pragma once

#include <linux/types.h>

#include "../dataplane/api/steer.h"

enum { FOG_STEER_ADDRESSES = 8 }; // as many as a port has (FOG_ADDRESSES_MAX)

// Key of the address map. Network byte order; IPv4 lies in the first four bytes, the rest is zero.
struct fog_steer_address {
	__u8 family; // 4 or 6
	__u8 reserved[3];
	__u8 addr[16];
};

_Static_assert(sizeof(struct fog_steer_address) == 20, "key of the address map");
