// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Reading and writing the JSON of `fogctl sphinx`. Every function that fails has said on standard
// error which field is wrong and what it must be. Bytes are hex strings everywhere.
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "../../dataplane/sphinx/sphinx.h"

// One line on standard error.
void sphinx_json_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

// The document in 'file' ("-" or NULL: standard input); the caller decrefs it. NULL on failure.
json_t *sphinx_json_load(const char *file);

// Refuse fields that are not in the NULL-terminated list: they are misspelt. 0 or -EINVAL.
int sphinx_json_known(const json_t *obj, const char *where, const char *const names[]);

// A copy of foreign text for a message, without control characters and cut to fit. Returns 'out'.
const char *sphinx_json_printable(const char *text, char out[65]);

// Hex text into exactly 'len' bytes. Returns 0, or -EINVAL without a message.
int sphinx_hex_decode(const char *hex, uint8_t *out, size_t len);

// A field of exactly 'len' bytes. 0, or -EINVAL (missing, not hex, wrong length).
int sphinx_json_bytes(const json_t *obj, const char *field, uint8_t *out, size_t len);

// Field "geometry": a shipped name or {"slots": n, "payload_len": n}; "mtu" when absent.
// 0 or -EINVAL.
int sphinx_json_geometry(const json_t *obj, struct fog_geometry *g);

// Field "path": a list of hops into path[FOG_SPHINX_SLOTS_MAX], first hop first. 0 or -EINVAL.
int sphinx_json_path(
        const json_t *obj, const struct fog_geometry *g, struct fog_sphinx_path_hop *path,
        unsigned *n
);

// A new hex string. NULL when out of memory, which json_object_set_new refuses in turn.
json_t *sphinx_json_hex(const uint8_t *bytes, size_t len);
