// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "steer_mutate.h"

#include <netinet/in.h>
#include <string.h>

#include "steer_rig.h"

enum {
	HEADERS = 120, // where changes fall: beyond lies payload, which nobody reads
	CHANGES = 4, // at most, in a frame
	SHORTEST = 14, // an Ethernet header: less the kernel doesn't run a program on
};

// Good frames and near misses of every kind: where changes start from.
static const struct frame kinds[] = {
        {.to = OUR4, .payload = PACKET},
        {.to = OUR4, .payload = PACKET, .options = 1},
        {.to = OUR4, .payload = PACKET, .options = 10},
        {.to = OUR4, .payload = PACKET, .padding = 7},
        {.to = OUR4, .payload = PACKET, .more_fragments = true},
        {.to = OUR4, .payload = PACKET, .fragment_offset = 3},
        {.to = OUR4, .payload = PACKET, .vlan = TAG},
        {.to = OUR4, .payload = PACKET, .vlan = 0xe000},
        {.to = OUR4, .payload = PACKET, .vlan = 0xe000, .inner_vlan = TAG},
        {.to = OUR4, .payload = PACKET, .vlan = TAG, .inner_vlan = 0x2000, .inner_tpid = 0x88a8},
        {.to = OUR4, .payload = PACKET, .vlan = 7, .tpid = 0x88a8, .inner_vlan = TAG},
        {.to = OUR4, .payload = PACKET - 1},
        {.to = OUR4, .payload = 18},
        {.to = OUR4, .payload = PACKET, .port = 53},
        {.to = "10.7.0.9", .payload = PACKET},
        {.to = OUR4, .payload = PACKET, .protocol = IPPROTO_TCP},
        {.to = OUR6, .payload = PACKET},
        {.to = OUR6, .payload = PACKET, .vlan = TAG},
        {.to = OUR6, .payload = PACKET, .vlan = 0xe000, .inner_vlan = TAG},
        {.to = OUR6, .payload = PACKET, .extensions = "h"},
        {.to = OUR6, .payload = PACKET, .extensions = "D"},
        {.to = OUR6, .payload = PACKET, .extensions = "r"},
        {.to = OUR6, .payload = PACKET, .extensions = "hR"},
        {.to = OUR6, .payload = PACKET, .extensions = "f"},
        {.to = OUR6, .payload = PACKET, .extensions = "hf", .more_fragments = true},
        {.to = OUR6, .payload = PACKET, .extensions = "f", .fragment_offset = 3},
        {.to = OUR6, .payload = PACKET, .extensions = "hDrd", .vlan = TAG},
        {.to = OUR6, .payload = PACKET, .extensions = "hdrfd"},
        {.to = OUR6, .payload = PACKET, .extensions = "dddddd"},
        {.to = OUR6, .payload = PACKET, .extensions = "ddddddd"},
        {.to = OUR6, .payload = PACKET, .extensions = "da"},
        {.to = OUR6, .payload = PACKET + 1},
        {.to = OUR6, .payload = PACKET, .port = 53},
        {.to = "fd00:7::9", .payload = PACKET},
};

// splitmix64 (Steele, Lea, Flood 2014).
static uint64_t draw(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static unsigned below(uint64_t *state, unsigned n)
{
	return (unsigned)(draw(state) % n);
}

// Bytes that mean something somewhere in these headers.
static uint8_t meaningful(uint64_t *state)
{
	static const uint8_t bytes[] = {
	        0x00, 0x01, 0x02, 0x04, 0x05, 0x06, 0x08, 0x11, 0x1f,      0x20,        0x23, 0x28,
	        0x29, 0x2a, 0x2b, 0x2c, 0x33, 0x3b, 0x3c, 0x45, 0x4f,      0x60,        0x7f, 0x80,
	        0x81, 0x86, 0x88, 0xa8, 0xdd, 0xe0, 0xfe, 0xff, 9001 >> 8, 9001 & 0xff,
	};

	return bytes[below(state, sizeof(bytes))];
}

// Cut 'n' bytes out of the frame at 'at', or put 'n' bytes in.
static unsigned resize(uint64_t *state, uint8_t *frame, unsigned len, unsigned at, int n)
{
	if (n < 0 && at + (unsigned)-n <= len) {
		memmove(frame + at, frame + at - n, len - at + n);
		return len + n;
	}
	if (n > 0 && len + n <= MUTATE_MAX && at <= len) {
		memmove(frame + at + n, frame + at, len - at);
		for (int i = 0; i < n; i++)
			frame[at + i] = meaningful(state);
		return len + n;
	}
	return len;
}

static unsigned change(uint64_t *state, uint8_t *frame, unsigned len)
{
	unsigned at = below(state, len < HEADERS ? len : HEADERS);
	unsigned word = at & ~1u;
	static const int sizes[] = {-8, -4, -1, 1, 4, 8};

	switch (below(state, 8)) {
	case 0:
		frame[at] ^= 1u << below(state, 8);
		return len;
	case 1:
		frame[at] = (uint8_t)draw(state);
		return len;
	case 2:
	case 3:
		frame[at] = meaningful(state);
		return len;
	case 4: // a length, a port, an offset that is off by a little
		if (word + 1 < len) {
			uint16_t value = frame[word] << 8 | frame[word + 1];
			value += below(state, 17) - 8;
			frame[word] = value >> 8;
			frame[word + 1] = value & 0xff;
		}
		return len;
	case 5: // cut
		return below(state, 4) ? below(state, len) + 1 : at + 1;
	case 6: // a tag or a header more or less
		return resize(state, frame, len, word, sizes[below(state, 6)]);
	default: // a type that leads to another parser
		frame[word] = (const uint8_t[]){0x08, 0x86, 0x81, 0x88}[below(state, 4)];
		if (word + 1 < len)
			frame[word + 1] = (const uint8_t[]
			){0x00, 0xdd, 0x00, 0xa8}[below(state, 4)];
		return len;
	}
}

unsigned steer_mutate(uint64_t *state, uint8_t *frame)
{
	unsigned len, n;

	memset(frame, 0, MUTATE_MAX);
	if (below(state, 16) == 0) {
		len = SHORTEST + below(state, MUTATE_MAX - SHORTEST);
		for (unsigned i = 0; i < len; i++)
			frame[i] = below(state, 2) ? meaningful(state) : (uint8_t)draw(state);
		frame[12] = below(state, 2) ? 0x08 : 0x86;
		frame[13] = frame[12] == 0x08 ? 0x00 : 0xdd;
		return len;
	}
	n = below(state, sizeof(kinds) / sizeof(kinds[0]));
	uint8_t built[FRAME_MAX];
	len = frame_build(&kinds[n], 1, built);
	memcpy(frame, built, len);
	for (n = below(state, CHANGES + 1); n > 0; n--) {
		len = change(state, frame, len);
		if (len < SHORTEST)
			len = SHORTEST;
	}
	return len;
}
