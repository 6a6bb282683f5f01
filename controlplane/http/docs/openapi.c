// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "openapi.h"

#include <ctype.h>
#include <fog_version.h> // made from git describe during the build
#include <stdio.h>
#include <string.h>

#include "../http.h"
#include "../schema/components.h"
#include "../schema/schema.h"

const struct api_tag api_tags[] = {
#define X(name, effects, text) {name, API_EFFECTS_##effects, text},
#include "../tags.def"
#undef X
        {.name = NULL},
};

enum api_effects api_route_effects(const struct api_route *route)
{
	const struct api_tag *tag = api_tags;

	while (tag->name != NULL && strcmp(tag->name, route->tag) != 0)
		tag++;
	return tag->effects;
}

const char *api_rate_word(enum api_rate rate)
{
	static const char *const words[] = {
	        [API_RATE_NONE] = "none",
	        [API_RATE_AUTH] = "auth",
	        [API_RATE_WRITE] = "write",
	        [API_RATE_READ] = "read",
	};

	return words[rate];
}

// Refusals that any route may give; what else there is follows from its row.
static const struct {
	int status;
	const char *text;
} problems[] = {
        {400, "Malformed: target, body, parameter or header"},
        {401, "Nobody has said who he is, or it is not true"},
        {403, "Not with this role, scope or configuration"},
        {404, "There is no such thing, or not for the caller"},
        {409, "Not in the present state"},
        {410, "It was there, and counts no more"},
        {412, "It has been changed since"},
        {413, "Too large"},
        {415, "Another content type is wanted"},
        {422, "Understood, and cannot be done as asked"},
        {428, "Needs If-Match"},
        {429, "Too often; see Retry-After"},
        {500, "Failed inside"},
        {503, "Not now; see Retry-After"},
};

static const struct api_schema key_value = {.type = API_STRING, .min = 1, .max = HTTP_KEY_MAX};
static const struct api_schema etag_value = {.type = API_STRING, .min = 1, .max = 80};
static const struct api_parameter key_parameter = {
        "Idempotency-Key", &key_value, "a new one for each new request; see the README", false};
static const struct api_parameter etag_parameter = {
        "If-Match", &etag_value, "the ETag that the change is meant for, or * for any", true};

static json_t *openapi_parameter(const struct api_parameter *p, const char *in)
{
	return json_pack(
	        "{s:s s:s s:s s:b s:o}", "name", p->name, "in", in, "description", p->text,
	        "required", strcmp(in, "path") == 0 || p->needed, "schema",
	        api_schema_json(p->schema, false)
	);
}

static json_t *openapi_parameters(const struct api_route *r)
{
	json_t *out = json_array();
	const char *at = r->path;

	while ((at = strchr(at, '{')) != NULL) {
		size_t len = strcspn(++at, "}");
		for (const struct api_parameter *p = api_parts; p->name != NULL; p++)
			if (strlen(p->name) == len && strncmp(p->name, at, len) == 0)
				json_array_append_new(out, openapi_parameter(p, "path"));
	}
	for (const struct api_parameter *p = r->query; p != NULL && p->name != NULL; p++)
		json_array_append_new(out, openapi_parameter(p, "query"));
	if (strcmp(r->method, "POST") == 0)
		json_array_append_new(out, openapi_parameter(&key_parameter, "header"));
	if (r->match == API_MATCH_NEEDED)
		json_array_append_new(out, openapi_parameter(&etag_parameter, "header"));
	return out;
}

// Whether an empty body is refused.
static bool openapi_needs_body(const struct api_route *r)
{
	if (r->body_type != NULL || r->body->type != API_OBJECT)
		return true;
	for (const struct api_field *f = r->body->field; f->name != NULL; f++)
		if (!f->optional)
			return true;
	return false;
}

static json_t *openapi_body(const struct api_route *r)
{
	json_t *content = json_object();

	if (r->body != NULL)
		json_object_set_new(
		        content, "application/json",
		        json_pack("{s:o}", "schema", api_schema_json(r->body, false))
		);
	else
		json_object_set_new(content, r->body_type, json_pack("{s:{}}", "schema"));
	if (r->body_type != NULL && strcmp(r->body_type, "application/yaml") == 0)
		json_object_set_new(content, "application/json", json_pack("{s:{}}", "schema"));
	return json_pack("{s:b s:o}", "required", openapi_needs_body(r), "content", content);
}

static void openapi_answer(json_t *responses, const struct api_answer *a)
{
	char status[8];
	json_t *response, *content;

	snprintf(status, sizeof(status), "%d", a->status);
	response = json_object_get(responses, status);
	if (response == NULL) {
		response =
		        json_pack("{s:s}", "description", a->status < 300 ? "Done" : "Not ready");
		json_object_set_new(responses, status, response);
	}
	if (a->status == 204)
		return;
	content = json_object_get(response, "content");
	if (content == NULL) {
		content = json_object();
		json_object_set_new(response, "content", content);
	}
	json_object_set_new(
	        content, a->type != NULL ? a->type : "application/json",
	        a->schema != NULL ? json_pack("{s:o}", "schema", api_schema_json(a->schema, false))
	                          : json_pack("{s:{}}", "schema")
	);
}

// Whether the row itself rules a refusal out.
static bool openapi_refuses(const struct api_route *r, int status)
{
	bool reads = strcmp(r->method, "GET") == 0;

	switch (status) {
	case 401:
	case 403:
		return r->who != API_ANYONE || r->body != NULL; // what it says may be refused
	case 413:
	case 415:
		return r->body != NULL || r->body_type != NULL;
	case 412:
	case 428:
		return r->match == API_MATCH_NEEDED;
	case 429:
		return r->rate != API_RATE_NONE;
	case 409:
	case 410:
	case 422:
		return !reads;
	default:
		return true;
	}
}

