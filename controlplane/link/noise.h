// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Handshakes of the Noise Protocol Framework (revision 34) with 25519, AESGCM and SHA256. A pattern is
// data: the tokens of its messages. All patterns here have the responder's static key known to the
// initiator beforehand.
//
// The functions are pure and take no lock: one handshake belongs to one thread at a time. A handshake
// holds secrets, so it lies in memory of sodium_malloc; a copy must lie there, too, and be wiped.
// Call sodium_init() first; the CPU must have AES-NI and PCLMUL (crypto_aead_aes256gcm_is_available).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fog_noise_pattern { FOG_NOISE_NK, FOG_NOISE_IK };

enum {
	FOG_NOISE_KEY = 32,
	FOG_NOISE_TAG = 16,
	FOG_NOISE_MESSAGE_MAX = 65535, // section 3
};

// CipherState (section 5.1): a key and the next nonce.
struct fog_noise_cipher {
	uint8_t key[FOG_NOISE_KEY];
	uint64_t nonce;
	bool has_key;
};

// HandshakeState and SymmetricState (sections 5.2 and 5.3). Only noise.c looks inside, but a caller may
// copy it to try a message that may turn out to be forged.
struct fog_noise {
	enum fog_noise_pattern pattern;
	bool initiator;
	bool has_static, has_ephemeral; // 's'; 'e' set in advance
	bool failed; // a message was refused: nothing more comes of this one
	unsigned message; // next one
	uint8_t ck[32], h[32];
	struct fog_noise_cipher cipher;
	uint8_t s[32], s_public[32], e[32], e_public[32]; // private and public
	uint8_t rs[32], re[32]; // the other side's
};

// Begin a handshake. The initiator gives the responder's static key 'rs'; the responder gives NULL and
// his own key pair 's' (private), 's_public'. With NK the initiator has none (NULL).
// Returns 0 or -EINVAL (a key that the pattern needs is missing).
int fog_noise_start(
        struct fog_noise *, enum fog_noise_pattern, bool initiator, const void *prologue,
        size_t prologue_len, const uint8_t s[32], const uint8_t s_public[32], const uint8_t rs[32]
);
// Test vectors only: use this ephemeral private key instead of a random one.
void fog_noise_ephemeral_set(struct fog_noise *, const uint8_t e[32]);

// Bytes that message 'message' (0, 1) has beyond its payload.
size_t fog_noise_overhead(enum fog_noise_pattern, unsigned message);

// Write the next message. Returns 0 with its length, -EPROTO (it isn't our turn, or the handshake is
// over or has failed), -EMSGSIZE (longer than 'room' or FOG_NOISE_MESSAGE_MAX), -EDOM (the other side's
// key makes a shared secret of zero).
int fog_noise_write(
        struct fog_noise *, const void *payload, size_t payload_len, uint8_t *out, size_t room,
        size_t *out_len
);
// Read the next message. Returns 0 with its payload, -EPROTO, -EMSGSIZE (too short, or the payload is
// longer than 'room'), -EBADMSG (forged or for somebody else), -EDOM. After an error the handshake has
// failed, and 'payload' holds nothing of the message.
int fog_noise_read(
        struct fog_noise *, const uint8_t *msg, size_t len, uint8_t *payload, size_t room,
        size_t *payload_len
);
// After the last message: the keys of the two directions as this side sees them. Returns 0 or -EPROTO.
// The caller wipes the handshake.
int fog_noise_split(const struct fog_noise *, uint8_t tx[32], uint8_t rx[32]);

// Messages under a key of Split, nonce 0 and on (section 5.1: empty associated data). 'out' has len +
// FOG_NOISE_TAG bytes, of open len - FOG_NOISE_TAG. seal returns 0; open 0 or -EBADMSG.
int fog_noise_seal(struct fog_noise_cipher *, const uint8_t *in, size_t len, uint8_t *out);
int fog_noise_open(struct fog_noise_cipher *, const uint8_t *in, size_t len, uint8_t *out);
