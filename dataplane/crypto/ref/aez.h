// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// AEZ v5 enciphering as the packet format uses it: no authenticator (tau = 0), no associated
// data, a 48-byte key taken as it is (I, J, L), a 16-byte nonce, 32 bytes or more.
// Source: Hoang, Krovetz, Rogaway: AEZ v5: Authenticated Encryption by Enciphering (2017).
#pragma once

#include <stddef.h>
#include <stdint.h>

// Both work in place, are constant time, wipe what they keep of the key, and need AES-NI.
void aez_encipher(uint8_t *buf, size_t len, const uint8_t key[48], const uint8_t nonce[16]);
void aez_decipher(uint8_t *buf, size_t len, const uint8_t key[48], const uint8_t nonce[16]);
