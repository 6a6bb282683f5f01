// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Notices between the control planes of nodes (dataplane/api/link.h, FOG_KIND_NOTICE). The link says
// whose they are. Integers are big-endian:
//
//   type 1 | part 1 | parts 1 | reserved 1, zero | length of the whole 2 | reserved 2, zero | sequence 8
//
// DESCRIPTOR: bytes of a descriptor follow: part k of n of a whole of L bytes holds those from k * c to
// (k + 1) * c, where c = L / n, rounded up; the last one holds the rest.
// ACK: nothing follows; the descriptor with this sequence has arrived. part, parts, length are 0.
// Pure, any thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../directory/descriptor.h"

enum fog_notice_type { FOG_NOTICE_DESCRIPTOR = 1, FOG_NOTICE_ACK = 2 };

enum { FOG_NOTICE_HEAD = 16, FOG_NOTICE_PARTS_MAX = 16 };

// Parts that a whole of 'len' bytes takes when a notice holds 'room' bytes. 0: it takes too many.
unsigned fog_notice_parts(size_t len, size_t room);
// Write part 'part' of 'parts'. Returns the length of the notice; 'room' of above always suffices.
size_t fog_notice_put(
        uint64_t sequence, const uint8_t *whole, size_t len, unsigned part, unsigned parts,
        uint8_t *out
);
size_t fog_notice_ack(uint64_t sequence, uint8_t out[FOG_NOTICE_HEAD]);

// What has come of one peer's descriptor so far.
struct fog_notice_box {
	uint64_t sequence;
	uint16_t len;
	uint8_t parts;
	uint32_t have; // bits
	uint8_t data[FOG_DESCRIPTOR_MAX];
};

// Take a notice. A newer sequence throws away what there was of an older one, an older one is ignored.
// Returns
//   FOG_NOTICE_DESCRIPTOR  the descriptor is complete: box->data, box->len; the box is then empty
//   FOG_NOTICE_ACK         with its sequence
//   0                      more has to come
//   -EBADMSG               malformed, or it doesn't fit to what came before
int fog_notice_take(struct fog_notice_box *, const uint8_t *data, size_t len, uint64_t *sequence);
