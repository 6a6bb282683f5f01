// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// platform.key: 32 random bytes in a file, without which what lies sealed in the store is noise. Two keys are derived from
// it (keyed BLAKE2b): one seals (XChaCha20-Poly1305, random nonces), one hashes what is too short to be hashed without a key.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SEAL_MORE = 24 + 16, SEAL_CONTEXT_MAX = 64 };

struct seal;

// Read 'path': a regular file of root's or our own user, closed to everybody else. With 'make' it is made when it is
// missing. Keys lie in locked memory. Returns 0, -EPERM (owner or mode), -EINVAL (length), -errno, said in 'error'.
int seal_open(struct seal **, const char *path, bool make, char *error, size_t error_len);
void seal_close(struct seal *); // accepts NULL

// 'out' has room for len + SEAL_MORE bytes. What is sealed in one context opens in no other. Any thread.
void seal_box(
        const struct seal *, const char *context, const uint8_t *plain, size_t len, uint8_t *out
);
// 'out' has room for len - SEAL_MORE bytes. Returns 0 or -EBADMSG.
int seal_unbox(
        const struct seal *, const char *context, const uint8_t *box, size_t len, uint8_t *out
);
void seal_hash(
        const struct seal *, const char *context, const void *data, size_t len, uint8_t *out,
        size_t out_len
);
