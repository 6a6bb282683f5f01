// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The "avx512" implementation: eight X25519 at a time; the rest is ref's.
#include "avx512.h"
#include "../ops.h"
#include "../ref/ref.h"

const struct fog_crypto_ops avx512_ops = {
        .name = "avx512",
        .width = 8,
        .x25519 = avx512_x25519,
        .expand = ref_mb_expand,
        .hmac = ref_mb_hmac,
        .ctr = ref_mb_ctr,
        .aez_encrypt = ref_aez_encrypt,
        .aez_decrypt = ref_aez_decrypt,
        .blind_scalar = ref_blind_scalar,
};
