// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Whether the rows of the table make sense, each for itself and beside the others.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../log/log.h"
#include "docs/openapi.h"
#include "http.h"
#include "schema/components.h"
#include "schema/pattern.h"

static const char small[] = "abcdefghijklmnopqrstuvwxyz";

static bool check_word(const char *text, const char *more)
{
	char set[64];

	snprintf(set, sizeof(set), "%s%s", small, more);
	return text != NULL && text[0] >= 'a' && text[0] <= 'z' &&
	        strspn(text, set) == strlen(text);
}

static bool check_sentence(const char *text)
{
	return text != NULL && text[0] >= 'A' && text[0] <= 'Z' && text[strlen(text) - 1] == '.';
}

// "object.deed"
static bool check_action(const char *action)
{
	const char *dot = action != NULL ? strchr(action, '.') : NULL;

	return dot != NULL && check_word(action, "_.") && check_word(dot + 1, "_");
}

static bool check_tag(const char *tag)
{
	const struct api_tag *t = api_tags;

	while (tag != NULL && t->name != NULL && strcmp(t->name, tag) != 0)
		t++;
	return tag != NULL && t->name != NULL;
}

static const struct api_parameter *check_part(const char *name, size_t len)
{
	for (const struct api_parameter *p = api_parts; p->name != NULL; p++)
		if (strlen(p->name) == len && strncmp(p->name, name, len) == 0)
			return p;
	return NULL;
}

static const char *check_path(const char *path)
{
	size_t len = path != NULL ? strlen(path) : 0;
	unsigned parts = 0;

	if (len < 2 || path[0] != '/' || path[len - 1] == '/' || strstr(path, "//") != NULL)
		return "its path does not begin with '/', ends with one, or has an empty part";
	for (const char *at = path; *at != '\0'; at++) {
		if (*at == '{') {
			size_t name = strcspn(at + 1, "}");
			if (at[-1] != '/' || at[name + 1] != '}' ||
			    (at[name + 2] != '/' && at[name + 2] != '\0') ||
			    check_part(at + 1, name) == NULL || ++parts > HTTP_PART_MAX)
				return "its path has a {part} that parts.def does not list, or too many";
			at += name + 1;
		} else if (strchr("/-_.0123456789", *at) == NULL && (*at < 'a' || *at > 'z')) {
			return "its path has a character that does not belong there";
		}
	}
	return NULL;
}

static const char *check_rights(const struct api_route *r)
{
	bool reads = strcmp(r->method, "GET") == 0;

	if ((r->who & ~(uint32_t)API_SELF) != 0 || (r->scope & ~(uint32_t)FOG_SCOPE_ALL) != 0)
		return "it names a role or a scope that there is not";
	if (r->who == API_ANYONE && r->scope != 0)
		return "it is for anyone, and yet wants a scope";
	if (!reads && r->who == API_ANYONE && r->rate != API_RATE_AUTH)
		return "anyone may change something with it";
	if (r->rate == API_RATE_NONE && (!reads || r->who != API_ANYONE))
		return "it has no limit";
	if (r->rate == API_RATE_READ && !reads)
		return "it changes something, and is limited as if it did not";
	if (r->rate > API_RATE_READ)
		return "it names a rate class that there is not";
	if (r->match != API_MATCH_NONE && reads)
		return "it wants If-Match, and changes nothing";
	return NULL;
}

static const char *check_answers(const struct api_answer *a)
{
	unsigned n = 0;

	for (; a != NULL && a->status != 0; a++, n++) {
		bool json = a->type == NULL;
		if (a->status < 200 || (a->status > 299 && a->status != 503))
			return "it has an answer with a status that is no success";
		if (a->status == 204 ? !json || a->schema != NULL : json != (a->schema != NULL))
			return "it has an answer with both a content type and a schema, or neither";
	}
	return n == 0 || n > API_ANSWERS_MAX ? "it has no answer, or too many" : NULL;
}

static const char *check_query(const struct api_parameter *query)
{
	unsigned n = 0;

	for (; query != NULL && query[n].name != NULL; n++) {
		const struct api_schema *s = query[n].schema;
		if (!check_word(query[n].name, "0123456789_") || s == NULL ||
		    query[n].text == NULL ||
		    (s->type != API_STRING && s->type != API_INTEGER && s->type != API_NUMBER &&
		     s->type != API_BOOLEAN))
			return "it has a parameter without a good name, a simple schema or a text";
		for (unsigned i = 0; i < n; i++)
			if (strcmp(query[i].name, query[n].name) == 0)
				return "it has a parameter twice";
	}
	return n > API_PARAMETERS_MAX ? "it has too many parameters" : NULL;
}

static const char *check_body(const struct api_route *r)
{
	if (strcmp(r->method, "GET") == 0 && (r->body != NULL || r->body_type != NULL))
		return "it is a GET that takes a body";
	if (r->body != NULL && r->body_type != NULL)
		return "it takes both JSON and another body";
	return NULL;
}

static const char *check_command(const struct api_route *r)
{
	bool words = r->ctl != NULL && r->ctl[0] != '\0';

	return words == (r->no_ctl != NULL) ? "it names no words of fogctl, and not why" : NULL;
}

