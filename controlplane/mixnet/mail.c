// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "mail.h"

#include <errno.h>
#include <string.h>

#include "../big_endian.h"

void fog_fetch_put(const struct fog_fetch *f, uint8_t out[FOG_FETCH_LEN])
{
	out = fog_be_put(out, (uint64_t)FOG_NOTICE_FETCH << 24, 4);
	out = fog_be_put(out, f->have, 8);
	out = fog_be_put(out, f->seen, 4);
	fog_be_put(out, 0, 4);
}

int fog_fetch_parse(const uint8_t *data, size_t len, struct fog_fetch *f)
{
	if (len != FOG_FETCH_LEN || fog_be_get(data, 4) != (uint64_t)FOG_NOTICE_FETCH << 24 ||
	    fog_be_get(data + 16, 4) != 0)
		return -EBADMSG;
	f->have = fog_be_get(data + 4, 8);
	f->seen = (uint32_t)fog_be_get(data + 12, 4);
	// Numbers are the store's, which has 63 bits for them.
	return f->have <= INT64_MAX ? 0 : -EBADMSG;
}

static size_t mail_chunk(size_t whole, unsigned parts)
{
	return (whole + parts - 1) / parts;
}

unsigned fog_mail_parts(size_t whole, size_t room)
{
	for (unsigned parts = 1; parts <= FOG_MAIL_PARTS_MAX && room > FOG_MAIL_HEAD; parts++)
		if (mail_chunk(whole, parts) <= room - FOG_MAIL_HEAD)
			return parts;
	return 0;
}

void fog_mail_cut(struct fog_mail *m)
{
	size_t chunk = m->parts > 0 ? mail_chunk(m->whole, m->parts) : 0;

	m->at = m->part * chunk < m->whole ? m->part * chunk : m->whole;
	m->len = m->whole - m->at < chunk ? m->whole - m->at : chunk;
}

size_t fog_mail_put(const struct fog_mail *m, uint8_t *out)
{
	const uint8_t head[4] = {FOG_NOTICE_MAIL, (uint8_t)m->part, (uint8_t)m->parts};

	memcpy(out, head, sizeof(head));
	out = fog_be_put(out + sizeof(head), m->number, 8);
	out = fog_be_put(out, m->settled, 8);
	out = fog_be_put(out, m->seen, 4);
	out = fog_be_put(out, m->waiting, 2);
	out = fog_be_put(out, m->whole, 2);
	if (m->len > 0)
		memcpy(out, m->data, m->len);
	return FOG_MAIL_HEAD + m->len;
}

// Nothing has no parts, everything else at least one that is not empty.
static int mail_check(const struct fog_mail *m, size_t len)
{
	if (m->settled > INT64_MAX / 2)
		return -EBADMSG;
	if (m->number == 0)
		return m->part == 0 && m->parts == 0 && m->whole == 0 && len == 0 ? 0 : -EBADMSG;
	// As in what FETCH says; and there must be some left.
	if (m->number > INT64_MAX / 2)
		return -EBADMSG;
	return m->parts > 0 && m->parts <= FOG_MAIL_PARTS_MAX && m->part < m->parts &&
	                m->whole > 0 && m->whole <= FOG_MAIL_MAX && m->len > 0 && m->len == len
	        ? 0
	        : -EBADMSG;
}

int fog_mail_parse(const uint8_t *data, size_t len, struct fog_mail *m)
{
	if (len < FOG_MAIL_HEAD || data[0] != FOG_NOTICE_MAIL || data[3] != 0)
		return -EBADMSG;
	*m = (struct fog_mail){
	        .part = data[1],
	        .parts = data[2],
	        .number = fog_be_get(data + 4, 8),
	        .settled = fog_be_get(data + 12, 8),
	        .seen = (uint32_t)fog_be_get(data + 20, 4),
	        .waiting = (uint16_t)fog_be_get(data + 24, 2),
	        .whole = (size_t)fog_be_get(data + 26, 2),
	        .data = data + FOG_MAIL_HEAD,
	};
	fog_mail_cut(m);
	return mail_check(m, len - FOG_MAIL_HEAD);
}
