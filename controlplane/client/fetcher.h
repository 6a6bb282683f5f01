// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// One fetch at a time, on a thread of its own (../directory/fetch.h blocks).
#pragma once

#include <stdbool.h>

#include "../directory/fetch.h"

struct client_fetcher;

int client_fetcher_create(struct client_fetcher **); // 0 or -errno
void client_fetcher_destroy(struct client_fetcher *); // waits for the fetch under way; accepts NULL
int client_fetcher_fd(const struct client_fetcher *); // readable when one is over
bool client_fetcher_busy(struct client_fetcher *);
// Begin a GET of at most 'max' bytes. Not while busy.
void client_fetcher_begin(
        struct client_fetcher *, const struct fog_fetch_peer *, const char *path, size_t max
);
// Take the answer of one that is over. Returns false: there is none. *error as fog_fetch; the caller
// frees answer->data when it is 0.
bool client_fetcher_take(
        struct client_fetcher *, struct fog_fetch_answer *answer, int *error,
        char text[FOG_FETCH_TEXT_LEN]
);
