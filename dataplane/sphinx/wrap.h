// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What packets and SURBs have in common: the header and its hops' key material.
#pragma once

#include "sphinx.h"

// Write a header of geo->header_len bytes and the key material of every hop of the path (the
// caller wipes it). Errors as fog_sphinx_wrap.
int wrap_header(
        const struct fog_crypto_ops *ops, const struct fog_geometry *geo,
        const struct fog_sphinx_path_hop *path, unsigned n, uint8_t *header,
        struct fog_sphinx_hop hop[], fog_random_fn *random, void *random_ctx
);

// libsodium's generator when 'random' is NULL.
void wrap_random(fog_random_fn *random, void *random_ctx, uint8_t *out, size_t len);
