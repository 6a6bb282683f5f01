// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The node's identity: an Ed25519 key pair (RFC 8032) that is made on first start and kept on disk
// for good. The node ID is the BLAKE2b-256 of the public key.
//
//   STATE_DIR               made with mode 0711; owned by who calls open, writable by nobody else
//   STATE_DIR/identity.key  mode 0600, 64 bytes: seed and public key
//   STATE_DIR/identity.pub  mode 0644, public key in hexadecimal and a newline
//
// The folder is root's; what the control plane writes after it has dropped its privileges belongs
// into a subfolder that it is given.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "../../dataplane/api/abi.h"

struct fog_identity {
	uint8_t node_id[FOG_ID_LEN];
	uint8_t public_key[32];
	uint8_t *secret_key; // 64 bytes as libsodium has them, locked, kept out of core dumps
	// Derived from the seed, so that one file is the whole identity: BLAKE2b-256 of a label, keyed
	// with the seed.
	uint8_t link_public[32]; // X25519, "fogline link key v1"
	uint8_t *link_private; // 32 bytes, as secret_key
	uint8_t vrf_public[32]; // Ed25519 of the seed, "fogline vrf key v1"
	uint8_t *vrf_seed; // 32 bytes: SK of RFC 9381, as secret_key
	uint8_t tls_public[32]; // Ed25519 of the seed, "fogline tls key v1": of a public listener
	uint8_t *tls_seed; // 32 bytes, as secret_key
	int lock_fd; // holds the lock that keeps a second control plane off this folder
};

// Load the identity, or make it when there is none (folder included, durable before it returns;
// an existing file is never overwritten). Call before privileges are dropped.
// Returns 0 and an object that the caller closes, or with a sentence in 'text' that names the mend:
// -EPERM (wrong owner or mode), -EBADMSG (wrong length, or the halves don't belong together),
// -EBUSY (another control plane uses this folder), -ENOMEM (memory can't be locked), -errno.
int fog_identity_open(
        const char *state_dir, struct fog_identity **out, char *text, size_t text_len
);
// The identity that 'seed' (not 0) gives every test node (testkeys.h). The folder is locked and gets
// its identity.pub as above, but no key file, so that the identity goes when the seed goes. Errors as
// above, and -EEXIST: the folder holds the key of a real node, which must not run on test keys.
int fog_identity_open_test(
        const char *state_dir, uint64_t seed, struct fog_identity **out, char *text, size_t text_len
);
void fog_identity_close(struct fog_identity *); // wipes; accepts NULL

// The public part only, for offline tools: no lock, no root needed.
// Returns 0, -ENOENT (no identity yet), -EBADMSG, -errno.
int fog_identity_public(const char *state_dir, uint8_t public_key[32], uint8_t node_id[FOG_ID_LEN]);

// Offline: put the key of a backup ('key': 64 bytes, seed and public key) into a folder that has none.
// Returns 0, or with a sentence as open does, and -EEXIST: there is an identity, which stays.
int fog_identity_restore(const char *state_dir, const uint8_t *key, char *text, size_t text_len);

// Offline: put the key aside as 'kept' (a file name in the folder, FOG_IDENTITY_KEPT_LEN bytes) and make
// a new identity. Errors as open, and -ENOENT: there is none.
enum { FOG_IDENTITY_KEPT_LEN = 64 };

int fog_identity_rotate(const char *state_dir, char *kept, char *text, size_t text_len);

void fog_identity_node_id(const uint8_t public_key[32], uint8_t node_id[FOG_ID_LEN]);
