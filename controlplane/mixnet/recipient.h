// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Who the last hop of a path gives a packet to: the 32 bytes of Sphinx' recipient command.
//
//   its own node ID                       the node's inbox
//   BLAKE2b-256("fogline drop v1")        nobody: thrown away
//   BLAKE2b-256("fogline echo v1")        sent back through its SURB as it is
//   a mailbox ID                          a client of this gateway (mailbox.h)
//   a loop's number                       what has sent it: loops.h, cover.h
//   anything else                         the node's inbox; at a gateway with clients nobody: whoever sent
//                                         it is told so through its SURB
//
// Pure, any thread.
#pragma once

#include <stdint.h>

#include "../../dataplane/api/abi.h"

void fog_recipient_drop(uint8_t out[FOG_ID_LEN]);
void fog_recipient_echo(uint8_t out[FOG_ID_LEN]);
// Mailbox of the client whose links have this static key: BLAKE2b-256("fogline mailbox v1" | static key).
void fog_recipient_mailbox(const uint8_t link_public[32], uint8_t out[FOG_ID_LEN]);
