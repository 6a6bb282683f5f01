// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The one bearer token that opens the API over TCP. Only its hash is kept in memory.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { FOG_TOKEN_LEN_MIN = 32, FOG_TOKEN_LEN_MAX = 512 };

struct fog_token {
	uint8_t hash[32]; // BLAKE2b-256
	char id[17]; // name of the token in the audit: tells nothing about the token itself
};

// Read the token from 'path': a regular file of root's or our own user, closed to everybody else,
// holding 32 to 512 printable characters; white space at the end is not part of it.
// Returns 0, -errno of the file, -EPERM (owner or mode), -EINVAL (length or characters); logged
// with its mend.
int fog_token_load(struct fog_token *, const char *path);

// Whether an Authorization header carries the token. Takes the same time for every wrong token of
// one length. 'header' may be NULL. Any thread.
int fog_token_matches(const struct fog_token *, const char *header);
