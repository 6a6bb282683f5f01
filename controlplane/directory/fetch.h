// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// HTTPS to a directory listener (serve.h) whose TLS key is known: TLS 1.3, the certificate's Ed25519 key is
// pinned (SHA-256 of its SubjectPublicKeyInfo), its names and dates say nothing. libcurl; any thread;
// blocking for up to FOG_FETCH_PATIENCE_MS: never on a control thread.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "../../dataplane/api/abi.h"

struct fog_fetch_peer {
	struct fog_ip address;
	uint16_t port;
	uint8_t tls_key[32];
};

struct fog_fetch_answer {
	long status; // HTTP
	int64_t date_s; // since 1970, when it was made by the other side's clock; 0: it doesn't say
	uint8_t *
	        data; // the caller frees it; never NULL after success, one byte longer and zero there
	size_t len;
};

enum { FOG_FETCH_TEXT_LEN = 200, FOG_FETCH_PATIENCE_MS = 5000 };

// GET, or POST of 'body' when that isn't NULL. Returns 0 when there is an answer of any status, or with a
// sentence in 'text' (FOG_FETCH_TEXT_LEN bytes): -EHOSTUNREACH (no connection), -EKEYREJECTED (another TLS key than the pinned one),
// -EMSGSIZE (longer than 'max'), -ETIMEDOUT, -EINVAL ('path' is too long), -EIO (no TLS 1.3, no HTTP, it
// ended early), -ENOMEM.
int fog_fetch(
        const struct fog_fetch_peer *, const char *path, const void *body, size_t body_len,
        size_t max, struct fog_fetch_answer *answer, char *text
);