static bool check_fields(const struct api_schema *s)
{
	for (const struct api_field *f = s->field; f != NULL && f->name != NULL; f++) {
		if (f->schema == NULL || f->name[0] == '\0')
			return false;
		for (const struct api_field *g = s->field; g < f; g++)
			if (strcmp(f->name, g->name) == 0)
				return false;
	}
	return true;
}

static int check_schema(void *ctx, const struct api_schema *s)
{
	const char **why = ctx;
	bool listed = s->type == API_ARRAY || s->type == API_MAP;

	if (s->type > API_BOOLEAN)
		*why = "a schema has no such type";
	else if ((s->item != NULL) != listed)
		*why = "a schema is a list without items, or has items and is no list";
	else if ((s->field != NULL) != (s->type == API_OBJECT) || !check_fields(s))
		*why = "a schema is an object without fields, has fields and is none, or one of them twice";
	else if (s->other != NULL && (s->other->type == s->type || s->other->other != NULL))
		*why = "a schema takes another one of its own type as well, or one that does so itself";
	else if (s->min > s->max && (s->max != 0 || s->min < 0))
		*why = "a schema has a range that holds nothing";
	else if (s->preset != 0 && (s->type != API_INTEGER || s->preset < s->min || s->preset > s->max))
		*why = "a schema has a preset that it refuses";
	else if (s->type != API_STRING && (s->pattern != NULL || s->values != NULL || s->nul))
		*why = "a schema has a pattern or a list of texts, and is no text";
	else if (s->pattern != NULL && api_pattern_add(s->pattern) < 0)
		*why = "a schema has a pattern that is none, or means different things in ERE and ECMA-262";
	return *why != NULL ? -EINVAL : 0;
}

// The paths that 'a' and 'b' stand for are the same.
static bool check_same_path(const char *a, const char *b)
{
	while (*a == *b && *a != '\0') {
		if (*a == '{') {
			a += strcspn(a, "}");
			b += strcspn(b, "}");
		}
		a++;
		b++;
	}
	return *a == *b;
}

static const char *check_others(const struct api_route *rows, unsigned n)
{
	const struct api_route *r = &rows[n];

	for (const struct api_route *o = rows; o < r; o++) {
		if (strcmp(o->name, r->name) == 0 || strcmp(o->action, r->action) == 0)
			return "another row has its name or its action";
		if (strcmp(o->method, r->method) == 0 && check_same_path(o->path, r->path))
			return "another row has its method and path";
	}
	return NULL;
}

static const char *check_row(const struct api_route *rows, unsigned n)
{
	static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE", NULL};
	const struct api_route *r = &rows[n];
	const char *why = NULL;
	unsigned m = 0;

	if (!check_word(r->name, "0123456789_") || !check_action(r->action))
		return "its name is no word of small letters, or its action not 'object.deed'";
	while (r->method != NULL && methods[m] != NULL && strcmp(methods[m], r->method) != 0)
		m++;
	if (r->method == NULL || methods[m] == NULL)
		return "it has no method of the API";
	if (!check_sentence(r->text) || !check_tag(r->tag) || r->handle == NULL)
		return "it has no sentence, no tag of tags.def or no handler";
	if ((why = check_path(r->path)) != NULL || (why = check_rights(r)) != NULL ||
	    (why = check_answers(r->answers)) != NULL || (why = check_query(r->query)) != NULL ||
	    (why = check_body(r)) != NULL || (why = check_command(r)) != NULL ||
	    (why = check_others(rows, n)) != NULL)
		return why;
	if (api_route_walk(r, check_schema, &why) == -ELOOP)
		return "a schema of it is too deep";
	return why;
}

int api_rows_check(const struct api_route *rows, unsigned count)
{
	struct api_components all;

	for (unsigned i = 0; i < count; i++) {
		const char *why = check_row(rows, i);
		if (why != NULL) {
			LOG_ERR("route %s of the API: %s: correct its row in routes.def",
			        rows[i].name != NULL ? rows[i].name : "?", why);
			return -EINVAL;
		}
	}
	if (api_components_collect(&all, rows, count) < 0) {
		LOG_ERR("two schemas of the API have one name, or there are more than %d: rename one",
		        API_COMPONENTS_MAX);
		return -EINVAL;
	}
	return 0;
}

int api_table_check(void)
{
	uint32_t unused = (uint32_t)FOG_SCOPE_ALL;
	const char *why = NULL;

	for (unsigned i = 0; i < api_route_count; i++)
		unused &= ~api_routes[i].scope;
	if (unused != 0) {
		LOG_ERR("scope '%s' opens no route: name it in routes.def, or mark it as gone",
		        fog_scope_name(unused & -unused));
		return -EINVAL;
	}
	for (const struct api_parameter *p = api_parts; p->name != NULL; p++) {
		if (api_schema_walk(p->schema, check_schema, &why) < 0) {
			LOG_ERR("part {%s} of paths: %s: correct it in parts.def", p->name, why);
			return -EINVAL;
		}
	}
	return api_rows_check(api_routes, api_route_count);
}
