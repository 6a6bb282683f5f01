// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Mix keys: one X25519 key pair (RFC 7748) per key epoch. The private key is never on disk. It
// lives in the kernel's keyring of the control plane's user (keyrings(7)), so it outlives a restart
// of either process and no reboot, and in locked memory while it is in use.
// One control plane an instance (fog_identity_open sees to it). Control-plane main thread.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct fog_topology_node;

struct fog_epoch_key {
	uint64_t epoch;
	uint8_t public_key[32];
	uint8_t *private_key; // 32 bytes, locked, kept out of core dumps
};

// Fetch the key of 'epoch' from the keyring, or make it when there is none ('*created' says which;
// may be NULL). Call after privileges are dropped: the keyring is that of the real uid.
// Returns 0 and an object that the caller closes, or with a sentence in 'text' that names the mend:
// -ENOSYS (kernel without keyrings), -EDQUOT, -EACCES (a key of that name is somebody else's),
// -EBADMSG (of wrong length), -ENOMEM (memory can't be locked), -errno.
int fog_epoch_key_open(
        const char *instance, uint64_t epoch, struct fog_epoch_key **out, int *created, char *text,
        size_t text_len
);
// The same, but none is made: -ENOENT.
int fog_epoch_key_fetch(
        const char *instance, uint64_t epoch, struct fog_epoch_key **out, char *text,
        size_t text_len
);
// A secret of this instance that lives as mix keys do, but through all epochs: fetched, or made when
// there is none. Errors as fog_epoch_key_open; the caller wipes it.
int fog_keyring_secret(const char *instance, uint8_t secret[32], char *text, size_t text_len);
int fog_keyring_secret_destroy(const char *instance); // 0, -ENOENT, -errno
// The key that 'seed' gives every test node (testkeys.h); the keyring is left alone, so that the key
// goes when the seed goes. Errors: -ENOMEM.
int fog_epoch_key_open_test(
        uint64_t seed, uint64_t epoch, struct fog_epoch_key **out, char *text, size_t text_len
);
void fog_epoch_key_close(struct fog_epoch_key
                                 *); // wipes memory, the keyring keeps it; accepts NULL
// Remove the key of 'epoch' from the keyring for good. Returns 0, -ENOENT (there is none), -errno.
int fog_epoch_key_destroy(const char *instance, uint64_t epoch);

// Compare with what the topology announces for our own node ('self' NULL: it doesn't list us).
// Returns 0, -ENOENT (not listed) or -ESTALE (another key), with a sentence for /readyz.
int fog_epoch_key_announced(
        const struct fog_epoch_key *, const struct fog_topology_node *self, char *text,
        size_t text_len
);
