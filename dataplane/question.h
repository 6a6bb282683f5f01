// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What a frame that is no mix packet wants from a host without a kernel. Reads foreign bytes.
// Sources: RFC 826, RFC 5227, RFC 4861 section 7.1, RFC 1122 section 3.2.2.6, RFC 4443 section 4.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "../drivers/port_ops.h"
#include "api/drops.h"

enum {
	FOG_ICMP6_ECHO_REQUEST = 128,
	FOG_ICMP6_ECHO_REPLY = 129,
	FOG_ND_SOLICIT = 135,
	FOG_ND_ADVERTISE = 136,
};

enum fog_question_kind {
	FOG_QUESTION_NONE, // nothing that a host answers: the drop reason of the parser stands
	FOG_QUESTION_BAD, // it tries, but 'drop' says why it is refused
	FOG_QUESTION_ARP, // where is 'target', an address of ours?
	FOG_QUESTION_ND, // the same in IPv6
	FOG_QUESTION_ECHO, // echo request to 'target'
	FOG_QUESTION_TOLD, // 'sender' says where it is
	FOG_QUESTION_CONFLICT, // ... and it is an address of ours
};

struct fog_question {
	enum fog_question_kind kind;
	enum fog_drop drop;
	struct fog_ip sender; // family 6 and all zero: somebody who has no address yet
	struct fog_ip target;
	uint8_t mac[6]; // of the sender
	bool has_mac; // told: 'mac' was said (an advertisement may leave it out)
	bool solicited; // told: in answer to a question of ours, says the sender
	uint16_t l3_at, l3_len; // the IP packet in the frame; echo only
};

// What a neighbour told, on its way from a worker to the manager.
struct fog_heard {
	struct fog_ip ip;
	uint16_t port; // index
	uint8_t mac[6];
	uint8_t has_mac, solicited, conflict, reserved;
};

_Static_assert(sizeof(struct fog_heard) == 32, "a ring element: a multiple of 4 bytes");

// Read a frame of 'len' bytes that came through 'port'.
struct fog_question fog_question_read(const struct fog_port *, const uint8_t *frame, uint32_t len);
