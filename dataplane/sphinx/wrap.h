// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What packets and SURBs have in common: the header and its hops' key material.
#pragma once

#include "sphinx.h"

// Make the headers of 'count' packets of 'n' hops. job[i].pkt receives geo->header_len bytes (no
// payload is read), state[i].hop the key material of its hops; the caller wipes the states with
// wrap_wipe, also after an error. Errors as fog_sphinx_wrap.
int wrap_headers(
        const struct fog_crypto_ops *ops, const struct fog_geometry *geo, unsigned n,
        const struct fog_sphinx_wrap_job job[], unsigned count,
        struct fog_sphinx_wrap_state state[], fog_random_fn *random, void *random_ctx
);
void wrap_wipe(struct fog_sphinx_wrap_state state[], unsigned n, unsigned count);

// libsodium's generator when 'random' is NULL.
void wrap_random(fog_random_fn *random, void *random_ctx, uint8_t *out, size_t len);
