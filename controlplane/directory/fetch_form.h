// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// One request, as fetch.c makes it and fetch_many.c has several of at once.
#pragma once

#include <stdbool.h>

#include <curl/curl.h>

#include "fetch.h"

struct fetch_request {
	CURL *easy;
	struct curl_slist *head;
	uint8_t *data;
	size_t len, room, max;
	bool too_long, no_memory;
	char error[CURL_ERROR_SIZE];
};

bool fetch_prepare(void); // the library, once; returns whether it works
// Everything but the sending; the object must not move until fetch_close. 'copy': the body needs to live no longer than
// this call. Returns 0, -EINVAL or -ENOMEM with a sentence in 'text' as fog_fetch; fetch_close is due in any case.
int fetch_open(
        struct fetch_request *, const struct fog_fetch_peer *, const char *path, const void *body,
        size_t body_len, bool copy, size_t max, char *text
);
// What became of it, as fog_fetch.
int fetch_finish(struct fetch_request *, CURLcode, struct fog_fetch_answer *, char *text);
void fetch_close(struct fetch_request *);
