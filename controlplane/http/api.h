// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What a route says of itself. One table (routes.def) makes the router, the OpenAPI description, the docs page, fogctl's
// table and the permission tests: a row that lacks a column does not compile, one that contradicts itself stops the start
// (api_table_check).
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "../accounts/rights.h"

// Who may use a route: sets of roles.
enum api_who {
	API_ANYONE = 0, // nobody has to say who he is
	API_SELF = FOG_ROLE_USER | FOG_ROLE_AUDITOR | FOG_ROLE_OPERATOR |
	        FOG_ROLE_ADMIN, // anybody who is known; objects of others are 404
	API_READERS = FOG_ROLE_AUDITOR | FOG_ROLE_OPERATOR | FOG_ROLE_ADMIN,
	API_OPERATORS = FOG_ROLE_OPERATOR | FOG_ROLE_ADMIN,
	API_AUDITORS = FOG_ROLE_AUDITOR | FOG_ROLE_ADMIN,
	API_ADMINS = FOG_ROLE_ADMIN,
};

// Classes of the rate limit: requests a minute and identity, unless a key or a user has limits of its own.
enum api_rate {
	API_RATE_NONE, // health only
	API_RATE_AUTH, // 10
	API_RATE_WRITE, // 30
	API_RATE_READ, // 100
};

enum api_type {
	API_ANY,
	API_OBJECT,
	API_MAP, // an object whose names are free
	API_ARRAY,
	API_STRING,
	API_INTEGER,
	API_NUMBER,
	API_BOOLEAN,
};

struct api_field;

// A value of JSON. Constant, static storage.
struct api_schema {
	enum api_type type;
	bool nullable;
	bool nul; // strings may hold U+0000; handlers must ask for their length then
	bool secret; // of a body: it holds what nobody must guess at by its digest
	const char
	        *name; // of a component of the description, unique; NULL: written where it is used
	const char *text; // one sentence
	int64_t min, max; // value of numbers, characters of strings, items of arrays; both 0: any
	int64_t preset; // of whole numbers among the parameters: what stands for one that is left out
	const char *format; // of strings: "date-time" (RFC 3339, UTC), "base64", "hex", ...
	const char *pattern; // of strings; means the same as a POSIX ERE and in ECMA-262
	const char *const *values; // strings: one of these, ended by NULL
	const struct api_field *field; // of objects, ended by a NULL name
	const struct api_schema *item; // of arrays and maps
	const struct api_schema *other; // of another type, which is taken as well; NULL: none
};

struct api_field {
	const char *name;
	const struct api_schema *schema;
	bool optional; // may be left out
	const char *text; // NULL: the schema's own says enough
};

// A parameter of the query, or a part of a path. Whole numbers and flags have a value (http_query_number).
struct api_parameter {
	const char *name;
	const struct api_schema *schema;
	const char *text;
	bool needed;
};

// What a route answers when it worked.
struct api_answer {
	int status; // 200, 201, 202, 204
	const char *type; // NULL = application/json
	const struct api_schema *schema; // NULL with another type, or 204
};

enum { API_PARAMETERS_MAX = 16, API_ANSWERS_MAX = 3, API_ERRORS_MAX = 16 };

// Of a route with an ETag. A conditional request to any other is refused (400): nothing would watch over it.
enum api_match {
	API_MATCH_NONE,
	API_MATCH_NEEDED, // If-Match with an ETag, or with * for whatever is there; 428 without
};

struct http_request;
struct http_response;
struct fog_node;
typedef void http_handler(struct fog_node *, const struct http_request *, struct http_response *);

struct api_route {
	const char *name; // operationId, unique: "get_status"
	const char *method, *path; // "/v1/users/{id}"
	uint32_t who; // enum api_who
	uint32_t scope; // an API key needs it (accounts/scopes.def); 0: keys never may
	enum api_rate rate;
	enum api_match match;
	const char *
	        action; // of the audit: "user.create". Every route has one: refusals are audited, too
	const struct api_schema *body; // JSON; NULL: takes none (a body is refused, 400)
	const char *
	        body_type; // NULL = application/json; else the one content type that is taken, unparsed
	const struct api_parameter *query; // ended by a NULL name, or NULL
	const struct api_answer *answers; // ended by status 0
	const char *ctl; // the words of fogctl that ask it: "status"; empty: none do
	const char *no_ctl; // why none do; NULL: some do
	const char *tag; // heading in the docs: "Node", "Accounts", ...
	const char *text; // what it does, one sentence
	http_handler *handle;
};

// A row's words of fogctl, behind "" (so that NULL does not compile), when it has none: see struct api_route.
#define NO_COMMAND(why) , .no_ctl = why

// All routes, in the order of routes.def. Constant.
extern const struct api_route api_routes[];
extern const unsigned api_route_count;

// Every {part} that a path may name (parts.def), ended by a NULL name.
extern const struct api_parameter api_parts[];

// Whether every row makes sense: a mutating method has rights, an audit action and a rate class of its own; names, paths and
// actions are unique and well-formed; {parts} of a path are declared; patterns compile. Called before the first request. Returns 0 or
// -EINVAL, logged with the row's name.
int api_table_check(void);
// The same of any rows; what they point to must live as long as the process.
int api_rows_check(const struct api_route *rows, unsigned count);
