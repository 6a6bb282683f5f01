// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "docs.h"

#include <errno.h>
#include <fog_version.h> // made from git describe during the build
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../http.h"
#include "openapi.h"

enum { DEPTH_MAX = 8, NAME_LEN = 256 };

static void docs_text(FILE *f, const char *text)
{
	for (; text != NULL && *text != '\0'; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", f);
			break;
		case '<':
			fputs("&lt;", f);
			break;
		case '>':
			fputs("&gt;", f);
			break;
		case '"':
			fputs("&quot;", f);
			break;
		default:
			putc(*text, f);
		}
	}
}

static void docs_range(FILE *f, const struct api_schema *s)
{
	static const char *const units[] = {
	        [API_MAP] = " entries",
	        [API_ARRAY] = " entries",
	        [API_STRING] = " characters",
	        [API_BOOLEAN] = ""};
	const char *unit = units[s->type] != NULL ? units[s->type] : "";
	bool capped = (s->max != 0 || s->min < 0) && s->max != INT64_MAX;

	if (s->type == API_ANY || s->type == API_OBJECT || (s->min == 0 && s->max == 0))
		return;
	if (capped)
		fprintf(f, ", %" PRId64 " to %" PRId64 "%s", s->min, s->max, unit);
	else if (s->min != 0)
		fprintf(f, ", at least %" PRId64 "%s", s->min, unit);
}

static void docs_type(FILE *f, const struct api_schema *s)
{
	static const char *const words[] = {
	        [API_ANY] = "anything",  [API_OBJECT] = "object",
	        [API_MAP] = "map",       [API_ARRAY] = "list",
	        [API_STRING] = "text",   [API_INTEGER] = "whole number",
	        [API_NUMBER] = "number", [API_BOOLEAN] = "true or false",
	};

	if (s->values != NULL) {
		for (const char *const *one = s->values; *one != NULL; one++) {
			fputs(one > s->values ? ", <code>" : "<code>", f);
			docs_text(f, *one);
			fputs("</code>", f);
		}
	} else {
		fputs(words[s->type], f);
		docs_range(f, s);
	}
	if (s->preset != 0)
		fprintf(f, ", %lld when left out", (long long)s->preset);
	if (s->format != NULL && s->values == NULL) {
		fputs(", ", f);
		docs_text(f, s->format);
	}
	if (s->other != NULL) {
		fputs(", or ", f);
		docs_type(f, s->other);
	}
	if (s->nullable)
		fputs(", or null", f);
}

static void docs_row(
        FILE *f, const char *name, const struct api_schema *s, bool optional, const char *text
)
{
	fputs("<tr><td><code>", f);
	docs_text(f, name);
	fputs(optional ? "</code></td><td>optional " : "</code></td><td>", f);
	docs_type(f, s);
	fputs("</td><td>", f);
	docs_text(f, text != NULL ? text : s->text);
	fputs("</td></tr>\n", f);
}

// The fields inside, with their whole names: "nodes[].name".
static void docs_fields(FILE *f, const char *above, const struct api_schema *s, unsigned depth)
{
	char name[NAME_LEN];

	if (depth == DEPTH_MAX)
		return;
	if (s->item != NULL) {
		snprintf(name, sizeof(name), "%s%s", above, s->type == API_MAP ? "{}" : "[]");
		docs_fields(f, name, s->item, depth + 1);
		return;
	}
	for (const struct api_field *field = s->field; field != NULL && field->name != NULL;
	     field++) {
		snprintf(
		        name, sizeof(name), "%s%s%s", above, above[0] != '\0' ? "." : "",
		        field->name
		);
		docs_row(f, name, field->schema, field->optional, field->text);
		docs_fields(f, name, field->schema, depth + 1);
	}
}

static void docs_schema(FILE *f, const char *title, const struct api_schema *s)
{
	fprintf(f, "<details><summary>%s: ", title);
	docs_type(f, s);
	fputs("</summary>\n<table>\n<tr><th>field</th><th>value</th><th>what it is</th></tr>\n", f);
	docs_fields(f, "", s, 0);
	fputs("</table></details>\n", f);
}

static void docs_who(FILE *f, const struct api_route *r)
{
	fputs("<p class=\"facts\">Roles: ", f);
	if (r->who == API_ANYONE)
		fputs("anyone", f);
	for (unsigned bit = 0, n = 0; bit < 32; bit++)
		if (r->who & (1u << bit))
			fprintf(f, "%s%s", n++ > 0 ? ", " : "", fog_account_role_name(1u << bit));
	if (r->scope != 0)
		fprintf(f, " · Scope of a key: <code>%s</code>", fog_scope_name(r->scope));
	else if (r->who != API_ANYONE)
		fputs(" · Not with a key", f);
	fprintf(f, " · Rate class: %s · Audit: <code>%s</code>", api_rate_word(r->rate), r->action);
	if (r->no_ctl == NULL)
		fprintf(f, " · <code>fogctl %s</code>", r->ctl);
	fputs("</p>\n", f);
}

