// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fogctl identity: offline, on the state folder of a node whose control plane does not run.
#pragma once

#include <stddef.h>
#include <stdint.h>

int ctl_identity(int argc, char **argv);

// A backup: one file of IDENTITY_BACKUP_LEN bytes.
//
//   magic 16 | Argon2id passes 8, big-endian | Argon2id memory in bytes 8, big-endian | salt 16 |
//   nonce 24 | XChaCha20-Poly1305 of identity.key (64 + 16), everything before it is associated data
//
// The key of the last is Argon2id (RFC 9106) of the passphrase.
enum { IDENTITY_KEY_LEN = 64, IDENTITY_BACKUP_LEN = 16 + 8 + 8 + 16 + 24 + IDENTITY_KEY_LEN + 16 };

// 'key' has 64 bytes. Returns 0 or -ENOMEM (what Argon2id asks for).
int identity_seal(
        const uint8_t *key, const char *passphrase, size_t len, uint8_t out[IDENTITY_BACKUP_LEN]
);
// Returns 0, -EINVAL (not a backup, or of settings that are not taken), -EBADMSG (another passphrase, or
// the file is damaged), -ENOMEM.
int identity_unseal(
        const uint8_t in[IDENTITY_BACKUP_LEN], const char *passphrase, size_t len, uint8_t *key
);
