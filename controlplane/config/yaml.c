// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// From text to a raw struct. libcyaml stops at the first error and names the line before, so a pass
// over libyaml's tree comes first: it walks the same libcyaml schema, finds everything that does
// not fit, and remembers where each key stands.
#include <cyaml/cyaml.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

#include "schema.h"

enum {
	YAML_DEPTH_MAX = 8, // our deepest key lies at 5
	YAML_EVENTS_MAX = 100000, // 1,024 nodes take 20,000
	YAML_PATH_LEN = 160,
};

struct config_key_line {
	char *path;
	unsigned line;
};

struct config_lines {
	unsigned count, room;
	struct config_key_line *entry;
};

unsigned config_line(const struct config_lines *lines, const char *path)
{
	char part[YAML_PATH_LEN];

	snprintf(part, sizeof(part), "%s", path);
	while (lines != NULL && part[0] != '\0') {
		for (unsigned i = 0; i < lines->count; i++)
			if (strcmp(lines->entry[i].path, part) == 0)
				return lines->entry[i].line;
		char *cut = part + strlen(part) - 1;
		while (cut > part && *cut != '.' && *cut != '[')
			cut--;
		*cut = '\0';
	}
	return 0;
}

void config_lines_free(struct config_lines *lines)
{
	if (lines == NULL)
		return;
	for (unsigned i = 0; i < lines->count; i++)
		free(lines->entry[i].path);
	free(lines->entry);
	free(lines);
}

static int lines_add(struct config_lines *lines, const char *path, unsigned line)
{
	if (lines->count == lines->room) {
		unsigned room = lines->room > 0 ? 2 * lines->room : 64;
		void *grown = reallocarray(lines->entry, room, sizeof(lines->entry[0]));
		if (grown == NULL)
			return -ENOMEM;
		lines->entry = grown;
		lines->room = room;
	}
	if ((lines->entry[lines->count].path = strdup(path)) == NULL)
		return -ENOMEM;
	lines->entry[lines->count++].line = line;
	return 0;
}

void config_error(const struct config_source *s, const char *path, const char *format, ...)
{
	char what[900];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	fog_report_error(
	        s->report, s->file, config_line(s->lines, path), "%s%s%s", path,
	        path[0] != '\0' ? ": " : "", what
	);
}

// Bound what a hostile text can make the parser build before anything is built of it.
static const char *yaml_event_refused(
        const yaml_event_t *e, unsigned events, int depth, int documents
)
{
	if (e->type == YAML_ALIAS_EVENT)
		return "aliases (*name) are not supported: write the value out";
	if ((e->type == YAML_SCALAR_EVENT && e->data.scalar.anchor != NULL) ||
	    (e->type == YAML_MAPPING_START_EVENT && e->data.mapping_start.anchor != NULL) ||
	    (e->type == YAML_SEQUENCE_START_EVENT && e->data.sequence_start.anchor != NULL))
		return "anchors (&name) are not supported: write the value out where it is needed";
	if (depth > YAML_DEPTH_MAX)
		return "nested too deeply: no key lies that deep";
	if (documents > 1)
		return "a second document starts here: one file holds one document";
	return events > YAML_EVENTS_MAX ? "too many values in one file" : NULL;
}

static void yaml_syntax_error(const struct config_source *s, const yaml_parser_t *p)
{
	unsigned line = (unsigned
	)(p->error == YAML_READER_ERROR ? p->mark.line : p->problem_mark.line);

	fog_report_error(
	        s->report, s->file, line + 1,
	        "not valid YAML: %s%s%s: mend the text there or just above",
	        p->context != NULL ? p->context : "", p->context != NULL ? ", " : "",
	        p->problem != NULL ? p->problem : "out of memory"
	);
}

static int yaml_scan(const struct config_source *s, const char *text, size_t len)
{
	yaml_parser_t parser;
	unsigned events = 0;
	int depth = 0, documents = 0, done = 0, ret = 0;

	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	while (!done && ret == 0) {
		yaml_event_t e;
		if (!yaml_parser_parse(&parser, &e)) {
			yaml_syntax_error(s, &parser);
			ret = -EINVAL;
			break;
		}
		if (e.type == YAML_MAPPING_START_EVENT || e.type == YAML_SEQUENCE_START_EVENT)
			depth++;
		if (e.type == YAML_MAPPING_END_EVENT || e.type == YAML_SEQUENCE_END_EVENT)
			depth--;
		documents += e.type == YAML_DOCUMENT_START_EVENT;
		done = e.type == YAML_STREAM_END_EVENT;
		const char *why = yaml_event_refused(&e, ++events, depth, documents);
		if (why != NULL) {
			unsigned line = (unsigned)e.start_mark.line + 1;
			fog_report_error(s->report, s->file, line, "%s", why);
			ret = -EINVAL;
		}
		yaml_event_delete(&e);
	}
	yaml_parser_delete(&parser);
	return ret;
}

