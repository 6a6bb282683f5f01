// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "validate.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pattern.h"

enum { POINTER_LEN = 256, TEXT_LEN = 240, SHOWN_LEN = 65 };

// Where in the value we are. 'pointer' of a parameter is its name.
struct validate {
	struct api_findings *found;
	const char *parameter; // NULL: a body
	char pointer[POINTER_LEN]; // JSON pointer
	size_t len;
};

static const char *const type_words[] = {
        [API_ANY] = "anything",    [API_OBJECT] = "an object",
        [API_MAP] = "an object",   [API_ARRAY] = "a list",
        [API_STRING] = "text",     [API_INTEGER] = "a whole number",
        [API_NUMBER] = "a number", [API_BOOLEAN] = "true or false",
};

// Cut what was cut inside a character.
static void validate_trim(char *text)
{
	size_t len = strlen(text);
	json_t *good = json_string(text);

	for (unsigned i = 0; good == NULL && i < 4 && len > 0; i++) {
		text[--len] = '\0';
		good = json_string(text);
	}
	json_decref(good);
}

// The beginning of a name, which anybody may have made.
static const char *validate_shown(const char *name, char shown[SHOWN_LEN])
{
	snprintf(shown, SHOWN_LEN, "%.*s", SHOWN_LEN - 1, name);
	validate_trim(shown);
	return shown;
}

// A step down. Returns what 'len' was, for the way back.
static size_t validate_enter(struct validate *v, const char *name)
{
	size_t before = v->len;

	if (v->len + 1 < sizeof(v->pointer))
		v->pointer[v->len++] = '/';
	for (; *name != '\0' && v->len + 2 < sizeof(v->pointer); name++) {
		if (*name == '~' || *name == '/') { // RFC 6901
			v->pointer[v->len++] = '~';
			v->pointer[v->len++] = *name == '~' ? '0' : '1';
		} else {
			v->pointer[v->len++] = *name;
		}
	}
	v->pointer[v->len] = '\0';
	return before;
}

static void validate_leave(struct validate *v, size_t before)
{
	v->len = before;
	v->pointer[before] = '\0';
}

// The whole code of the answer, from that of its first error.
static const char *validate_summary(const struct validate *v, const char *code)
{
	if (v->parameter != NULL)
		return "bad_parameter";
	if (strcmp(code, "unknown_field") == 0)
		return code;
	return v->len == 0 && strcmp(code, "bad_type") == 0 ? "bad_json" : "bad_field";
}

__attribute__((format(printf, 3, 4))) static bool validate_bad(
        struct validate *v, const char *code, const char *format, ...
)
{
	struct api_findings *f = v->found;
	char text[TEXT_LEN], pointer[POINTER_LEN], shown[SHOWN_LEN];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	validate_trim(text);
	snprintf(pointer, sizeof(pointer), "%s", v->parameter != NULL ? v->parameter : v->pointer);
	validate_trim(pointer);
	if (f->count == 0) {
		const char *at = v->parameter == NULL && pointer[0] == '/' ? pointer + 1 : pointer;
		f->code = validate_summary(v, code);
		snprintf(
		        f->detail, sizeof(f->detail), "%s%s%s",
		        strcmp(code, "unknown_field") == 0 ? ""
		                : at[0] != '\0'            ? validate_shown(at, shown)
		                                           : "the body",
		        strcmp(code, "unknown_field") == 0 ? "" : " ", text
		);
		validate_trim(f->detail);
	}
	if (f->count >= API_ERRORS_MAX)
		return false;
	f->count++;
	if (f->errors == NULL)
		f->errors = json_array();
	json_array_append_new(
	        f->errors,
	        json_pack(
	                "{s:s s:s s:s}", v->parameter != NULL ? "parameter" : "pointer", pointer,
	                "code", code, "text", text
	        )
	);
	return false;
}

// Whether there is an upper end: both ends 0 are none at all.
static bool validate_capped(const struct api_schema *s)
{
	return s->max != 0 || s->min < 0;
}

static bool validate_range(
        struct validate *v, const struct api_schema *s, double value, const char *what
)
{
	if (value >= (double)s->min && (!validate_capped(s) || value <= (double)s->max))
		return true;
	if (!validate_capped(s))
		return validate_bad(v, "out_of_range", "must %s at least %" PRId64, what, s->min);
	return validate_bad(
	        v, "out_of_range", "must %s from %" PRId64 " to %" PRId64, what, s->min, s->max
	);
}

