// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Mail of clients at their gateway. A client has a mailbox as soon as it has asked for mail once over its
// link; what comes for it is on disk before its SURB is answered, and stays until the client has said that
// it has it, or FOG_MAILBOX_DAYS have passed. A mailbox without its client for so long goes too.
// mail.h has the notices and answers.
//
// Control thread, unless said otherwise.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../store/store.h"
#include "mail.h"

enum {
	FOG_MAILBOX_DAYS = 7,
	FOG_MAILBOX_BYTES_MAX = 64 << 20, // of one client
	FOG_MAILBOXES_MAX = 100000,
};