static const char *node_kind(const yaml_node_t *n)
{
	if (n->type == YAML_MAPPING_NODE)
		return "a mapping";
	return n->type == YAML_SEQUENCE_NODE ? "a list" : "a single value";
}

static const char *schema_kind(cyaml_type_e type)
{
	if (type == CYAML_MAPPING)
		return "a mapping (key: value)";
	return type == CYAML_SEQUENCE ? "a list ([a, b] or lines of \"- a\")" : "a single value";
}

static int node_fits(const yaml_node_t *n, cyaml_type_e type)
{
	if (type == CYAML_MAPPING)
		return n->type == YAML_MAPPING_NODE;
	if (type == CYAML_SEQUENCE)
		return n->type == YAML_SEQUENCE_NODE;
	return n->type == YAML_SCALAR_NODE;
}

struct yaml_walk {
	struct config_source *s;
	yaml_document_t *document;
	int failed; // -ENOMEM
};

static void walk_node(
        struct yaml_walk *w, const char *path, const cyaml_schema_value_t *schema, int node
);

// "known are a, b, c"
static void known_keys(const cyaml_schema_field_t *fields, char *text, size_t len)
{
	size_t at = 0;

	text[0] = '\0';
	for (; fields->key != NULL && at < len; fields++)
		at += (size_t
		)snprintf(text + at, len - at, "%s%s", at > 0 ? ", " : "", fields->key);
}

static void walk_mapping(
        struct yaml_walk *w, const char *path, const cyaml_schema_value_t *schema, yaml_node_t *n
)
{
	const struct config_source *s = w->s;
	uint64_t seen = 0; // no mapping of ours has more than 64 keys

	for (yaml_node_pair_t *p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top;
	     p++) {
		yaml_node_t *key = yaml_document_get_node(w->document, p->key);
		unsigned line = (unsigned)key->start_mark.line + 1;
		const cyaml_schema_field_t *f = schema->mapping.fields;
		char child[YAML_PATH_LEN], known[512];

		if (key->type != YAML_SCALAR_NODE) {
			fog_report_error(
			        s->report, s->file, line,
			        "a key must be a single word: the list of them is 'fogctl config "
			        "keys'"
			);
			continue;
		}
		const char *name = (const char *)key->data.scalar.value;
		while (f->key != NULL && strcmp(f->key, name) != 0)
			f++;
		if (f->key == NULL) {
			known_keys(schema->mapping.fields, known, sizeof(known));
			fog_report_error(
			        s->report, s->file, line, "unknown key '%.60s'%s%s: known are %s",
			        name, path[0] != '\0' ? " in " : "", path, known
			);
			continue;
		}
		snprintf(child, sizeof(child), "%s%s%s", path, path[0] != '\0' ? "." : "", name);
		uint64_t bit = UINT64_C(1) << (f - schema->mapping.fields);
		if (seen & bit) {
			fog_report_error(
			        s->report, s->file, line, "%s stands twice: remove one", child
			);
			continue;
		}
		seen |= bit;
		if (lines_add(w->s->lines, child, line) < 0)
			w->failed = -ENOMEM;
		walk_node(w, child, &f->value, p->value);
	}
}

static void walk_sequence(
        struct yaml_walk *w, const char *path, const cyaml_schema_value_t *schema, yaml_node_t *n
)
{
	unsigned count = (unsigned)(n->data.sequence.items.top - n->data.sequence.items.start);

	if (count > schema->sequence.max) {
		config_error(
		        w->s, path, "%u entries, %u are the most", count, schema->sequence.max
		);
		return;
	}
	for (unsigned i = 0; i < count; i++) {
		int item = n->data.sequence.items.start[i];
		yaml_node_t *entry = yaml_document_get_node(w->document, item);
		char child[YAML_PATH_LEN];

		snprintf(child, sizeof(child), "%s[%u]", path, i);
		if (lines_add(w->s->lines, child, (unsigned)entry->start_mark.line + 1) < 0)
			w->failed = -ENOMEM;
		walk_node(w, child, schema->sequence.entry, item);
	}
}