static void docs_parameters(FILE *f, const struct api_route *r)
{
	const char *at = r->path;

	if (strchr(at, '{') == NULL && r->query == NULL)
		return;
	fputs("<table>\n<tr><th>parameter</th><th>value</th><th>what it is</th></tr>\n", f);
	while ((at = strchr(at, '{')) != NULL) {
		size_t len = strcspn(++at, "}");
		for (const struct api_parameter *p = api_parts; p->name != NULL; p++)
			if (strlen(p->name) == len && strncmp(p->name, at, len) == 0)
				docs_row(f, p->name, p->schema, false, p->text);
	}
	for (const struct api_parameter *p = r->query; p != NULL && p->name != NULL; p++)
		docs_row(f, p->name, p->schema, !p->needed, p->text);
	fputs("</table>\n", f);
}

static void docs_example(FILE *f, const struct api_route *r)
{
	const char *type = r->body != NULL ? "application/json" : r->body_type;

	fputs("<pre>curl", f);
	if (strcmp(r->method, "GET") != 0)
		fprintf(f, " -X %s", r->method);
	if (r->who != API_ANYONE)
		fputs(" -H \"Authorization: Bearer $TOKEN\"", f);
	if (r->match == API_MATCH_NEEDED)
		fputs(" -H \"If-Match: $ETAG\"", f);
	if (type != NULL)
		fprintf(f, " -H \"Content-Type: %s\" --data-binary @body", type);
	fputs(" \"$URL", f);
	docs_text(f, r->path);
	fputs("\"</pre>\n", f);
}

static void docs_route(FILE *f, const struct api_route *r)
{
	char title[64];

	fprintf(f,
	        "<article id=\"%s\">\n<h3><span class=\"method\">%s</span> <span class=\"path\">",
	        r->name, r->method);
	docs_text(f, r->path);
	fputs("</span></h3>\n<p>", f);
	docs_text(f, r->text);
	fputs("</p>\n", f);
	docs_who(f, r);
	docs_parameters(f, r);
	if (r->body != NULL)
		docs_schema(f, "Body", r->body);
	for (const struct api_answer *a = r->answers; a->status != 0; a++) {
		snprintf(title, sizeof(title), "Answer %d", a->status);
		if (a->schema != NULL)
			docs_schema(f, title, a->schema);
		else
			fprintf(f, "<p class=\"facts\">%s: %s</p>\n", title,
			        a->type != NULL ? a->type : "empty");
	}
	docs_example(f, r);
	fputs("</article>\n", f);
}

static void docs_body(FILE *f, const struct api_route *rows, unsigned count)
{
	fputs("<nav>", f);
	for (const struct api_tag *t = api_tags; t->name != NULL; t++)
		fprintf(f, "<a href=\"#tag-%s\">%s</a>", t->name, t->name);
	fputs("</nav>\n<input id=\"search\" type=\"search\" placeholder=\"Search\" aria-label=\"Search\" hidden>\n",
	      f);
	for (const struct api_tag *t = api_tags; t->name != NULL; t++) {
		fprintf(f, "<section id=\"tag-%s\">\n<h2>%s</h2>\n<p>", t->name, t->name);
		docs_text(f, t->text);
		fputs("</p>\n", f);
		for (unsigned i = 0; i < count; i++)
			if (strcmp(rows[i].tag, t->name) == 0)
				docs_route(f, &rows[i]);
		fputs("</section>\n", f);
	}
}

static void docs_hash(const char *text, char out[64])
{
	uint8_t hash[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(hash, (const uint8_t *)text, strlen(text));
	sodium_bin2base64(out, 64, hash, sizeof(hash), sodium_base64_VARIANT_ORIGINAL);
}

int api_docs(
        const struct api_route *rows, unsigned count, char **page, size_t *len,
        char policy[API_DOCS_POLICY_LEN]
)
{
	char style[64], script[64];
	FILE *f = open_memstream(page, len);

	if (f == NULL)
		return -ENOMEM;
	docs_hash(api_docs_style, style);
	docs_hash(api_docs_page, script);
	snprintf(
	        policy, API_DOCS_POLICY_LEN,
	        "default-src 'none'; style-src 'sha256-%s'; script-src 'sha256-%s'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	        style, script
	);
	fputs("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width\">\n<title>Fogline API</title>\n"
	      "<link rel=\"icon\" href=\"data:,\">\n<style>",
	      f);
	fputs(api_docs_style, f);
	fputs("</style>\n</head>\n<body>\n<header>\n<h1>Fogline API</h1>\n<p>", f);
	docs_text(f, FOG_VERSION);
	fputs(" · <a href=\"/v1/openapi.json\">OpenAPI 3.1</a></p>\n</header>\n<main>\n", f);
	docs_body(f, rows, count);
	fputs("</main>\n<script>", f);
	fputs(api_docs_page, f);
	fputs("</script>\n</body>\n</html>\n", f);
	bool failed = ferror(f) != 0;
	if (fclose(f) != 0 || failed) {
		free(*page);
		*page = NULL;
		return -ENOMEM;
	}
	return 0;
}
