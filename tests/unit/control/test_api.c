// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The parts of the API that need no node: targets, JSON against schemas, rows of the table, what is made of them.
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "../../../controlplane/http/docs/docs.h"
#include "../../../controlplane/http/docs/openapi.h"
#include "../../../controlplane/http/http.h"
#include "../../../controlplane/http/schema/pattern.h"
#include "../../../controlplane/http/schema/validate.h"
#include "../../../controlplane/http/uri.h"
#include "../run.h"

static void test_targets(void)
{
	static const char *const bad[] = {
	        "",         "x",         "http://h/x", "/%",      "/%0",     "/%zz",   "/a%00b",
	        "/a%0ab",   "/a b",      "/a\x80",     "/a//b",   "/../a",   "/a/..",  "/a/./b",
	        "/%2e%2e/", "/a%2f%2fb", "/?a=%00",    "/?a=%0d", "/?a=%7f", "/?%1=b", "*",
	};
	char many[256] = "/?";
	struct http_uri uri;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int r = http_uri_parse(&uri, bad[i]);
		CU_ASSERT_EQUAL(r, -EINVAL);
		if (r != -EINVAL)
			printf("\n%s: %d", bad[i], r);
		http_uri_free(&uri);
	}
	CU_ASSERT_EQUAL(http_uri_parse(&uri, "/v1/%61?x=1+2&&y&z=%2B%25"), 0);
	CU_ASSERT_STRING_EQUAL(uri.path, "/v1/a");
	CU_ASSERT_EQUAL_FATAL(uri.count, 3);
	CU_ASSERT_STRING_EQUAL(uri.query[0].value, "1 2");
	CU_ASSERT_STRING_EQUAL(uri.query[1].value, "");
	CU_ASSERT_STRING_EQUAL(uri.query[2].value, "+%");
	http_uri_free(&uri);
	for (unsigned i = 0; i <= HTTP_URI_PAIRS; i++)
		strcat(many, "a=b&");
	CU_ASSERT_EQUAL(http_uri_parse(&uri, many), -E2BIG);
	http_uri_free(&uri);
}

static void test_json(void)
{
	static const char *const bad[] = {
	        "", "{", "{\"a\":1,\"a\":2}", "{\"a\":\"\xff\"}", "[1]x", "{\"a\":1e999}"};
	struct api_findings f = {0};
	char deep[2 * API_JSON_DEPTH_MAX + 8];
	json_t *json;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		f.detail[0] = '\0';
		CU_ASSERT_PTR_NULL(api_json_parse(bad[i], strlen(bad[i]), &f));
		CU_ASSERT_STRING_EQUAL(f.code, "bad_json");
		CU_ASSERT_NOT_EQUAL(f.detail[0], '\0');
	}
	for (size_t depth = API_JSON_DEPTH_MAX; depth <= API_JSON_DEPTH_MAX + 1; depth++) {
		memset(deep, '[', depth);
		memset(deep + depth, ']', depth);
		json = api_json_parse(deep, 2 * depth, &f);
		CU_ASSERT_EQUAL(json != NULL, depth == API_JSON_DEPTH_MAX);
		json_decref(json);
	}
	json = api_json_parse("[\"[[[[{\\\"{{{\"]", 14, &f);
	CU_ASSERT_PTR_NOT_NULL(json);
	json_decref(json);
}

static const char *const colours[] = {"red", "blue", NULL};
static const struct api_schema number = {.type = API_INTEGER, .min = -2, .max = 7};
static const struct api_schema ratio = {.type = API_NUMBER, .max = 1};
static const struct api_schema colour = {.type = API_STRING, .values = colours, .nullable = true};
static const struct api_schema word = {
        .type = API_STRING, .min = 2, .max = 4, .pattern = "^[a-zü]+$"};
static const struct api_schema any = {.type = API_ANY};
static const struct api_schema text = {.type = API_STRING, .nul = true};
static const struct api_schema list = {.type = API_ARRAY, .item = &number, .min = 1, .max = 3};
static const struct api_schema map = {.type = API_MAP, .item = &number};
static const struct api_field inner_fields[] = {
        {"c", &colour, false, NULL}, {NULL, NULL, false, NULL}};
