// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fogctl's tables of commands against the API's: what they send and show is what the routes take and answer.
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "../../../controlplane/ctl/verb.h"
#include "../../../controlplane/http/api.h"
#include "../run.h"

static const struct ctl_group *const groups[] = {
        &ctl_group_services,    &ctl_group_operations, &ctl_group_bench,  &ctl_group_key,
        &ctl_group_mfa,         &ctl_group_sessions,   &ctl_group_whoami, &ctl_group_password,
        &ctl_group_usage,       &ctl_group_user,       &ctl_group_audit,  &ctl_group_betanet,
        &ctl_group_loops,       &ctl_group_proof,      &ctl_group_sent,   &ctl_group_descriptor,
        &ctl_group_signing_key, &ctl_group_tiers,      &ctl_group_host,
};

enum { GROUPS = sizeof(groups) / sizeof(groups[0]) };

static const char *command; // that is looked at, for what is printed

#define HOLDS(condition, what) \
	do { \
		bool holds = condition; \
		CU_ASSERT(holds); \
		if (!holds) \
			printf("\n%s: %s", command, what); \
	} while (0)

static const struct api_schema *schema_of(const struct api_schema *s, const char *name)
{
	const struct api_field *f = s != NULL ? s->field : NULL;
	size_t len = strcspn(name, ".");

	while (f != NULL && f->name != NULL &&
	       (strlen(f->name) != len || strncmp(f->name, name, len) != 0))
		f++;
	if (f == NULL || f->name == NULL)
		return NULL;
	return name[len] == '.' ? schema_of(f->schema, name + len + 1) : f->schema;
}

static const struct api_schema *parameter_of(const struct api_route *r, const char *name)
{
	const struct api_parameter *p = r->query;

	while (p != NULL && p->name != NULL && strcmp(p->name, name) != 0)
		p++;
	return p != NULL && p->name != NULL ? p->schema : NULL;
}

static bool kind_fits(enum ctl_kind kind, const struct api_schema *s, bool query)
{
	switch (kind) {
	case CTL_NUMBER:
		return s->type == API_INTEGER;
	case CTL_WORDS:
		return s->type == API_ARRAY && !query;
	case CTL_FLAG:
		return s->type == API_BOOLEAN;
	default:
		return s->type == API_STRING || (query && s->type == API_BOOLEAN);
	}
}

static void look_at_fields(const struct ctl_verb *v, const struct api_route *r)
{
	bool query = strcmp(r->method, "GET") == 0 || strcmp(r->method, "DELETE") == 0;
	unsigned n = 0;

	for (const struct ctl_field *f = v->fields; ctl_field_is(f); f++, n++) {
		HOLDS(f->option == NULL || f->text != NULL, "an option has no text");
		HOLDS((f->kind == CTL_FLAG) == (f->value == NULL),
		      "a flag has a value, or no other has one");
		HOLDS(f->field != NULL || v->run != NULL, "nobody looks at an option");
		if (f->field == NULL)
			continue;
		const struct api_schema *s = query ? parameter_of(r, f->field)
		                                   : schema_of(r->body, f->field);
		HOLDS(s != NULL, f->field);
		if (s != NULL)
			HOLDS(kind_fits(f->kind, s, query),
			      "a value is of another kind than the route's");
	}
	HOLDS(n <= CTL_FIELDS_MAX, "there are too many options");
}

// Whether a verb gives a field that its route must have.
static bool gives(const struct ctl_verb *v, const char *name)
{
	json_t *fixed = v->fixed != NULL ? json_loads(v->fixed, 0, NULL) : NULL;
	bool found = json_object_get(fixed, name) != NULL;

	json_decref(fixed);
	for (const struct ctl_field *f = v->fields; ctl_field_is(f); f++)
		found |= f->field != NULL && strcmp(f->field, name) == 0 && f->needed;
	for (const struct ctl_ask *a = v->asks; a != NULL && a->field != NULL; a++)
		found |= strcmp(a->field, name) == 0;
	return found;
}

static void look_at_body(const struct ctl_verb *v, const struct api_route *r)
{
	json_t *fixed = v->fixed != NULL ? json_loads(v->fixed, 0, NULL) : NULL, *value;
	const char *key;

	HOLDS((v->fixed == NULL && v->asks == NULL) || r->body != NULL, "its route takes no body");
	HOLDS((v->fixed == NULL) == (fixed == NULL), "what it always sends is no JSON");
	json_object_foreach(fixed, key, value) HOLDS(schema_of(r->body, key) != NULL, key);
	json_decref(fixed);
	for (const struct ctl_ask *a = v->asks; a != NULL && a->field != NULL; a++)
		HOLDS(schema_of(r->body, a->field) != NULL, a->field);
	for (const struct api_field *f = r->body != NULL ? r->body->field : NULL;
	     f != NULL && f->name != NULL; f++)
		HOLDS(f->optional || gives(v, f->name), f->name);
	for (const struct api_parameter *p = r->query; p != NULL && p->name != NULL; p++)
		HOLDS(!p->needed || gives(v, p->name), p->name);
}

