// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A certificate of our own, for who has none. For certificate.c.
#pragma once

#include <gnutls/x509.h>
#include <stdbool.h>

// How long before its end a certificate is worth a warning, and one of ours is made anew.
enum { CERTIFICATE_SOON_S = 14 * 86400 };

// A new key. Returns 0 or an error of GnuTLS.
int certificate_make_key(gnutls_x509_privkey_t *);
// A self-signed certificate for a listener at 'tcp' ("address:port"): its address, or all of this host's, and the host's
// name. Returns 0 or an error of GnuTLS.
int certificate_make(gnutls_x509_crt_t *, gnutls_x509_privkey_t, const char *tcp);
// Whether 'crt' has the address of 'tcp', of which "all addresses" are always there, and is good for a while.
bool certificate_made_for(gnutls_x509_crt_t crt, const char *tcp);
