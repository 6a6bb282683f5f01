// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "schema.h"

const struct api_schema api_config = {.type = API_ANY};
const struct api_schema api_config_put = {.type = API_ANY};
const struct api_schema api_deny = {.type = API_ANY};
const struct api_schema api_deny_post = {.type = API_ANY};
const struct api_schema api_filter = {.type = API_ANY};
const struct api_schema api_filter_changed = {.type = API_ANY};
const struct api_schema api_filter_patch = {.type = API_ANY};
