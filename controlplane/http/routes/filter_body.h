// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The bodies of PATCH /v1/filter and POST /v1/filter/deny, which keep to their schemas, parsed. All
// functions return 0, or -EINVAL after having answered 400 (nothing given, wrong kind of value) or 422
// (a value that can't be).
#pragma once

#include "../../config/filter.h"
#include "../http.h"

// {"source_rate": 100, "early_drop": null}: at least one limit; null = back to the file's.
int filter_parse_limits(const json_t *, struct fog_filter_change *, struct http_response *);
// {"prefix": "192.0.2.0/24", "force": true}; prefix may be a list.
int filter_parse_deny(const json_t *, struct fog_filter_change *, struct http_response *);
// One prefix more, from 'text'. 'field' names it in the answer.
int filter_parse_prefix(const char *field, const char *text, struct fog_filter_change *, struct http_response *);
