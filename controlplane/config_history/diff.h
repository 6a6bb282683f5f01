// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The difference of two texts in the unified format of diff(1) and patch(1). E. Myers, "An O(ND) difference algorithm and its
// variations", Algorithmica 1, 1986, in linear space. As few lines as can be, unless texts have very little in common: then
// a part of them is shown as replaced altogether, so that no pair of texts takes long. Pure, any thread.
#pragma once

#include <stddef.h>

// 'name_a' and 'name_b' stand in the head. Equal texts give "". Returns 0 and a text that the caller frees, or -ENOMEM.
int fog_diff_unified(
        const char *a, size_t a_len, const char *name_a, const char *b, size_t b_len,
        const char *name_b, char **out, size_t *out_len
);
