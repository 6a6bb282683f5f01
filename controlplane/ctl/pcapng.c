// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "pcapng.h"

#include <string.h>

enum {
	SECTION = 0x0a0d0d0a,
	INTERFACE = 1,
	PACKET = 6,
	MAGIC = 0x1a2b3c4d,
	LINK_ETHERNET = 1,
	OPTION_COMMENT = 1,
	OPTION_NAME = 2, // of an interface
	OPTION_FLAGS = 2, // of a packet
	OPTION_APPLICATION = 4,
	OPTION_RESOLUTION = 9,
	BLOCK_MAX = 1024,
};

// A block while it is put together: its length stands at both ends.
struct block {
	uint8_t bytes[BLOCK_MAX];
	uint32_t len;
};

static void add(struct block *b, const void *bytes, uint32_t len)
{
	uint32_t padded = (len + 3) & ~3u;

	if (b->len + padded + 8 > BLOCK_MAX) // room for the end stays
		return;
	memset(b->bytes + b->len, 0, padded);
	memcpy(b->bytes + b->len, bytes, len);
	b->len += padded;
}

static void add32(struct block *b, uint32_t value)
{
	add(b, &value, sizeof(value));
}

static void option(struct block *b, uint16_t code, const void *bytes, uint16_t len)
{
	const uint16_t head[2] = {code, len};

	if (b->len + sizeof(head) + len + 3u + 8u > BLOCK_MAX)
		return;
	add(b, head, sizeof(head));
	add(b, bytes, len);
}

static void option_text(struct block *b, uint16_t code, const char *text)
{
	option(b, code, text, (uint16_t)strnlen(text, BLOCK_MAX));
}

static void write_block(FILE *f, struct block *b)
{
	add32(b, 0); // end of the options
	uint32_t total = b->len + 4;
	memcpy(b->bytes + 4, &total, sizeof(total));
	memcpy(b->bytes + b->len, &total, sizeof(total));
	fwrite(b->bytes, 1, total, f);
}

void pcapng_begin(FILE *f, const char *application)
{
	const uint16_t version[2] = {1, 0};
	const int64_t length = -1; // not known
	struct block b = {.len = 0};

	add32(&b, SECTION);
	add32(&b, 0);
	add32(&b, MAGIC);
	add(&b, version, sizeof(version));
	add(&b, &length, sizeof(length));
	option_text(&b, OPTION_APPLICATION, application);
	write_block(f, &b);
}

void pcapng_interface(FILE *f, const char *name, uint32_t snap_len)
{
	const uint16_t link[2] = {LINK_ETHERNET, 0};
	const uint8_t resolution = 9; // 10^-9 s
	struct block b = {.len = 0};

	add32(&b, INTERFACE);
	add32(&b, 0);
	add(&b, link, sizeof(link));
	add32(&b, snap_len);
	option_text(&b, OPTION_NAME, name);
	option(&b, OPTION_RESOLUTION, &resolution, sizeof(resolution));
	write_block(f, &b);
}

void pcapng_frame(FILE *f, const struct pcapng_frame *p)
{
	const uint32_t flags = p->inbound ? 1 : 2;
	struct block b = {.len = 0};

	add32(&b, PACKET);
	add32(&b, 0);
	add32(&b, p->interface);
	add32(&b, (uint32_t)(p->time_ns >> 32));
	add32(&b, (uint32_t)p->time_ns);
	add32(&b, p->data_len);
	add32(&b, p->frame_len);
	add(&b, p->data, p->data_len);
	option(&b, OPTION_FLAGS, &flags, sizeof(flags));
	if (p->comment != NULL)
		option_text(&b, OPTION_COMMENT, p->comment);
	write_block(f, &b);
}
