// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Mail of clients at their gateway. A client has a mailbox as soon as it has asked for mail once over its
// link; what comes for it is stored before its SURB is answered, and stays until the client has said that
// it has it, or FOG_MAILBOX_DAYS have passed. A mailbox without its client for so long goes too.
//
// Notices between client and gateway (FOG_KIND_NOTICE; types continue those of ../epoch/notice.h), integers
// big-endian:
//   FETCH  type 3 | reserved 3, zero | have 8 | seen 4 | reserved 4, zero
//          'have': all mail up to this number has arrived and is stored; it may be forgotten
//          'seen': grows with every FETCH of a link's life; the answer says it again
//   MAIL   type 4 | part 1 | parts 1 | reserved 1, zero | number 8 | seen 4 | waiting 2 | length of the whole 2 |
//          bytes of part k, cut as notice.h cuts; number 0 and length 0: there is none
// Each FETCH is answered with exactly one MAIL part, of the oldest mail after 'have' whose parts were not
// sent since; so a client learns its mail, and who watches its link sees one frame for each of its own.
//
// The answer to a SURB of a stored message is a message whose bytes are one octet: enum fog_mail_answer.
//
// Control thread, unless said otherwise.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../store/store.h"

enum { FOG_NOTICE_FETCH = 3, FOG_NOTICE_MAIL = 4 };

enum { FOG_FETCH_NOTICE_LEN = 20, FOG_MAIL_NOTICE_HEAD = 20 };

enum fog_mail_answer {
	FOG_MAIL_STORED = 1,
	FOG_MAIL_NO_MAILBOX = 2, // nobody has fetched mail here under this ID
	FOG_MAIL_FULL = 3, // as much as a client may have waits already: try again later
};

enum {
	FOG_MAILBOX_DAYS = 7,
	FOG_MAILBOX_BYTES_MAX = 64 << 20, // of one client
	FOG_MAILBOXES_MAX = 100000,
};
