// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Fields of the directory's documents, one behind the other. Each call returns what is behind its field, so
// that a layout is written and read in the order in which its header has it. Whoever calls has looked that
// there is room. Numbers are written with fog_be_put. Inside of this folder.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "../big_endian.h"

static inline uint8_t *wire_put(uint8_t *at, const void *data, size_t len)
{
	memcpy(at, data, len);
	return at + len;
}

static inline const uint8_t *wire_get(const uint8_t *at, void *out, size_t len)
{
	memcpy(out, at, len);
	return at + len;
}

static inline const uint8_t *wire_get_u64(const uint8_t *at, uint64_t *out)
{
	*out = fog_be_get(at, 8);
	return at + 8;
}

static inline const uint8_t *wire_get_u32(const uint8_t *at, uint32_t *out)
{
	*out = (uint32_t)fog_be_get(at, 4);
	return at + 4;
}

static inline const uint8_t *wire_get_u16(const uint8_t *at, uint16_t *out)
{
	*out = (uint16_t)fog_be_get(at, 2);
	return at + 2;
}
