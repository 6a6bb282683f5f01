// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "components.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "schema.h"

static int schema_walk(
        const struct api_schema *s, api_schema_visit *visit, void *ctx, unsigned depth
)
{
	int r;

	if (s == NULL)
		return 0;
	if (depth == API_SCHEMA_DEPTH_MAX)
		return -ELOOP;
	r = visit(ctx, s);
	if (r == 0)
		r = schema_walk(s->item, visit, ctx, depth + 1);
	if (r == 0)
		r = schema_walk(s->other, visit, ctx, depth + 1);
	for (const struct api_field *f = s->field; r == 0 && f != NULL && f->name != NULL; f++)
		r = schema_walk(f->schema, visit, ctx, depth + 1);
	return r;
}

int api_schema_walk(const struct api_schema *s, api_schema_visit *visit, void *ctx)
{
	return schema_walk(s, visit, ctx, 0);
}

int api_route_walk(const struct api_route *route, api_schema_visit *visit, void *ctx)
{
	int r = api_schema_walk(route->body, visit, ctx);

	for (const struct api_parameter *p = route->query; r == 0 && p != NULL && p->name != NULL;
	     p++)
		r = api_schema_walk(p->schema, visit, ctx);
	for (const struct api_answer *a = route->answers; r == 0 && a != NULL && a->status != 0;
	     a++)
		r = api_schema_walk(a->schema, visit, ctx);
	return r;
}

static int components_add(void *ctx, const struct api_schema *s)
{
	struct api_components *c = ctx;

	if (s->name == NULL)
		return 0;
	for (unsigned i = 0; i < c->count; i++) {
		if (c->schema[i] == s)
			return 0;
		if (strcmp(c->schema[i]->name, s->name) == 0)
			return -EEXIST;
	}
	if (c->count == API_COMPONENTS_MAX)
		return -ENOSPC;
	c->schema[c->count++] = s;
	return 0;
}

static int components_compare(const void *a, const void *b)
{
	const struct api_schema *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

int api_components_collect(struct api_components *c, const struct api_route *rows, unsigned count)
{
	int r;

	c->count = 0;
	r = api_schema_walk(&api_problem, components_add, c);
	for (unsigned i = 0; r == 0 && i < count; i++)
		r = api_route_walk(&rows[i], components_add, c);
	if (r == 0)
		qsort(c->schema, c->count, sizeof(c->schema[0]), components_compare);
	return r;
}
