// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "schema.h"

const struct api_schema api_consensus = {.type = API_ANY};
const struct api_schema api_descriptor = {.type = API_ANY};
const struct api_schema api_epochs = {.type = API_ANY};
const struct api_schema api_links = {.type = API_ANY};
const struct api_schema api_links_rekey = {.type = API_ANY};
const struct api_schema api_loops = {.type = API_ANY};
const struct api_schema api_loops_post = {.type = API_ANY};
const struct api_schema api_loops_state = {.type = API_ANY};
const struct api_schema api_nodes = {.type = API_ANY};
const struct api_schema api_vrf = {.type = API_ANY};
const struct api_schema api_withdrawal = {.type = API_ANY};
