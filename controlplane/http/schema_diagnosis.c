// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "schema.h"

const struct api_schema api_capture = {.type = API_ANY};
const struct api_schema api_none = {.type = API_ANY};
const struct api_schema api_trace = {.type = API_ANY};
const struct api_schema api_trace_post = {.type = API_ANY};
const struct api_schema api_trace_state = {.type = API_ANY};
