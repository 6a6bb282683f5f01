// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The public listener: HTTPS for everybody, apart from the admin API, with nothing in it that changes a
// node. TLS 1.3 with a self-signed Ed25519 certificate whose key readers pin. Bodies are limited, answers come
// from memory, connections and requests are counted and limited by source (crowd.h): status 429 with
// Retry-After, 503 when all of them together ask for too many different things. Slow readers of one answer share
// it, and lose their connection to others who come.
//
//   GET /directory/consensus            the newest one; application/octet-stream
//   GET /directory/consensus/EPOCH      of that epoch; 404
//   GET /directory/equivocations        all known proofs, one behind the other (statement.h)
//   GET /directory/figures              JSON: of epochs that are over, rounded
//   and what 'extra' serves
//
// A refusal is JSON as the admin API's (application/problem+json, RFC 9457): "code" is the label, for
// programs, "detail" a sentence for people.
// Any thread; handlers are called by the one thread that serves all connections, so they must not block.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../dataplane/api/abi.h"

struct fog_serve;

// What a request gets. 'data' is freed by the server (free).
struct fog_serve_answer {
	unsigned status; // HTTP
	const char *type; // content type, constant
	uint8_t *data;
	size_t len;
};

struct fog_serve_ops {
	// Method ("GET" or "POST"; HEAD comes as GET), the whole path ("/directory/..."), body. Fills the
	// answer, whose status is 500 before.
	void (*request
	)(void *ctx, const char *method, const char *path, const uint8_t *body, size_t len,
	  struct fog_serve_answer *);
};

struct fog_serve_params {
	int fd; // listening TCP socket, taken over unless create fails
	const uint8_t *tls_seed; // 32 bytes, locked; read during create only
	size_t body_max; // bytes of a POST; 0: GET only
	const struct fog_ip *peer; // whom no crowd may keep away; copied
	unsigned peer_count;
};

// Returns 0, -ENOMEM, -EIO (TLS); logged with its mend.
int fog_serve_create(const struct fog_serve_params *, const struct fog_serve_ops *, void *ctx, struct fog_serve **);
void fog_serve_destroy(struct fog_serve *); // ends connections; accepts NULL
// The same, but for the listening socket: it is returned, and may be listened on again.
int fog_serve_release(struct fog_serve *);

// Connections that wait to be let in, and how many may. Returns 0 or -errno.
int fog_serve_queue(struct fog_serve *, uint32_t *waiting, uint32_t *room);

// For handlers: answer with a refusal. Replaces what the answer has; nothing of it is freed.
__attribute__((format(printf, 4, 5))) void fog_serve_refuse(
        struct fog_serve_answer *, unsigned status, const char *code, const char *format, ...
);
