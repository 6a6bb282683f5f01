// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What an error of a part of the node means to who asked. Any thread.
#pragma once

#include "http.h"

struct http_refusal {
	int error; // negative errno; 0 ends a list
	int status;
	const char *code, *hint,
	        *text; // as http_reply_problem has them; text NULL: http_reply_away
};

// Answer to a negative errno with the row that 'own' has for it (NULL: none), else as all routes do: 503 for -EAGAIN and -EBUSY (the
// store is away), 404, 409, 412 and the like for -ENOENT, -EEXIST, -ESTALE and so on; all others are faults, 500, logged with the
// error_id of the answer.
void http_reply_error(struct http_response *, int error, const struct http_refusal *own);
// The status of an error for all routes.
int http_error_status(int error);
