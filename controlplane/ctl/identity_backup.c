// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include <endian.h>
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "identity.h"

static const uint8_t backup_magic[16] = "fogline backup1";

enum { AT_PASSES = 16, AT_MEMORY = 24, AT_SALT = 32, AT_NONCE = 48, AT_BOX = 72 };

enum { PASSES_MAX = 16 };

#define MEMORY_MAX (UINT64_C(1) << 30) // a forged file must not eat the host

static uint64_t backup_number(const uint8_t *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return be64toh(value);
}

static void backup_number_put(uint8_t *at, uint64_t value)
{
	value = htobe64(value);
	memcpy(at, &value, sizeof(value));
}

// The key that opens the box, in locked memory; NULL without the memory that Argon2id asks for.
static uint8_t *backup_key(const uint8_t *head, const char *passphrase, size_t len)
{
	uint8_t *key = sodium_malloc(crypto_aead_xchacha20poly1305_ietf_KEYBYTES);

	if (key != NULL &&
	    crypto_pwhash(
	            key, crypto_aead_xchacha20poly1305_ietf_KEYBYTES, passphrase, len,
	            head + AT_SALT, backup_number(head + AT_PASSES),
	            (size_t)backup_number(head + AT_MEMORY), crypto_pwhash_ALG_ARGON2ID13
	    ) != 0) {
		sodium_free(key);
		return NULL;
	}
	return key;
}

int identity_seal(
        const uint8_t *secret, const char *passphrase, size_t len, uint8_t out[IDENTITY_BACKUP_LEN]
)
{
	memcpy(out, backup_magic, sizeof(backup_magic));
	backup_number_put(out + AT_PASSES, crypto_pwhash_OPSLIMIT_MODERATE);
	backup_number_put(out + AT_MEMORY, crypto_pwhash_MEMLIMIT_MODERATE);
	randombytes_buf(out + AT_SALT, AT_BOX - AT_SALT);
	uint8_t *key = backup_key(out, passphrase, len);
	if (key == NULL)
		return -ENOMEM;
	crypto_aead_xchacha20poly1305_ietf_encrypt(
	        out + AT_BOX, NULL, secret, IDENTITY_KEY_LEN, out, AT_BOX, NULL, out + AT_NONCE, key
	);
	sodium_free(key);
	return 0;
}

int identity_unseal(
        const uint8_t in[IDENTITY_BACKUP_LEN], const char *passphrase, size_t len, uint8_t *secret
)
{
	uint64_t passes = backup_number(in + AT_PASSES), memory = backup_number(in + AT_MEMORY);

	if (memcmp(in, backup_magic, sizeof(backup_magic)) != 0 || passes == 0 ||
	    passes > PASSES_MAX || memory < crypto_pwhash_MEMLIMIT_MIN || memory > MEMORY_MAX)
		return -EINVAL;
	uint8_t *key = backup_key(in, passphrase, len);
	if (key == NULL)
		return -ENOMEM;
	int r = crypto_aead_xchacha20poly1305_ietf_decrypt(
	        secret, NULL, NULL, in + AT_BOX, IDENTITY_BACKUP_LEN - AT_BOX, in, AT_BOX,
	        in + AT_NONCE, key
	);
	sodium_free(key);
	return r == 0 ? 0 : -EBADMSG;
}
