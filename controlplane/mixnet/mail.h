// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What a client and its gateway tell each other about mail: notices over their link
// (dataplane/api/link.h, FOG_KIND_NOTICE; types continue those of ../epoch/notice.h), integers big-endian.
//
//   FETCH  type 3 | reserved 3, zero | have 8 | seen 4 | reserved 4, zero
//          'have': all mail up to this number has arrived and is stored; it may be forgotten
//          'seen': grows with every FETCH of a link's life; the answer says it again
//   MAIL   type 4 | part 1 | parts 1 | reserved 1, zero | number 8 | settled 8 | seen 4 | waiting 2 |
//          length of the whole 2 | bytes of this part
//          part k of n of a whole of L bytes holds those from k * c to (k + 1) * c, c = L / n, rounded up;
//          the last one holds the rest
//          'settled': nothing up to this number is here (any more), 'have' may go on from there
//          'waiting': mails that are here, 65535 = so many or more
//          number, parts and length 0: there is nothing to send now
//          number and settled are below 2^62
//
// Each FETCH is answered with exactly one MAIL, so who watches the link sees one frame for each of the
// client's. Numbers of a mailbox grow by one, and one made anew begins above those that it ever had.
//
// The bytes of a mail: kind 1 (enum fog_mail_kind), then for
//   MESSAGE  the bytes of a message (message.h) without its SURB
//   REPLY    SURB ID 16 | payload tag 32 | payload: as the last hop had it, to be opened with the SURB's keys
//
// The gateway answers the SURB of a message for a mailbox with a message whose bytes are one octet: enum
// fog_mail_answer.
//
// Pure, any thread.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "../../dataplane/sphinx/sphinx.h"

enum { FOG_NOTICE_FETCH = 3, FOG_NOTICE_MAIL = 4 };

enum {
	FOG_FETCH_LEN = 20,
	FOG_MAIL_HEAD = 28,
	FOG_MAIL_MAX = 1 + FOG_SPHINX_SURB_ID_LEN + FOG_SPHINX_PACKET_MAX,
	FOG_MAIL_PARTS_MAX = 16,
};

enum fog_mail_kind { FOG_MAIL_MESSAGE = 1, FOG_MAIL_REPLY = 2 };

enum fog_mail_answer {
	FOG_MAIL_STORED = 1,
	FOG_MAIL_NO_MAILBOX = 2, // nobody has fetched mail here under this ID
	FOG_MAIL_FULL = 3, // as much as may wait waits already: try again later
};

struct fog_fetch {
	uint64_t have;
	uint32_t seen;
};

void fog_fetch_put(const struct fog_fetch *, uint8_t out[FOG_FETCH_LEN]);
int fog_fetch_parse(const uint8_t *data, size_t len, struct fog_fetch *); // 0 or -EBADMSG

struct fog_mail {
	uint64_t number; // 0: none
	uint64_t settled;
	uint32_t seen;
	uint16_t waiting;
	unsigned part, parts;
	size_t whole; // bytes of all parts
	size_t at, len; // of this one
	const uint8_t *data; // [len]; after parsing inside the notice
};

// Parts that a mail of 'whole' bytes takes when a notice holds 'room' bytes; 0: too many.
unsigned fog_mail_parts(size_t whole, size_t room);
// Set m->at and m->len from part, parts and whole.
void fog_mail_cut(struct fog_mail *m);
// Write the notice of a mail that was cut. Returns its length, FOG_MAIL_HEAD + m->len.
size_t fog_mail_put(const struct fog_mail *, uint8_t *out);
int fog_mail_parse(const uint8_t *data, size_t len, struct fog_mail *); // 0 or -EBADMSG
