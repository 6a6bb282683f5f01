// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The body of POST /v1/messages, parsed.
#pragma once

#include "../../mixnet/sender.h"
#include "../http.h"

struct letter_body {
	struct fog_letter letter; // leads into what follows
	uint8_t recipient[FOG_ID_LEN];
	const char *path[FOG_SPHINX_SLOTS_MAX];
	uint8_t *data; // decoded; NULL when letter.data leads into the JSON
};

// 'json' keeps to its schema and outlives the result. Returns 0, or -EINVAL after having answered 400; either way the
// caller frees the result.
int letter_parse(const json_t *json, struct letter_body *, struct http_response *);
void letter_free(struct letter_body *);