static const struct api_schema inner = {.type = API_OBJECT, .field = inner_fields, .name = "Inner"};
static const struct api_field fields[] = {
        {"n", &number, false, NULL}, {"r", &ratio, true, NULL},   {"w", &word, true, NULL},
        {"a", &any, true, NULL},     {"t", &text, true, NULL},    {"l", &list, true, NULL},
        {"m", &map, true, NULL},     {"i/~", &inner, true, NULL}, {NULL, NULL, false, NULL},
};
static const struct api_schema outer = {.type = API_OBJECT, .field = fields, .name = "Outer"};

// The answer's code and its first error, or "" when all is well.
static void compare(const char *body, const char *code, const char *pointer, const char *error)
{
	struct api_findings f = {0};
	json_t *json = api_json_parse(body, strlen(body), &f);
	bool good = json != NULL && api_validate(&outer, json, &f);
	const json_t *first = json_array_get(f.errors, 0);

	CU_ASSERT_EQUAL(good, code[0] == '\0');
	if (good && code[0] != '\0')
		printf("\n%s was taken", body);
	if (!good) {
		CU_ASSERT_STRING_EQUAL(f.code, code);
		CU_ASSERT_STRING_EQUAL(
		        json_string_value(json_object_get(first, "pointer")), pointer
		);
		CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(first, "code")), error);
	}
	json_decref(f.errors);
	json_decref(json);
}

static void test_validate(void)
{
	CU_ASSERT_EQUAL(api_pattern_add(word.pattern), 0);
	compare("{\"n\":-2,\"r\":0.5,\"w\":\"ab\",\"a\":[{}],\"t\":\"\\u0000\",\"l\":[7],\"m\":{\"x\":0},\"i/~\":{\"c\":null}}",
	        "", "", "");
	compare("{\"n\":7,\"w\":\"üüüü\",\"r\":1,\"i/~\":{\"c\":\"red\"}}", "", "", "");
	compare("[]", "bad_json", "", "bad_type");
	compare("{}", "bad_field", "/n", "missing");
	compare("{\"n\":1,\"x\":2}", "unknown_field", "/x", "unknown_field");
	compare("{\"n\":8}", "bad_field", "/n", "out_of_range");
	compare("{\"n\":-3}", "bad_field", "/n", "out_of_range");
	compare("{\"n\":1.0}", "bad_field", "/n", "bad_type");
	compare("{\"n\":null}", "bad_field", "/n", "bad_type");
	compare("{\"n\":1,\"r\":1.5}", "bad_field", "/r", "out_of_range");
	compare("{\"n\":1,\"w\":\"a\"}", "bad_field", "/w", "out_of_range");
	compare("{\"n\":1,\"w\":\"üüüüü\"}", "bad_field", "/w", "out_of_range");
	compare("{\"n\":1,\"w\":\"A1\"}", "bad_field", "/w", "bad_pattern");
	compare("{\"n\":1,\"w\":\"ab\\u0000\"}", "bad_field", "/w", "bad_character");
	compare("{\"n\":1,\"a\":{\"y\":[\"\\u0000\"]}}", "bad_field", "/a", "bad_character");
	compare("{\"n\":1,\"l\":[]}", "bad_field", "/l", "out_of_range");
	compare("{\"n\":1,\"l\":[1,2,9]}", "bad_field", "/l/2", "out_of_range");
	compare("{\"n\":1,\"m\":{\"x\":true}}", "bad_field", "/m/x", "bad_type");
	compare("{\"n\":1,\"i/~\":{\"c\":\"green\"}}", "bad_field", "/i~1~0/c", "not_one_of");
	compare("{\"n\":1,\"i/~\":{}}", "bad_field", "/i~1~0/c", "missing");
}

// Many errors, and names of all lengths and letters, end in a list that is bounded and good.
static void test_findings(void)
{
	json_t *json = json_object(), *object;
	struct api_findings f = {0};
	char name[400];

	for (unsigned i = 0; i < 40; i++) {
		memset(name, 0, sizeof(name));
		for (unsigned k = 0; k < i * 4 + 1; k++)
			strcat(name, k % 3 == 0 ? "x" : "ü");
		json_object_set_new(json, name, json_true());
	}
	CU_ASSERT_FALSE(api_validate(&outer, json, &f));
	CU_ASSERT_EQUAL(f.count, API_ERRORS_MAX);
	CU_ASSERT_EQUAL(json_array_size(f.errors), API_ERRORS_MAX);
	size_t i;
	json_array_foreach(f.errors, i, object)
	        CU_ASSERT_PTR_NOT_NULL(json_string_value(json_object_get(object, "text")));
	json_decref(f.errors);
	json_decref(json);
}

