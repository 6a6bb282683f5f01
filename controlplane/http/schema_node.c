// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "schema.h"

const struct api_schema api_cover = {.type = API_ANY};
const struct api_schema api_drain = {.type = API_ANY};
const struct api_schema api_drain_post = {.type = API_ANY};
const struct api_schema api_drops = {.type = API_ANY};
const struct api_schema api_health = {.type = API_ANY};
const struct api_schema api_log = {.type = API_ANY};
const struct api_schema api_log_put = {.type = API_ANY};
const struct api_schema api_ports = {.type = API_ANY};
const struct api_schema api_ready = {.type = API_ANY};
const struct api_schema api_status = {.type = API_ANY};
const struct api_schema api_timing = {.type = API_ANY};
const struct api_schema api_workers = {.type = API_ANY};
