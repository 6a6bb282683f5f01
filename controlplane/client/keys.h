// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A client's keys, all from one seed: DIR/key, 32 bytes, mode 0600, made at the first start. Each is the
// BLAKE2b-256 of a label, keyed with the seed.
#pragma once

#include <stddef.h>
#include <stdint.h>

// Secrets in locked memory, kept out of core dumps.
struct client_secrets {
	uint8_t link_private[32]; // X25519, "fogline client link key v1"
	uint8_t mail_private[32]; // X25519, "fogline client mail key v1"
	uint8_t store_key[32]; // "fogline client store key v1": of SURB keys at rest
};

struct client_keys {
	uint8_t link_public[32], mail_public[32];
	struct client_secrets *secret;
};

// 'dir' is an open folder that is the caller's own. Several processes may come first at once: they agree.
// Returns 0, or with a sentence that names the mend: -EPERM (open to others), -EBADMSG (no key), -ENOMEM
// (memory can't be locked), -errno.
int client_keys_open(int dir, struct client_keys **out, char *text, size_t text_len);
void client_keys_close(struct client_keys *); // wipes; accepts NULL
