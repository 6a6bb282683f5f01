// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "schema.h"

const struct api_schema api_message_post = {.type = API_ANY};
const struct api_schema api_message_taken = {.type = API_ANY};
const struct api_schema api_messages = {.type = API_ANY};
const struct api_schema api_sent = {.type = API_ANY};
