// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The page that shows the API.
#pragma once

#include <stddef.h>

#include "../api.h"

extern const char api_docs_page[], api_docs_style[]; // docs/page.js, docs/style.css

enum { API_DOCS_POLICY_LEN = 400 };

// The page, of any rows, and the Content-Security-Policy that lets its own style and script in, and nothing else. The
// caller frees 'page'. Returns 0 or -ENOMEM.
int api_docs(
        const struct api_route *rows, unsigned count, char **page, size_t *len,
        char policy[API_DOCS_POLICY_LEN]
);
