// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A mix key and what lives and dies with it: the replay table and the key of the delays.
// Made and destroyed by the manager, read by workers. Secrets lie in locked memory.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "crypto/aes.h"
#include "replay.h"

struct fog_mix_key {
	uint64_t epoch;
	uint8_t private_key[32];
	uint8_t public_key[32];
	struct fog_aes_key delay; // AES-256 under a random seed, or a fixed one in tests
	struct fog_replay *replay;
	int replay_found; // the table was there already: restart under the same key
};

// 'replay_dir' is made (0700) when it is missing. 'delay_seed' 0 means random.
// Returns 0 or -errno with a sentence that names the mend in 'text'.
int fog_mix_key_create(
        const char *replay_dir, uint64_t replay_capacity, uint64_t delay_seed, uint64_t epoch,
        const uint8_t private_key[32], const uint8_t public_key[32], struct fog_mix_key **,
        char *text, size_t text_len
);
// Close the table (it stays for a restart) and wipe the key. Accepts NULL.
void fog_mix_key_close(struct fog_mix_key *);
// Destroy the table for good and wipe the key. Accepts NULL.
void fog_mix_key_destroy(struct fog_mix_key *);
