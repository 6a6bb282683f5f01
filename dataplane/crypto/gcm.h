// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// AES-256-GCM as link frames use it: nonces of 12 bytes, 16 bytes of associated data, tags of 16 bytes,
// in place. Sources: NIST SP 800-38D; ../api/link.h.
#pragma once

#include <stdint.h>

enum { FOG_GCM_AAD = 16, FOG_GCM_TAG = 16, FOG_GCM_NONCE = 12 };

// A key as one table of ops.h expands it; another table can't use it. Holds a secret: the owner keeps
// it in locked memory and wipes it. Read-only once made, so any number of threads may share it.
struct fog_gcm_key {
	_Alignas(64) uint8_t expanded[1024];
};

// One message. The pointers stay the caller's; nothing of it is written but text and tag.
struct fog_gcm_job {
	const struct fog_gcm_key *key;
	const uint8_t *aad; // FOG_GCM_AAD bytes
	uint8_t *text; // sealed or opened in place
	uint8_t *tag; // FOG_GCM_TAG bytes: written by seal, read by open
	uint8_t nonce[FOG_GCM_NONCE];
};
