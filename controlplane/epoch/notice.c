// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "notice.h"

#include <errno.h>
#include <string.h>

#include "../big_endian.h"

static size_t notice_chunk(size_t len, unsigned parts)
{
	return (len + parts - 1) / parts;
}

unsigned fog_notice_parts(size_t len, size_t room)
{
	for (unsigned parts = 1; parts <= FOG_NOTICE_PARTS_MAX && room > FOG_NOTICE_HEAD; parts++)
		if (notice_chunk(len, parts) <= room - FOG_NOTICE_HEAD)
			return parts;
	return 0;
}

static void notice_head(
        uint8_t *out, enum fog_notice_type type, unsigned part, unsigned parts, size_t len,
        uint64_t sequence
)
{
	const uint8_t head[4] = {(uint8_t)type, (uint8_t)part, (uint8_t)parts};

	memcpy(out, head, sizeof(head));
	out = fog_be_put(out + sizeof(head), len, 2);
	out = fog_be_put(out, 0, 2);
	fog_be_put(out, sequence, 8);
}

size_t fog_notice_put(
        uint64_t sequence, const uint8_t *whole, size_t len, unsigned part, unsigned parts,
        uint8_t *out
)
{
	size_t chunk = notice_chunk(len, parts), at = part * chunk;
	size_t n = at >= len ? 0 : len - at < chunk ? len - at : chunk;

	notice_head(out, FOG_NOTICE_DESCRIPTOR, part, parts, len, sequence);
	memcpy(out + FOG_NOTICE_HEAD, whole + (n > 0 ? at : 0), n);
	return FOG_NOTICE_HEAD + n;
}

size_t fog_notice_ack(uint64_t sequence, uint8_t out[FOG_NOTICE_HEAD])
{
	notice_head(out, FOG_NOTICE_ACK, 0, 0, 0, sequence);
	return FOG_NOTICE_HEAD;
}

static int notice_part(
        struct fog_notice_box *box, unsigned part, unsigned parts, size_t whole,
        const uint8_t *data, size_t len
)
{
	size_t chunk = notice_chunk(whole, parts), at = part * chunk;

	if (at > whole || len != (whole - at < chunk ? whole - at : chunk))
		return -EBADMSG;
	memcpy(box->data + at, data, len);
	box->have |= UINT32_C(1) << part;
	if (box->have != (UINT32_C(1) << parts) - 1)
		return 0;
	box->have = 0;
	return FOG_NOTICE_DESCRIPTOR;
}

int fog_notice_take(struct fog_notice_box *box, const uint8_t *data, size_t len, uint64_t *sequence)
{
	static const uint8_t nothing[7];

	if (len < FOG_NOTICE_HEAD)
		return -EBADMSG;
	*sequence = fog_be_get(data + 8, 8);
	if (data[0] == FOG_NOTICE_ACK)
		return len == FOG_NOTICE_HEAD && memcmp(data + 1, nothing, sizeof(nothing)) == 0
		        ? FOG_NOTICE_ACK
		        : -EBADMSG;
	unsigned part = data[1], parts = data[2];
	size_t whole = (size_t)fog_be_get(data + 4, 2);
	if (data[0] != FOG_NOTICE_DESCRIPTOR || parts == 0 || parts > FOG_NOTICE_PARTS_MAX ||
	    part >= parts || memcmp(data + 6, nothing, 2) != 0 || data[3] != 0 ||
	    whole < FOG_DESCRIPTOR_MIN || whole > FOG_DESCRIPTOR_MAX)
		return -EBADMSG;
	if (*sequence < box->sequence)
		return 0;
	// The same descriptor again, in the same parts, goes on with what there is.
	if (*sequence > box->sequence || parts != box->parts || whole != box->len) {
		box->sequence = *sequence;
		box->parts = (uint8_t)parts;
		box->len = (uint16_t)whole;
		box->have = 0;
	}
	return notice_part(box, part, parts, whole, data + FOG_NOTICE_HEAD, len - FOG_NOTICE_HEAD);
}