static void test_parameters(void)
{
	static const struct api_schema flag = {.type = API_BOOLEAN};
	const struct api_parameter p = {"n", &number, "x", false}, b = {"b", &flag, "x", false};
	static const char *const bad[] = {
	        "", "8", "-3", "+1", " 1", "1 ", "01", "1x", "0x1", "1.0", "99999999999999999999"};
	struct api_findings f = {0};
	int64_t n = 0;

	CU_ASSERT_TRUE(api_validate_text(&p, "7", &n, &f) && n == 7);
	CU_ASSERT_TRUE(api_validate_text(&p, "-2", &n, &f) && n == -2);
	CU_ASSERT_TRUE(api_validate_text(&b, "", &n, &f) && n == 1);
	CU_ASSERT_TRUE(api_validate_text(&b, "false", &n, &f) && n == 0);
	CU_ASSERT_TRUE(api_validate_text(&b, "true", &n, &f) && n == 1);
	CU_ASSERT_FALSE(api_validate_text(&b, "1", &n, &f));
	CU_ASSERT_STRING_EQUAL(f.code, "bad_parameter");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT_FALSE(api_validate_text(&p, bad[i], &n, &f));
	CU_ASSERT_FALSE(
	        api_validate_text(&(struct api_parameter){"t", &text, "x", false}, "\xff", &n, &f)
	);
	json_decref(f.errors);
}

static void handle(struct fog_node *n, const struct http_request *req, struct http_response *res)
{
}

static const struct api_answer good_answers[] = {{200, NULL, &outer}, {0, NULL, NULL}};

static const struct api_route good_row = {
        .name = "get_thing",
        .method = "GET",
        .path = "/v1/things",
        .who = API_READERS,
        .scope = FOG_SCOPE_NODE_READ,
        .rate = API_RATE_READ,
        .action = "thing.read",
        .answers = good_answers,
        .ctl = "things",
        .tag = "Node",
        .text = "A thing.",
        .handle = handle,
};

// One row that is good but for what 'change' does.
#define REFUSED(change) \
	do { \
		struct api_route row = good_row; \
		change; \
		CU_ASSERT_EQUAL(api_rows_check(&row, 1), -EINVAL); \
	} while (0)

static void test_table(void)
{
	static const struct api_schema backwards = {.type = API_INTEGER, .min = 2, .max = 1};
	static const struct api_schema perl = {.type = API_STRING, .pattern = "^\\d+$"};
	static const struct api_schema open_end = {.type = API_STRING, .pattern = "a+"};
	static const struct api_schema no_item = {.type = API_ARRAY};
	static const struct api_schema twin = {
	        .type = API_OBJECT, .field = inner_fields, .name = "Outer"};
	static const struct api_answer both[] = {{200, "text/plain", &outer}, {0, NULL, NULL}};
	static const struct api_answer failed[] = {{404, NULL, &outer}, {0, NULL, NULL}};
	static const struct api_answer perl_answers[] = {{200, NULL, &perl}, {0, NULL, NULL}};
	static const struct api_answer twins[] = {
	        {200, NULL, &outer}, {201, NULL, &twin}, {0, NULL, NULL}};
	static const struct api_parameter again[] = {
	        {"a", &number, "x", false}, {"a", &number, "x", false}, {NULL, NULL, NULL, false}};
	static const struct api_schema preset = {
	        .type = API_INTEGER, .min = 1, .max = 5, .preset = 6};
	static const struct api_parameter outside[] = {
	        {"a", &preset, "x", false}, {NULL, NULL, NULL, false}};
	static const struct api_parameter complex[] = {
	        {"a", &outer, "x", false}, {NULL, NULL, NULL, false}};

	CU_ASSERT_EQUAL(api_table_check(), 0);
	CU_ASSERT_EQUAL(api_rows_check(&good_row, 1), 0);
	REFUSED(row.name = "Get");
	REFUSED(row.method = "TRACE");
	REFUSED(row.path = "v1");
	REFUSED(row.path = "/v1/");
	REFUSED(row.path = "/v1/{nonsense}");
	REFUSED(row.path = "/v1/{epoch}{epoch}");
	REFUSED(row.path = "/v1/{epoch}/{epoch}/{epoch}");
	REFUSED(row.path = "/v1/{epoch");
	REFUSED(row.who = 1u << 30);
	REFUSED(row.who = API_ANYONE); // with a scope
	REFUSED(row.rate = API_RATE_NONE);
	REFUSED((row.method = "POST", row.rate = API_RATE_READ));
	REFUSED((
	        row.method = "POST", row.rate = API_RATE_WRITE, row.who = API_ANYONE, row.scope = 0
	));
	REFUSED(row.match = API_MATCH_NEEDED);
	REFUSED(row.action = NULL);
	REFUSED(row.action = "read");
	REFUSED(row.body = &outer);
	REFUSED(
	        (row.method = "PUT", row.rate = API_RATE_WRITE, row.body = &outer,
	         row.body_type = "text/plain")
	);
	REFUSED(row.query = again);
	REFUSED(row.query = complex);
	REFUSED(row.query = outside);
	REFUSED(row.answers = NULL);
	REFUSED(row.answers = both);
	REFUSED(row.answers = failed);
	REFUSED(row.answers = perl_answers);
	REFUSED(row.answers = twins);
	REFUSED((row.method = "POST", row.rate = API_RATE_WRITE, row.body = &backwards));
	REFUSED((row.method = "POST", row.rate = API_RATE_WRITE, row.body = &open_end));
	REFUSED((row.method = "POST", row.rate = API_RATE_WRITE, row.body = &no_item));
	REFUSED(row.ctl = NULL);
	REFUSED(row.ctl = "");
	REFUSED(row.no_ctl = "why there is none, although there is one");
	REFUSED(row.tag = "Nonsense");
	REFUSED(row.text = "no sentence");
	REFUSED(row.handle = NULL);
	struct api_route two[2] = {good_row, good_row};
	CU_ASSERT_EQUAL(api_rows_check(two, 2), -EINVAL);
	two[1].name = "get_other";
	CU_ASSERT_EQUAL(api_rows_check(two, 2), -EINVAL);
	two[1].action = "other.read";
	CU_ASSERT_EQUAL(api_rows_check(two, 2), -EINVAL);
	two[1].path = "/v1/others";
	CU_ASSERT_EQUAL(api_rows_check(two, 2), 0);
}

