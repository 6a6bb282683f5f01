// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What waits for its confirmation, in answers to who changes the configuration.
#pragma once

#include <jansson.h>

struct fog_node;

json_t *http_config_pending(struct fog_node *); // schema_config_pending
