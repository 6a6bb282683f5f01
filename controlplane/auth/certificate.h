// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The certificate of the REST API's TCP listener: what rest.tls_certificate and rest.tls_key name, or one that is made
// at the first start, ECDSA P-256 and self-signed (RFC 5280): STATE_DIR/control/rest.pem and rest.key.
#pragma once

#include <gnutls/abstract.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "../config/config.h"

struct fog_certificate;

struct fog_certificate_view {
	uint8_t key_sha256
	        [32]; // of its SubjectPublicKeyInfo: what `fogctl --fingerprint` and `curl --pinnedpubkey` take
	uint8_t sha256[32]; // of the certificate: what browsers show
	int64_t from, until; // s since 1970
};

// Read both files, or make them if none are named; those belong to uid:gid then. One that was made is made again, of
// the same key, when it is about to expire or the listener has another address. Before the privileges are dropped.
// Returns 0 or -errno, logged with its mend.
int fog_certificate_open(struct fog_certificate **, const struct fog_config *, uid_t, gid_t);
// Read both files again. Returns 0, or -errno (logged; the one before stays in use). One thread at a time.
int fog_certificate_reload(struct fog_certificate *);
void fog_certificate_close(struct fog_certificate
                                   *); // accepts NULL; nothing that 'take' gave is used any more

// What a handshake needs; lives until close. Any thread.
void fog_certificate_take(
        struct fog_certificate *, gnutls_pcert_st **chain, unsigned *count, gnutls_privkey_t *key
);
// Any thread.
void fog_certificate_look(struct fog_certificate *, struct fog_certificate_view *);
// Whether an operator should know that it is no good at 'now', or soon. Returns a stable code and a sentence in
// 'text', or NULL. Any thread.
const char *fog_certificate_warning(struct fog_certificate *, time_t now, char *text, size_t len);
