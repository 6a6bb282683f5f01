// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The fuzzer's bytes as a script that both hostile peers read from; it runs dry into zeros.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct script {
	const uint8_t *at;
	size_t left;
};

static inline void script_bytes(struct script *s, void *out, size_t n)
{
	size_t have = n < s->left ? n : s->left;

	memset(out, 0, n);
	memcpy(out, s->at, have);
	s->at += have;
	s->left -= have;
}

static inline uint8_t script_u8(struct script *s)
{
	uint8_t v;

	script_bytes(s, &v, sizeof(v));
	return v;
}

static inline uint16_t script_u16(struct script *s)
{
	uint16_t v;

	script_bytes(s, &v, sizeof(v));
	return v;
}

// Scribble over one of our own mappings: place, length and content come from the script.
static inline void script_write(struct script *s, void *memory, size_t size)
{
	size_t at = script_u16(s) % size, n = 1 + script_u8(s) % 32;

	if (memory != NULL)
		script_bytes(s, (uint8_t *)memory + at, n < size - at ? n : size - at);
}

// Invariants end the run, and libFuzzer keeps the input.
static inline void demand(int condition)
{
	if (!condition)
		abort();
}

// The lowest free descriptor: the same before and after when nothing leaks.
static inline int fd_lowest(void)
{
	int fd = dup(STDIN_FILENO);

	close(fd);
	return fd;
}

void fuzz_control_peer(struct script *); // against the data plane's session
void fuzz_data_peer(struct script *); // against the control plane's client
