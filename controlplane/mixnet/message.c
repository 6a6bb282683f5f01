// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "message.h"

#include <errno.h>
#include <string.h>

enum { HEAD_LEN = 2, LENGTH_LEN = 2 };

size_t fog_message_room(const struct fog_geometry *geo, int with_surb)
{
	size_t head = HEAD_LEN + LENGTH_LEN + (with_surb ? geo->surb_len : 0u);

	return geo->payload_len > head ? geo->payload_len - head : 0;
}

int fog_message_encode(
        const struct fog_geometry *geo, const uint8_t *surb, const void *data, size_t len,
        uint8_t *payload
)
{
	uint8_t *at = payload;

	if (len > fog_message_room(geo, surb != NULL) || len > UINT16_MAX ||
	    (surb != NULL && fog_message_room(geo, 1) == 0))
		return -EMSGSIZE;
	*at++ = surb != NULL ? FOG_MESSAGE_HAS_SURB : 0;
	*at++ = 0;
	if (surb != NULL) {
		memcpy(at, surb, geo->surb_len);
		at += geo->surb_len;
	}
	*at++ = (uint8_t)(len >> 8);
	*at++ = (uint8_t)len;
	if (len > 0)
		memcpy(at, data, len);
	at += len;
	memset(at, 0, (size_t)(payload + geo->payload_len - at));
	return 0;
}

void fog_message_surb_epoch(uint8_t *payload, uint8_t epoch)
{
	payload[1] = epoch;
}

int fog_message_decode(
        const struct fog_geometry *geo, const uint8_t *payload, struct fog_message *out
)
{
	const uint8_t *at = payload, *end = payload + geo->payload_len;

	if (end - at < HEAD_LEN + LENGTH_LEN || at[0] > FOG_MESSAGE_HAS_SURB ||
	    (at[0] == 0 && at[1] != 0))
		return -EBADMSG;
	int has_surb = at[0] & FOG_MESSAGE_HAS_SURB;
	out->surb_epoch = at[1];
	at += HEAD_LEN;
	if (has_surb && end - at < geo->surb_len + LENGTH_LEN)
		return -EBADMSG;
	out->surb = has_surb ? at : NULL;
	at += has_surb ? geo->surb_len : 0;
	out->len = (size_t)at[0] << 8 | at[1];
	at += LENGTH_LEN;
	out->data = at;
	if (out->len > (size_t)(end - at))
		return -EBADMSG;
	for (at += out->len; at < end; at++) {
		if (*at != 0)
			return -EBADMSG;
	}
	return 0;
}