static bool validate_integer(struct validate *v, const struct api_schema *s, const json_t *value)
{
	json_int_t number = json_integer_value(value);

	if ((s->min == 0 && s->max == 0) ||
	    (number >= s->min && (!validate_capped(s) || number <= s->max)))
		return true;
	if (!validate_capped(s))
		return validate_bad(
		        v, "out_of_range", "must be a whole number of at least %" PRId64, s->min
		);
	return validate_bad(
	        v, "out_of_range", "must be a whole number from %" PRId64 " to %" PRId64, s->min,
	        s->max
	);
}

static size_t validate_characters(const char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)text[i] & 0xc0) != 0x80;
	return n;
}

static bool validate_one_of(struct validate *v, const char *const *values, const char *text)
{
	char all[TEXT_LEN - 40] = "";
	size_t used = 0;

	for (const char *const *one = values; *one != NULL; one++) {
		if (strcmp(*one, text) == 0)
			return true;
		if (used < sizeof(all))
			used += (size_t)snprintf(
			        all + used, sizeof(all) - used, "%s%s", used > 0 ? ", " : "", *one
			);
	}
	return validate_bad(v, "not_one_of", "must be one of: %s", all);
}

static bool validate_string(struct validate *v, const struct api_schema *s, const json_t *value)
{
	const char *text = json_string_value(value);
	size_t len = json_string_length(value);

	if (!s->nul && memchr(text, '\0', len) != NULL)
		return validate_bad(v, "bad_character", "must not hold U+0000");
	if ((s->min != 0 || s->max != 0) &&
	    !validate_range(v, s, (double)validate_characters(text, len), "have characters"))
		return false;
	if (s->values != NULL && !validate_one_of(v, s->values, text))
		return false;
	if (s->pattern != NULL && !api_pattern_matches(s->pattern, text))
		return validate_bad(v, "bad_pattern", "must look like %s", s->pattern);
	return true;
}

static bool validate_value(struct validate *, const struct api_schema *, const json_t *);

static const struct api_field *validate_field(const struct api_schema *s, const char *name)
{
	for (const struct api_field *f = s->field; f->name != NULL; f++)
		if (strcmp(f->name, name) == 0)
			return f;
	return NULL;
}

static bool validate_object(struct validate *v, const struct api_schema *s, json_t *object)
{
	char shown[SHOWN_LEN];
	const char *name;
	bool good = true;
	json_t *value;
	size_t before;

	for (const struct api_field *f = s->field; f->name != NULL; f++) {
		if (f->optional || json_object_get(object, f->name) != NULL)
			continue;
		before = validate_enter(v, f->name);
		good = validate_bad(v, "missing", "is missing");
		validate_leave(v, before);
	}
	json_object_foreach(object, name, value)
	{
		const struct api_field *f = validate_field(s, name);
		before = validate_enter(v, name);
		if (f == NULL) // may be a misspelt one that matters
			good = validate_bad(
			        v, "unknown_field", "there is no field '%s' here",
			        validate_shown(name, shown)
			);
		else if (!validate_value(v, f->schema, value))
			good = false;
		validate_leave(v, before);
	}
	return good;
}

static bool validate_map(struct validate *v, const struct api_schema *s, json_t *object)
{
	const char *name;
	bool good = true;
	json_t *value;

	if ((s->min != 0 || s->max != 0) &&
	    !validate_range(v, s, (double)json_object_size(object), "have fields"))
		return false;
	json_object_foreach(object, name, value)
	{
		size_t before = validate_enter(v, name);
		if (!validate_value(v, s->item, value))
			good = false;
		validate_leave(v, before);
	}
	return good;
}

static bool validate_array(struct validate *v, const struct api_schema *s, const json_t *array)
{
	bool good = true;
	char index[24];

	if ((s->min != 0 || s->max != 0) &&
	    !validate_range(v, s, (double)json_array_size(array), "have entries"))
		return false;
	for (size_t i = 0; i < json_array_size(array) && v->found->count < API_ERRORS_MAX; i++) {
		snprintf(index, sizeof(index), "%zu", i);
		size_t before = validate_enter(v, index);
		if (!validate_value(v, s->item, json_array_get(array, i)))
			good = false;
		validate_leave(v, before);
	}
	return good;
}

// What is known of nothing else: no text in it ends early.
static bool validate_any(struct validate *v, json_t *value)
{
	const char *name;
	bool good = true;
	json_t *one;
	size_t i;

	if (json_is_string(value) &&
	    memchr(json_string_value(value), '\0', json_string_length(value)) != NULL)
		return validate_bad(v, "bad_character", "must not hold U+0000");
	json_array_foreach(value, i, one) good = validate_any(v, one) && good;
	json_object_foreach(value, name, one) good = validate_any(v, one) && good;
	return good;
}

