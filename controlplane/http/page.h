// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A page of a list. The caller says where it begins ('after' or 'before', the number of a row that is no part of it) and how
// many rows it has at most ('limit'); the answer says in 'next' where the page behind it begins. For one thread.
#pragma once

#include "http.h"

struct http_page {
	json_t *rows;
	int64_t from; // number that the page begins behind, or before; 0: at the beginning of the list
	int64_t limit;
	int64_t last; // number of its last row; without any 'from'
	bool more; // others follow
};

// 'from' is the name of the parameter that says where it begins.
void http_page_begin(struct http_page *, const struct http_request *, const char *from);
// Takes the reference of 'row'. A row above the limit is no part of the page: it says that there are more.
void http_page_add(struct http_page *, int64_t number, json_t *row);
// {name: rows, "next": number, or null when nothing follows}; NULL: no memory. Takes the page.
json_t *http_page_json(struct http_page *, const char *name);
// The same of a list that grows at its end: 'next' is never null, so that what comes later can be asked for.
json_t *http_page_growing(struct http_page *, const char *name);
void http_page_drop(struct http_page *);