static void walk_node(
        struct yaml_walk *w, const char *path, const cyaml_schema_value_t *schema, int node
)
{
	yaml_node_t *n = yaml_document_get_node(w->document, node);

	if (!node_fits(n, schema->type)) {
		config_error(
		        w->s, path, "is %s, must be %s", node_kind(n), schema_kind(schema->type)
		);
		return;
	}
	if (schema->type == CYAML_MAPPING)
		walk_mapping(w, path, schema, n);
	else if (schema->type == CYAML_SEQUENCE)
		walk_sequence(w, path, schema, n);
	else if (memchr(n->data.scalar.value, 0, n->data.scalar.length) != NULL)
		config_error(w->s, path, "contains a NUL character: remove it");
}

static int yaml_walk(
        struct config_source *s, const char *text, size_t len, const cyaml_schema_value_t *schema
)
{
	yaml_parser_t parser;
	yaml_document_t document;
	unsigned before = s->report->errors;
	struct yaml_walk w = {.s = s, .document = &document};

	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	if (!yaml_parser_load(&parser, &document)) {
		yaml_syntax_error(s, &parser);
		yaml_parser_delete(&parser);
		return -EINVAL;
	}
	if (yaml_document_get_root_node(&document) == NULL)
		fog_report_error(
		        s->report, s->file, 0,
		        "the file is empty: copy config/fogline.yaml and change it"
		);
	else
		walk_node(&w, "", schema, 1);
	yaml_document_delete(&document);
	yaml_parser_delete(&parser);
	if (w.failed != 0)
		return w.failed;
	return s->report->errors > before ? -EINVAL : 0;
}

static const cyaml_config_t yaml_cyaml_config = {
        .mem_fn = cyaml_mem,
        .log_level = CYAML_LOG_ERROR,
        .flags = CYAML_CFG_NO_ALIAS,
};

int config_yaml_load(
        struct config_source *s, const char *text, size_t len, const cyaml_schema_value_t *schema,
        void **raw
)
{
	int ret;

	*raw = NULL;
	if (len > FOG_CONFIG_TEXT_MAX) {
		fog_report_error(
		        s->report, s->file, 0, "%zu bytes long, %d are the most", len,
		        FOG_CONFIG_TEXT_MAX
		);
		return -E2BIG;
	}
	if ((s->lines = calloc(1, sizeof(*s->lines))) == NULL)
		return -ENOMEM;
	if ((ret = yaml_scan(s, text, len)) < 0 || (ret = yaml_walk(s, text, len, schema)) < 0)
		return ret;
	cyaml_err_t err =
	        cyaml_load_data((const uint8_t *)text, len, &yaml_cyaml_config, schema, raw, NULL);
	if (err == CYAML_OK && *raw != NULL)
		return 0;
	fog_report_error(
	        s->report, s->file, 0,
	        "libcyaml refuses it: %s: compare it with config/fogline.yaml", cyaml_strerror(err)
	);
	return err == CYAML_ERR_OOM ? -ENOMEM : -EINVAL;
}

void config_yaml_free(const cyaml_schema_value_t *schema, void *raw)
{
	if (raw != NULL)
		cyaml_free(&yaml_cyaml_config, schema, raw, 0);
}

int config_read(const char *path, size_t max, struct fog_report *report, char **text, size_t *len)
{
	char *buf = NULL;
	size_t at = 0;
	ssize_t n = 0;
	int ret = 0, fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		goto err_errno;
	if ((buf = malloc(max + 1)) == NULL)
		goto err_errno;
	while (at <= max && (n = read(fd, buf + at, max + 1 - at)) > 0)
		at += (size_t)n;
	if (n < 0)
		goto err_errno;
	if (at > max) {
		fog_report_error(
		        report, path, 0, "longer than %zu bytes: is it the right file?", max
		);
		ret = -E2BIG;
		goto err;
	}
	close(fd);
	*text = buf;
	*len = at;
	return 0;
err_errno:
	ret = -errno;
	fog_report_error(
	        report, path, 0,
	        "cannot be read: %s: give the path of a file that this user may read",
	        strerror(errno)
	);
err:
	free(buf);
	if (fd >= 0)
		close(fd);
	return ret;
}
