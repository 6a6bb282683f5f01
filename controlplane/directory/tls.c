// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "tls.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <time.h>

enum { LIFE_S = 10 * 365 * 86400, EARLIER_S = 86400 };

static int tls_import(const uint8_t seed[32], gnutls_x509_privkey_t key)
{
	uint8_t public_key[32], secret_key[64], k[32];
	gnutls_datum_t x = {public_key, sizeof(public_key)}, d = {k, sizeof(k)};

	memcpy(k, seed, sizeof(k));
	crypto_sign_seed_keypair(public_key, secret_key, seed);
	int r = gnutls_x509_privkey_import_ecc_raw(key, GNUTLS_ECC_CURVE_ED25519, &x, NULL, &d);
	sodium_memzero(secret_key, sizeof(secret_key));
	sodium_memzero(k, sizeof(k));
	return r;
}

int fog_tls_sign(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key, gnutls_digest_algorithm_t digest)
{
	static const char name[] = "fogline";
	uint8_t serial[16];
	time_t now = time(NULL);
	int r = gnutls_x509_crt_set_version(crt, 3);

	randombytes_buf(serial, sizeof(serial));
	serial[0] = (serial[0] & 0x7f) | 0x40; // positive, and of full length (RFC 5280 §4.1.2.2)
	if (r >= 0)
		r = gnutls_x509_crt_set_serial(crt, serial, sizeof(serial));
	if (r >= 0)
		r = gnutls_x509_crt_set_activation_time(crt, now - EARLIER_S);
	if (r >= 0)
		r = gnutls_x509_crt_set_expiration_time(crt, now + LIFE_S);
	if (r >= 0)
		r = gnutls_x509_crt_set_dn_by_oid(
		        crt, GNUTLS_OID_X520_COMMON_NAME, 0, name, sizeof(name) - 1
		);
	if (r >= 0)
		r = gnutls_x509_crt_set_key(crt, key);
	if (r >= 0)
		r = gnutls_x509_crt_sign2(crt, crt, key, digest, 0);
	return r;
}

static int tls_export(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key, struct fog_tls_pem *pem)
{
	size_t crt_len = sizeof(pem->certificate) - 1, key_len = sizeof(pem->key) - 1;

	memset(pem, 0, sizeof(*pem));
	int r = gnutls_x509_crt_export(crt, GNUTLS_X509_FMT_PEM, pem->certificate, &crt_len);
	if (r >= 0)
		r = gnutls_x509_privkey_export_pkcs8(
		        key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, pem->key, &key_len
		);
	return r;
}

int fog_tls_make(const uint8_t seed[32], struct fog_tls_pem *pem)
{
	gnutls_x509_privkey_t key = NULL;
	gnutls_x509_crt_t crt = NULL;
	int r = gnutls_x509_privkey_init(&key);

	if (r >= 0)
		r = gnutls_x509_crt_init(&crt);
	if (r >= 0)
		r = tls_import(seed, key);
	if (r >= 0)
		r = fog_tls_sign(crt, key, GNUTLS_DIG_SHA512);
	if (r >= 0)
		r = tls_export(crt, key, pem);
	if (crt != NULL)
		gnutls_x509_crt_deinit(crt);
	if (key != NULL)
		gnutls_x509_privkey_deinit(key);
	if (r >= 0)
		return 0;
	sodium_memzero(pem, sizeof(*pem));
	return r == GNUTLS_E_MEMORY_ERROR ? -ENOMEM : -EIO;
}
