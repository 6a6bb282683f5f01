// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Single values as JSON has them. Every function returns a new reference, NULL without memory. What is not
// known is null, never 0.
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "../../../dataplane/api/abi.h"

json_t *view_hex(const uint8_t *bytes, size_t len);
json_t *view_hex_or_null(const uint8_t *bytes, size_t len); // null when all bytes are zero
json_t *view_time_us(int64_t us); // RFC 3339, UTC
json_t *view_known(uint64_t value); // null when 0 stands for unknown
json_t *view_ip(const struct fog_ip *);