static json_t *openapi_responses(const struct api_route *r)
{
	json_t *out = json_object();
	char status[8];

	for (const struct api_answer *a = r->answers; a->status != 0; a++)
		openapi_answer(out, a);
	for (unsigned i = 0; i < sizeof(problems) / sizeof(problems[0]); i++) {
		snprintf(status, sizeof(status), "%d", problems[i].status);
		if (!openapi_refuses(r, problems[i].status))
			continue;
		json_t *response = json_pack(
		        "{s:o}", "$ref", json_sprintf("#/components/responses/Problem%s", status)
		);
		// A route that has an answer of its own for a refusal may give either.
		json_t *own = json_object_get(json_object_get(out, status), "content");
		if (own == NULL) {
			json_object_set_new(out, status, response);
			continue;
		}
		json_decref(response);
		json_object_set_new(
		        own, "application/problem+json",
		        json_pack("{s:o}", "schema", api_schema_json(&api_problem, false))
		);
	}
	return out;
}

static json_t *openapi_roles(uint32_t who)
{
	json_t *out = json_array();

	for (unsigned bit = 0; bit < 32; bit++)
		if (who & (1u << bit))
			json_array_append_new(out, json_string(fog_account_role_name(1u << bit)));
	return out;
}

static json_t *openapi_operation(const struct api_route *r)
{
	json_t *out = json_pack(
	        "{s:s s:o s:[s] s:o}", "operationId", r->name, "summary",
	        json_stringn(r->text, strlen(r->text) - 1), "tags", r->tag, "security",
	        r->who == API_ANYONE ? json_array() : json_pack("[{s:[]}]", "bearer")
	);
	json_t *parameters = openapi_parameters(r);

	if (json_array_size(parameters) > 0)
		json_object_set(out, "parameters", parameters);
	json_decref(parameters);
	if (r->body != NULL || r->body_type != NULL)
		json_object_set_new(out, "requestBody", openapi_body(r));
	json_object_set_new(out, "responses", openapi_responses(r));
	json_object_set_new(out, "x-roles", openapi_roles(r->who));
	if (r->scope != 0)
		json_object_set_new(out, "x-scope", json_string(fog_scope_name(r->scope)));
	json_object_set_new(out, "x-rate-class", json_string(api_rate_word(r->rate)));
	json_object_set_new(out, "x-audit-action", json_string(r->action));
	if (r->no_ctl != NULL)
		json_object_set_new(out, "x-fogctl-none", json_string(r->no_ctl));
	else
		json_object_set_new(out, "x-fogctl", json_sprintf("fogctl %s", r->ctl));
	return out;
}

static json_t *openapi_paths(const struct api_route *rows, unsigned count)
{
	json_t *out = json_object();
	char method[8];

	for (unsigned i = 0; i < count; i++) {
		json_t *path = json_object_get(out, rows[i].path);
		if (path == NULL) {
			path = json_object();
			json_object_set_new(out, rows[i].path, path);
		}
		snprintf(method, sizeof(method), "%s", rows[i].method);
		for (char *at = method; *at != '\0'; at++)
			*at = (char)tolower((unsigned char)*at);
		json_object_set_new(path, method, openapi_operation(&rows[i]));
	}
	return out;
}

static json_t *openapi_problems(void)
{
	json_t *out = json_object();
	char name[16];

	for (unsigned i = 0; i < sizeof(problems) / sizeof(problems[0]); i++) {
		snprintf(name, sizeof(name), "Problem%d", problems[i].status);
		json_object_set_new(
		        out, name,
		        json_pack(
		                "{s:s s:{s:{s:o}}}", "description", problems[i].text, "content",
		                "application/problem+json", "schema",
		                api_schema_json(&api_problem, false)
		        )
		);
	}
	return out;
}

static json_t *openapi_components(const struct api_components *all)
{
	json_t *schemas = json_object();

	for (unsigned i = 0; i < all->count; i++)
		json_object_set_new(
		        schemas, all->schema[i]->name, api_schema_json(all->schema[i], true)
		);
	return json_pack(
	        "{s:o s:o s:{s:{s:s s:s s:s}}}", "schemas", schemas, "responses",
	        openapi_problems(), "securitySchemes", "bearer", "type", "http", "scheme", "bearer",
	        "description",
	        "Over TCP: an access token, an API key, or the token of rest.token_file. On the UNIX socket the kernel says who asks."
	);
}

static json_t *openapi_tags(const struct api_route *rows, unsigned count)
{
	json_t *out = json_array();

	for (const struct api_tag *t = api_tags; t->name != NULL; t++) {
		unsigned i = 0;
		while (i < count && strcmp(rows[i].tag, t->name) != 0)
			i++;
		if (i < count)
			json_array_append_new(
			        out, json_pack("{s:s s:s}", "name", t->name, "description", t->text)
			);
	}
	return out;
}

json_t *api_openapi(const struct api_route *rows, unsigned count)
{
	struct api_components all;

	if (api_components_collect(&all, rows, count) < 0)
		return NULL;
	return json_pack(
	        "{s:s s:{s:s s:s s:s s:{s:s s:s}} s:[{s:s s:s}] s:o s:o s:o}", "openapi", "3.1.0",
	        "info", "title", "Fogline", "version", FOG_VERSION, "description",
	        "The API of a Fogline appliance. Paths and fields only ever come; none changes its meaning within /v1. What is not known is null, never 0. Errors are problems by RFC 9457.",
	        "license", "name", "BSD-3-Clause", "identifier", "BSD-3-Clause", "servers", "url",
	        "/", "description", "this appliance", "tags", openapi_tags(rows, count), "paths",
	        openapi_paths(rows, count), "components", openapi_components(&all)
	);
}
