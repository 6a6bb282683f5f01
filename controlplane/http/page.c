// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "page.h"

void http_page_begin(struct http_page *p, const struct http_request *req, const char *from)
{
	*p = (struct http_page){
	        .rows = json_array(),
	        .from = http_query_number(req, from),
	        .limit = http_query_number(req, "limit"),
	};
	p->last = p->from;
}

void http_page_add(struct http_page *p, int64_t number, json_t *row)
{
	if ((int64_t)json_array_size(p->rows) == p->limit) {
		p->more = true;
		json_decref(row);
		return;
	}
	json_array_append_new(p->rows, row);
	p->last = number;
}

static json_t *page_json(struct http_page *p, const char *name, json_t *next)
{
	return json_pack("{s:o s:o}", name, p->rows, "next", next);
}

json_t *http_page_json(struct http_page *p, const char *name)
{
	return page_json(p, name, p->more ? json_integer((json_int_t)p->last) : json_null());
}

json_t *http_page_growing(struct http_page *p, const char *name)
{
	return page_json(p, name, json_integer((json_int_t)p->last));
}

void http_page_drop(struct http_page *p)
{
	json_decref(p->rows);
}
