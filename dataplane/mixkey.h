// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A mix key and what lives and dies with it: the replay table and the key of the delays.
// Made and destroyed by the manager, read by workers. Secrets lie in locked memory.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/aes.h"
#include "replay.h"

struct fog_mix_key {
	uint64_t epoch;
	uint8_t private_key[32];
	uint8_t public_key[32];
	struct fog_aes_key delay; // AES-256
	struct fog_replay *replay;
	int replay_found; // the table was there already: restart under the same key
};

struct fog_mix_key_params {
	const char *replay_dir; // made (0700) when it is missing
	uint64_t replay_capacity;
	uint64_t delay_seed; // tests: the key of the delays follows from it; 0 = not
	uint64_t epoch;
	const uint8_t *private_key, *public_key; // 32 bytes each
	const uint8_t *delay_key; // 32 bytes from the epoch's VRF; NULL or all zero = random
};

// Make a key; its table is made, or found, in slices: step until it no longer returns 1, and use the
// key no sooner. begin returns 0, step 0, 1 (more to do), both -errno with a sentence that names the
// mend in 'text' (after step, close the key).
int fog_mix_key_begin(
        const struct fog_mix_key_params *, struct fog_mix_key **, char *text, size_t text_len
);
int fog_mix_key_step(struct fog_mix_key *, char *text, size_t text_len);
// Both at once. Returns 0 or -errno with 'text'.
int fog_mix_key_create(
        const struct fog_mix_key_params *, struct fog_mix_key **, char *text, size_t text_len
);
// Close the table (it stays for a restart, but for one that is not whole yet) and wipe the key.
// Accepts NULL.
void fog_mix_key_close(struct fog_mix_key *);
// Destroy the table for good and wipe the key. Accepts NULL.
void fog_mix_key_destroy(struct fog_mix_key *);
// The same in slices; the first one wipes. Returns whether there is more to do.
bool fog_mix_key_destroy_step(struct fog_mix_key *);

// Remove the tables, and what was to become one, that belong to none of the 'n' keys named; what is
// open, here or elsewhere, stays.
void fog_mix_key_sweep(
        const char *replay_dir, unsigned n, const uint64_t epoch[], const uint8_t public_key[][32]
);