static void look_at_answer(const struct ctl_verb *v, const struct api_route *r)
{
	const struct api_schema *answer = r->answers[0].schema, *list = NULL, *state;
	char columns[256] = "", *rest = columns, *one;
	bool can = false;

	HOLDS(v->raw == (r->answers[0].type != NULL),
	      "its answer is no JSON, and not shown as it is");
	if (v->state != NULL) {
		state = schema_of(answer, v->state);
		for (const char *const *word = state != NULL ? state->values : NULL;
		     word != NULL && *word != NULL; word++)
			can |= strcmp(*word, v->bad) == 0;
		HOLDS(can, "its state can't be bad");
	}
	if (v->list == NULL)
		return;
	list = schema_of(answer, v->list);
	HOLDS(list != NULL && list->type == API_ARRAY, v->list);
	snprintf(columns, sizeof(columns), "%s", v->columns);
	while (list != NULL && (one = strsep(&rest, " ")) != NULL)
		HOLDS(schema_of(list->item, one) != NULL, one);
}

static void test_rows(void)
{
	char name[64];

	for (unsigned g = 0; g < GROUPS; g++)
		for (unsigned i = 0; i < groups[g]->count; i++) {
			const struct ctl_verb *v = &groups[g]->verb[i];
			const char *word = v->word != NULL ? v->word : "";
			snprintf(name, sizeof(name), "fogctl %s %s", groups[g]->name, word);
			command = name;
			CU_ASSERT_STRING_EQUAL(
			        ctl_routes[v->route].name, api_routes[v->route].name
			);
			look_at_fields(v, &api_routes[v->route]);
			look_at_answer(v, &api_routes[v->route]);
			if (v->run == NULL || v->asks != NULL || v->fixed != NULL)
				look_at_body(v, &api_routes[v->route]);
		}
}

static const struct ctl_group *group_of(const char *words)
{
	size_t len = strcspn(words, " ");

	for (unsigned g = 0; g < GROUPS; g++)
		if (strlen(groups[g]->name) == len && strncmp(groups[g]->name, words, len) == 0)
			return groups[g];
	return NULL;
}

// The command that a row of routes.def names asks that route, and each command's own row names it.
static void test_routes(void)
{
	CU_ASSERT_EQUAL(api_route_count, CTL_ROUTES);
	for (unsigned i = 0; i < api_route_count; i++) {
		const struct api_route *r = &api_routes[i];
		const struct ctl_group *g = group_of(r->ctl);
		const char *word = strchr(r->ctl, ' ');

		command = r->name;
		CU_ASSERT_STRING_EQUAL(ctl_routes[i].method, r->method);
		CU_ASSERT_STRING_EQUAL(ctl_routes[i].path, r->path);
		CU_ASSERT_EQUAL(ctl_routes[i].body, r->body != NULL);
		CU_ASSERT_EQUAL(ctl_routes[i].match, r->match == API_MATCH_NEEDED);
		CU_ASSERT_STRING_EQUAL(ctl_routes[i].ctl, r->ctl);
		HOLDS((r->ctl[0] == '\0') == (r->no_ctl != NULL), "no command, and no reason");
		if (g == NULL)
			continue;
		const struct ctl_verb *v = ctl_verbs_find(g, word != NULL ? word + 1 : "");
		if (v != NULL)
			HOLDS(v->route == i, "its command asks another route");
		else
			HOLDS(g->usage != NULL, "fogctl has no such command");
	}
}

// Every option stands in the usage, with what it means.
static void test_usage(void)
{
	for (unsigned g = 0; g < GROUPS; g++) {
		char *usage = ctl_verbs_usage(groups[g]);

		command = groups[g]->name;
		CU_ASSERT_PTR_NOT_NULL_FATAL(usage);
		for (unsigned i = 0; i < groups[g]->count; i++)
			for (const struct ctl_field *f = groups[g]->verb[i].fields; ctl_field_is(f);
			     f++)
				HOLDS(strstr(groups[g]->usage != NULL ? groups[g]->usage : usage,
				             f->option != NULL ? f->option : f->value) != NULL,
				      f->option);
		free(usage);
	}
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"rows", test_rows},
	        {"routes", test_routes},
	        {"usage", test_usage},
	        CU_TEST_INFO_NULL,
	};

	return check_run("verbs", tests);
}