static void test_openapi(void)
{
	struct api_route row = good_row;
	char policy[API_DOCS_POLICY_LEN], *page = NULL;
	size_t len = 0;

	row.method = "POST";
	row.rate = API_RATE_WRITE;
	row.path = "/v1/things/{epoch}";
	row.body = &outer;
	json_t *doc = api_openapi(&row, 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(doc);
	json_t *post = NULL, *schema = NULL;
	int r = json_unpack(
	        doc, "{s:{s:{s:o}} s:{s:{s:o}}}", "paths", "/v1/things/{epoch}", "post", &post,
	        "components", "schemas", "Outer", &schema
	);
	CU_ASSERT_EQUAL_FATAL(r, 0);
	CU_ASSERT_STRING_EQUAL(
	        json_string_value(json_object_get(post, "operationId")), "get_thing"
	);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(post, "x-scope")), "node:read");
	CU_ASSERT_EQUAL(json_array_size(json_object_get(post, "parameters")), 2); // epoch, the key
	CU_ASSERT_TRUE(json_is_false(json_object_get(schema, "additionalProperties")));
	CU_ASSERT_EQUAL(json_array_size(json_object_get(schema, "required")), 1);
	CU_ASSERT_EQUAL(json_object_size(json_object_get(schema, "properties")), 8);
	json_decref(doc);
	row.text = "A <b>bold</b> & \"thing\".";
	CU_ASSERT_EQUAL_FATAL(api_docs(&row, 1, &page, &len, policy), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(page, "A &lt;b&gt;bold&lt;/b&gt; &amp; &quot;thing&quot;."));
	CU_ASSERT_PTR_NULL(strstr(page, "<b>"));
	CU_ASSERT_PTR_NOT_NULL(strstr(page, "/v1/things/{epoch}"));
	CU_ASSERT_PTR_NOT_NULL(strstr(policy, "default-src 'none'"));
	free(page);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"targets", test_targets},
	        {"JSON", test_json},
	        {"bodies against schemas", test_validate},
	        {"many errors", test_findings},
	        {"parameters", test_parameters},
	        {"rows that contradict themselves", test_table},
	        {"descriptions", test_openapi},
	        CU_TEST_INFO_NULL,
	};

	return sodium_init() < 0 ? 1 : check_run("api", tests);
}
