// SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only
// Copyright (c) 2026 the Fogline authors
// What the steering program and its loader agree on. Included on both sides of the kernel, so it
// knows kernel types only.
#pragma once

#include <linux/types.h>

enum { FOG_STEER_ADDRESSES = 8 }; // as many as a port has (FOG_ADDRESSES_MAX)

// Key of the address map. Network byte order; IPv4 lies in the first four bytes, the rest is zero.
struct fog_steer_address {
	__u8 family; // 4 or 6
	__u8 reserved[3];
	__u8 addr[16];
};

// What became of a frame; exactly one counter moves per frame. All FOG_STEER_PASS_* went to the
// kernel untouched.
enum fog_steer_verdict {
	FOG_STEER_REDIRECTED, // to the socket of its queue
	FOG_STEER_NO_SOCKET, // ours, but no socket sits at its queue: dropped
	FOG_STEER_PASS_TRUNCATED, // too short or too odd to tell
	FOG_STEER_PASS_VLAN, // another tag than ours
	FOG_STEER_PASS_ETHERTYPE, // neither IPv4 nor IPv6
	FOG_STEER_PASS_TRANSPORT, // not UDP
	FOG_STEER_PASS_FRAGMENT, // not the first fragment: shows no port
	FOG_STEER_PASS_PORT, // not the mix port
	FOG_STEER_PASS_ADDRESS, // not our address
	FOG_STEER_VERDICTS,
};

_Static_assert(sizeof(struct fog_steer_address) == 20, "key of the address map");
