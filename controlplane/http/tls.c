// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "tls.h"

#include <stddef.h>
#include <stdint.h>

#include "../auth/certificate.h"

// Forward secrecy and authenticated ciphers only.
#define PRIORITIES \
	"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:-CIPHER-ALL:" \
	"+AES-256-GCM:+CHACHA20-POLY1305:+AES-128-GCM:-SIGN-RSA-SHA1:-SIGN-ECDSA-SHA1:%SERVER_PRECEDENCE"

static struct fog_certificate *in_use; // set before the first daemon starts

static int tls_retrieve(
        gnutls_session_t session, const gnutls_datum_t *names, int name_count,
        const gnutls_pk_algorithm_t *algorithms, int algorithm_count, gnutls_pcert_st **chain,
        unsigned *count, gnutls_privkey_t *key
)
{
	fog_certificate_take(in_use, chain, count, key);
	return 0;
}

void http_tls_options(
        struct fog_certificate *certificate, struct MHD_OptionItem option[HTTP_TLS_OPTIONS]
)
{
	static char priorities[] = PRIORITIES;
	gnutls_certificate_retrieve_function2 *const retrieve = tls_retrieve;

	in_use = certificate;
	option[0] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_PRIORITIES, 0, priorities};
	option[1] = (struct MHD_OptionItem
	){MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)(uintptr_t)retrieve};
}
