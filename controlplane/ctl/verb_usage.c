// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The usage of commands that are rows of tables.
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verb.h"

enum { LINE_LEN = 88, WORD_LEN = 80, TAG_LEN = 22 };

struct line {
	FILE *f;
	size_t used, indent;
};

static void line_word(struct line *l, const char *word)
{
	size_t len = strlen(word);

	if (l->used + 1 + len > LINE_LEN) {
		fprintf(l->f, "\n%*s", (int)l->indent, "");
		l->used = l->indent;
	} else {
		fputc(' ', l->f);
		l->used++;
	}
	fputs(word, l->f);
	l->used += len;
}

static void usage_parts(struct line *l, const char *path)
{
	char word[WORD_LEN];

	while ((path = strchr(path, '{')) != NULL) {
		size_t len = strcspn(++path, "}");
		snprintf(word, sizeof(word), "%.*s", (int)len, path);
		for (char *at = word; *at != '\0'; at++)
			*at = (char)toupper((unsigned char)*at);
		line_word(l, strcmp(word, "MANAGED") == 0 ? "NUMBER" : word);
	}
}

static void usage_field(struct line *l, const struct ctl_field *f)
{
	char word[WORD_LEN];
	const char *value = f->value != NULL ? f->value : "";

	snprintf(
	        word, sizeof(word), "%s%s%s%s%s", f->needed ? "" : "[",
	        f->option != NULL ? f->option : "",
	        f->option != NULL && f->value != NULL ? " " : "", value, f->needed ? "" : "]"
	);
	line_word(l, word);
}

static void usage_synopsis(FILE *f, const struct ctl_group *g, const struct ctl_verb *v)
{
	struct line l = {.f = f, .used = 7 + strlen("fogctl ") + strlen(g->name)};

	fprintf(f, "%sfogctl %s", v == g->verb ? "usage: " : "       ", g->name);
	if (v->word != NULL) {
		fprintf(f, " %s", v->word);
		l.used += 1 + strlen(v->word);
	}
	l.indent = l.used + 1;
	usage_parts(&l, ctl_routes[v->route].path);
	for (const struct ctl_field *field = v->fields; ctl_field_is(field); field++)
		usage_field(&l, field);
	line_word(&l, "[-j]");
	fputc('\n', f);
}

static bool usage_told(const struct ctl_group *g, const struct ctl_field *field)
{
	for (unsigned i = 0; i < g->count; i++)
		for (const struct ctl_field *f = g->verb[i].fields; ctl_field_is(f); f++) {
			if (f == field)
				return false;
			if (f->option != NULL && strcmp(f->option, field->option) == 0)
				return true;
		}
	return false;
}

// An option that several verbs have is told of once, in the words of the first one.
static void usage_options(FILE *f, const struct ctl_group *g)
{
	const char *gap = "\n";
	char tag[WORD_LEN];

	for (unsigned i = 0; i < g->count; i++)
		for (const struct ctl_field *o = g->verb[i].fields; ctl_field_is(o); o++) {
			if (o->option == NULL || usage_told(g, o))
				continue;
			snprintf(
			        tag, sizeof(tag), "%s%s%s", o->option, o->value != NULL ? " " : "",
			        o->value != NULL ? o->value : ""
			);
			fprintf(f, "%s  %-*s  %s\n", gap, TAG_LEN, tag, o->text);
			gap = "";
		}
}

char *ctl_verbs_usage(const struct ctl_group *g)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (f == NULL)
		return NULL;
	for (unsigned i = 0; i < g->count; i++)
		usage_synopsis(f, g, &g->verb[i]);
	fputs(g->synopsis != NULL ? g->synopsis : "", f);
	if (g->text != NULL)
		fprintf(f, "\n%s", g->text);
	usage_options(f, g);
	fclose(f);
	return text;
}
