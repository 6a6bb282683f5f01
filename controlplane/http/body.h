// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Bodies that are a small JSON object.
#pragma once

#include "http.h"

// Parse the body. 'known' are the fields it may have, ended by NULL; an empty body is {}. Returns the
// object, which the caller gives back, or NULL after having answered 400.
json_t *http_body_object(
        const struct http_request *, struct http_response *, const char *const *known
);
// A whole number within [min, max] from a field; '*value' stays as it is when the field is missing.
// Returns 0, or -EINVAL after having answered 400.
int http_body_number(
        const json_t *body, struct http_response *, const char *field, int64_t min, int64_t max,
        int64_t *value
);
