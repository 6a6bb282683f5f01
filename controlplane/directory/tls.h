// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The certificate of a public listener: Ed25519 (RFC 8410), self-signed, made anew at every start. Readers
// know its key and look at nothing else in it.
// Any thread.
#pragma once

#include <gnutls/x509.h>
#include <stddef.h>
#include <stdint.h>

enum { FOG_TLS_PEM_LEN = 2048 };

// What a TLS library is given, NUL-terminated. Whoever has it wipes 'key'.
struct fog_tls_pem {
	char certificate[FOG_TLS_PEM_LEN], key[FOG_TLS_PEM_LEN];
};

// 'seed' is that of RFC 8032. Returns 0, -ENOMEM, or -EIO (GnuTLS can't make it).
int fog_tls_make(const uint8_t seed[32], struct fog_tls_pem *);
// Make 'crt', which may have names and uses already, a certificate that 'key' has signed for itself: serial number,
// ten years from a day ago, the name "fogline". Returns 0 or an error of GnuTLS.
int fog_tls_sign(gnutls_x509_crt_t, gnutls_x509_privkey_t, gnutls_digest_algorithm_t);