static bool validate_type(enum api_type type, const json_t *value)
{
	switch (type) {
	case API_ANY:
		return true;
	case API_OBJECT:
	case API_MAP:
		return json_is_object(value);
	case API_ARRAY:
		return json_is_array(value);
	case API_STRING:
		return json_is_string(value);
	case API_INTEGER:
		return json_is_integer(value);
	case API_NUMBER:
		return json_is_number(value);
	case API_BOOLEAN:
		return json_is_boolean(value);
	}
	return false;
}

// As deep as the schema, which is checked to be bounded.
static bool validate_value(struct validate *v, const struct api_schema *s, const json_t *value)
{
	if (s->nullable && json_is_null(value))
		return true;
	if (s->other != NULL && validate_type(s->other->type, value))
		return validate_value(v, s->other, value);
	if (!validate_type(s->type, value))
		return validate_bad(
		        v, "bad_type", "must be %s%s%s%s", type_words[s->type],
		        s->other != NULL ? ", or " : "",
		        s->other != NULL ? type_words[s->other->type] : "",
		        s->nullable ? ", or null" : ""
		);
	switch (s->type) {
	case API_OBJECT:
		return validate_object(v, s, (json_t *)value);
	case API_MAP:
		return validate_map(v, s, (json_t *)value);
	case API_ARRAY:
		return validate_array(v, s, value);
	case API_STRING:
		return validate_string(v, s, value);
	case API_INTEGER:
		return validate_integer(v, s, value);
	case API_NUMBER:
		return (s->min == 0 && s->max == 0) ||
		        validate_range(v, s, json_number_value(value), "be");
	case API_ANY:
		return validate_any(v, (json_t *)value);
	default:
		return true;
	}
}

bool api_validate(const struct api_schema *s, const json_t *value, struct api_findings *f)
{
	struct validate v = {.found = f};

	return validate_value(&v, s, value);
}

// "007" and "+7" are no numbers of JSON either.
static json_t *validate_number(const char *text)
{
	const char *digits = text + (text[0] == '-');
	char *end = NULL;

	if (digits[0] < '0' || digits[0] > '9' || (digits[0] == '0' && digits[1] != '\0'))
		return NULL;
	errno = 0;
	long long value = strtoll(text, &end, 10);
	return errno == 0 && *end == '\0' ? json_integer(value) : NULL;
}

bool api_validate_text(
        const struct api_parameter *p, const char *text, int64_t *number, struct api_findings *f
)
{
	struct validate v = {.found = f, .parameter = p->name};
	json_t *value = NULL;
	bool good;

	switch (p->schema->type) {
	case API_INTEGER:
		value = validate_number(text);
		break;
	case API_NUMBER:
		value = json_loads(text, JSON_DECODE_ANY, NULL);
		break;
	case API_BOOLEAN:
		if (text[0] == '\0' || strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
			value = json_boolean(text[0] != 'f');
		break;
	default:
		value = json_string(text); // UTF-8, or none
	}
	good = value != NULL
	        ? validate_value(&v, p->schema, value)
	        : validate_bad(&v, "bad_type", "must be %s", type_words[p->schema->type]);
	if (good && json_is_integer(value))
		*number = json_integer_value(value);
	else if (good && json_is_boolean(value))
		*number = json_is_true(value);
	json_decref(value);
	return good;
}

// Brackets outside of strings. jansson's own limit is 2,048.
static bool validate_shallow(const char *text, size_t len)
{
	unsigned depth = 0;
	bool string = false;

	for (size_t i = 0; i < len; i++) {
		if (string) {
			if (text[i] == '\\')
				i++;
			else if (text[i] == '"')
				string = false;
		} else if (text[i] == '"') {
			string = true;
		} else if (text[i] == '[' || text[i] == '{') {
			if (++depth > API_JSON_DEPTH_MAX)
				return false;
		} else if ((text[i] == ']' || text[i] == '}') && depth > 0) {
			depth--;
		}
	}
	return true;
}

json_t *api_json_parse(const char *text, size_t len, struct api_findings *f)
{
	json_t *json = NULL;
	json_error_t error;

	f->code = "bad_json";
	if (!validate_shallow(text, len)) {
		snprintf(
		        f->detail, sizeof(f->detail),
		        "more than %d lists and objects in each other", API_JSON_DEPTH_MAX
		);
		return NULL;
	}
	json = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
	if (json == NULL)
		snprintf(
		        f->detail, sizeof(f->detail), "line %d, column %d: %s", error.line,
		        error.column, error.text
		);
	return json;
}
