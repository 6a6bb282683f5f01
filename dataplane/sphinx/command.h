// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Routing commands as they stand in a slot: an opcode, then a body whose size the opcode fixes.
#pragma once

#include "sphinx.h"

enum command_op {
	COMMAND_NULL = 0x00, // ends the list; everything after it is zero
	COMMAND_NEXT_HOP = 0x01, // ID, MAC
	COMMAND_RECIPIENT = 0x02, // ID
	COMMAND_SURB_REPLY = 0x03, // SURB ID
	COMMAND_NODE_DELAY = 0x80, // u32 big endian, milliseconds
};

// Write the slot of one hop: its own commands, then the next hop unless 'next_id' is NULL, then
// zeros. All commands that a path hop can name fit (static_assert in command.c).
void command_write_slot(
        uint8_t slot[FOG_SPHINX_SLOT_LEN], const struct fog_sphinx_path_hop *hop,
        const uint8_t *next_id, const uint8_t *next_mac
);
