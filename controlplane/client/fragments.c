// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "fragments.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "../big_endian.h"
#include "../mixnet/message.h"
#include "client.h"
#include "sealed.h"

size_t client_fragment_room(const struct fog_geometry *geo)
{
	size_t message = fog_message_room(geo, 1), room;

	if (message <= CLIENT_SEAL_OVERHEAD + CLIENT_FRAGMENT_HEAD)
		return 0;
	room = message - CLIENT_SEAL_OVERHEAD - CLIENT_FRAGMENT_HEAD;
	return client_fragment_count(FOG_CLIENT_MESSAGE_MAX, room) <= CLIENT_FRAGMENTS_MAX ? room
	                                                                                   : 0;
}

unsigned client_fragment_count(size_t length, size_t room)
{
	return (unsigned)((length + room - 1) / room);
}

// Bytes of the message in fragment 'index'.
static size_t fragment_share(size_t length, size_t room, unsigned index)
{
	size_t left = length - index * room;

	return left < room ? left : room;
}

static void fragment_head(
        enum client_fragment_kind kind, unsigned count, unsigned index, size_t length,
        const uint8_t *id, uint8_t *out
)
{
	out = fog_be_put(out, kind, 1);
	out = fog_be_put(out, 0, 1);
	out = fog_be_put(out, count, 2);
	out = fog_be_put(out, index, 2);
	out = fog_be_put(out, length, 4);
	memcpy(out, id, CLIENT_FRAGMENT_ID);
}

void client_fragment_put(
        const uint8_t id[CLIENT_FRAGMENT_ID], const uint8_t *message, size_t length, size_t room,
        unsigned index, uint8_t *out
)
{
	size_t share = fragment_share(length, room, index);

	fragment_head(
	        CLIENT_FRAGMENT_MESSAGE, client_fragment_count(length, room), index, length, id, out
	);
	memcpy(out + CLIENT_FRAGMENT_HEAD, message + index * room, share);
	memset(out + CLIENT_FRAGMENT_HEAD + share, 0, room - share);
}

void client_fragment_put_loop(const uint8_t id[CLIENT_FRAGMENT_ID], size_t room, uint8_t *out)
{
	fragment_head(CLIENT_FRAGMENT_LOOP, 0, 0, 0, id, out);
	memset(out + CLIENT_FRAGMENT_HEAD, 0, room);
}

int client_fragment_parse(const uint8_t *data, size_t len, size_t room, struct client_fragment *out)
{
	if (room == 0 || len != CLIENT_FRAGMENT_HEAD + room || data[1] != 0)
		return -EBADMSG;
	*out = (struct client_fragment){
	        .kind = data[0],
	        .count = (unsigned)fog_be_get(data + 2, 2),
	        .index = (unsigned)fog_be_get(data + 4, 2),
	        .length = (uint32_t)fog_be_get(data + 6, 4),
	        .data = data + CLIENT_FRAGMENT_HEAD,
	};
	memcpy(out->id, data + 10, sizeof(out->id));
	if (out->kind == CLIENT_FRAGMENT_LOOP)
		return out->count == 0 && out->index == 0 && out->length == 0 &&
		                sodium_is_zero(out->data, room)
		        ? 0
		        : -EBADMSG;
	if (out->kind != CLIENT_FRAGMENT_MESSAGE || out->length == 0 ||
	    out->length > FOG_CLIENT_MESSAGE_MAX ||
	    out->count != client_fragment_count(out->length, room) || out->index >= out->count)
		return -EBADMSG;
	out->len = fragment_share(out->length, room, out->index);
	return sodium_is_zero(out->data + out->len, room - out->len) ? 0 : -EBADMSG;
}
