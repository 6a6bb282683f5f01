// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "command.h"

#include <assert.h>
#include <string.h>

#include "../crypto/equal.h"

enum {
	COMMAND_NEXT_HOP_BODY = FOG_SPHINX_ID_LEN + FOG_SPHINX_MAC_LEN,
	COMMAND_RECIPIENT_BODY = FOG_SPHINX_ID_LEN,
	COMMAND_SURB_REPLY_BODY = FOG_SPHINX_SURB_ID_LEN,
	COMMAND_NODE_DELAY_BODY = 4,
};

static_assert(
        1 + COMMAND_NODE_DELAY_BODY + 1 + COMMAND_NEXT_HOP_BODY <= FOG_SPHINX_SLOT_LEN,
        "a middle hop's commands fit its slot"
);
static_assert(
        1 + COMMAND_NODE_DELAY_BODY + 1 + COMMAND_RECIPIENT_BODY + 1 + COMMAND_SURB_REPLY_BODY <=
                FOG_SPHINX_SLOT_LEN,
        "a last hop's commands fit its slot"
);

// Body length and the flag that says "seen" of an opcode. Returns -1 for an unknown one.
static int command_lookup(struct fog_sphinx_route *route, uint8_t op, uint8_t **seen)
{
	switch (op) {
	case COMMAND_NEXT_HOP:
		*seen = &route->has_next_hop;
		return COMMAND_NEXT_HOP_BODY;
	case COMMAND_RECIPIENT:
		*seen = &route->has_recipient;
		return COMMAND_RECIPIENT_BODY;
	case COMMAND_SURB_REPLY:
		*seen = &route->has_surb;
		return COMMAND_SURB_REPLY_BODY;
	case COMMAND_NODE_DELAY:
		*seen = &route->has_delay;
		return COMMAND_NODE_DELAY_BODY;
	default:
		return -1;
	}
}

static void command_read(struct fog_sphinx_route *route, uint8_t op, const uint8_t *body)
{
	switch (op) {
	case COMMAND_NEXT_HOP:
		memcpy(route->next_hop, body, FOG_SPHINX_ID_LEN);
		memcpy(route->next_mac, body + FOG_SPHINX_ID_LEN, FOG_SPHINX_MAC_LEN);
		break;
	case COMMAND_RECIPIENT:
		memcpy(route->recipient, body, FOG_SPHINX_ID_LEN);
		break;
	case COMMAND_SURB_REPLY:
		memcpy(route->surb_id, body, FOG_SPHINX_SURB_ID_LEN);
		break;
	case COMMAND_NODE_DELAY:
		route->delay_ms = (uint32_t)body[0] << 24 | (uint32_t)body[1] << 16 |
		        (uint32_t)body[2] << 8 | body[3];
		break;
	}
}

enum fog_drop fog_sphinx_parse(const uint8_t *slot, size_t len, struct fog_sphinx_route *route)
{
	size_t at = 0;

	memset(route, 0, sizeof(*route));
	while (at < len && slot[at] != COMMAND_NULL) {
		uint8_t op = slot[at++], *seen;
		int body = command_lookup(route, op, &seen);

		if (body < 0 || *seen)
			return FOG_DROP_UNKNOWN_COMMAND;
		if (len - at < (size_t)body)
			return FOG_DROP_TRUNCATED_COMMAND;
		*seen = 1;
		command_read(route, op, slot + at);
		at += body;
	}
	if (!fog_all_zero(slot + at, len - at))
		return FOG_DROP_BAD_PADDING;
	if (!route->has_next_hop && !route->has_recipient && !route->has_surb)
		return FOG_DROP_NO_DESTINATION;
	return FOG_DROP_NONE;
}

static uint8_t *command_put(uint8_t *at, uint8_t op, const uint8_t *body, size_t len)
{
	*at = op;
	memcpy(at + 1, body, len);
	return at + 1 + len;
}

void command_write_slot(
        uint8_t slot[FOG_SPHINX_SLOT_LEN], const struct fog_sphinx_path_hop *hop,
        const uint8_t *next_id, const uint8_t *next_mac
)
{
	uint8_t *at = slot;

	memset(slot, 0, FOG_SPHINX_SLOT_LEN);
	if (hop->has_delay) {
		uint8_t delay[COMMAND_NODE_DELAY_BODY] = {
		        hop->delay_ms >> 24,
		        hop->delay_ms >> 16,
		        hop->delay_ms >> 8,
		        hop->delay_ms,
		};
		at = command_put(at, COMMAND_NODE_DELAY, delay, sizeof(delay));
	}
	if (hop->has_recipient)
		at = command_put(at, COMMAND_RECIPIENT, hop->recipient, COMMAND_RECIPIENT_BODY);
	if (hop->has_surb)
		at = command_put(at, COMMAND_SURB_REPLY, hop->surb_id, COMMAND_SURB_REPLY_BODY);
	if (next_id != NULL) {
		at = command_put(at, COMMAND_NEXT_HOP, next_id, FOG_SPHINX_ID_LEN);
		memcpy(at, next_mac, FOG_SPHINX_MAC_LEN);
	}
}
