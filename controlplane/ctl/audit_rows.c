// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fogctl audit verify, show, export: the rows of the audit, read from the store itself, so that nobody has to be
// trusted but the database. No control plane has to run; one may.
#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../audit/search.h"
#include "../audit/verify.h"
#include "../config/config.h"
#include "../mixnet/identity.h"
#include "audit.h"
#include "platform.h"
#include "table.h"

enum { SHOW_LIMIT = 50, HEADS_MAX = 16, EXIT_FOUND = 4 };

struct rows_options {
	struct ctl_platform_where where;
	const char *heads, *log;
	const char *from, *until, *limit;
	struct fog_audit_filter filter;
	bool csv;
};

static int rows_failed(const char *doing, int r)
{
	fprintf(stderr,
	        "fogctl: %s: %s: see that the store answers and has this version's tables, with sudo\n",
	        doing, strerror(-r));
	return CTL_REFUSED;
}

struct findings {
	json_t *list; // NULL: they are printed
};

static void finding_tell(void *ctx, const struct fog_audit_finding *f)
{
	const struct findings *all = ctx;

	if (all->list != NULL) {
		json_t *o = json_pack(
		        "{s:s, s:s, s:I, s:I, s:s}", "fault", fog_audit_fault_name[f->fault],
		        "chain", f->chain, "sequence", (json_int_t)f->sequence, "last",
		        (json_int_t)f->last, "text", fog_audit_fault_text[f->fault]
		);
		json_array_append_new(all->list, o);
		return;
	}
	if (f->fault == FOG_AUDIT_UNREADABLE) {
		printf("line %" PRId64, f->sequence);
	} else {
		fputs("chain ", stdout);
		ctl_print_safe(stdout, f->chain, strlen(f->chain));
		printf(", row %" PRId64, f->sequence);
	}
	if (f->last > f->sequence)
		printf(" to %" PRId64, f->last);
	printf(": %s (%s)\n", fog_audit_fault_text[f->fault], fog_audit_fault_name[f->fault]);
}

static void verdict_print(const struct fog_audit_verdict *v)
{
	printf("%" PRIu64 " rows in %" PRIu64 " chains, %" PRIu64 " signed heads: ", v->rows,
	       v->chains, v->signed_heads);
	if (v->findings == 0)
		puts("all rows are there and as they were written");
	else
		printf("%" PRIu64
		       " findings: somebody has changed the store, or put back an old one\n",
		       v->findings);
	if (v->unwatched > 0)
		printf("%" PRIu64
		       " chains have no heads here, so their newest rows could be missing: verify them "
		       "with their own control plane's --heads\n",
		       v->unwatched);
}

static void verdict_json(const struct fog_audit_verdict *v, json_t *findings)
{
	json_t *o = json_pack(
	        "{s:b, s:I, s:I, s:I, s:I, s:I, s:O}", "ok", v->findings == 0, "chains",
	        (json_int_t)v->chains, "rows", (json_int_t)v->rows, "signed_heads",
	        (json_int_t)v->signed_heads, "unwatched_chains", (json_int_t)v->unwatched, "count",
	        (json_int_t)v->findings, "findings", findings
	);

	json_dumpf(o, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(o);
}

// The files of heads of this node and of commands on its host, and those that were put aside. 'found' is for globfree.
static int heads_find(
        const struct rows_options *o, const struct ctl_platform *p, glob_t *found,
        const char *path[HEADS_MAX]
)
{
	char pattern[FOG_CONFIG_PATH_LEN + 64];
	unsigned n = 0;

	if (o->heads != NULL) {
		path[0] = o->heads;
		return 1;
	}
	if (p->config == NULL)
		return 0;
	snprintf(
	        pattern, sizeof(pattern), "%s/control/audit-{head,host-head}.jsonl*",
	        p->config->state_dir
	);
	if (glob(pattern, GLOB_BRACE, NULL, found) == 0)
		for (; n < found->gl_pathc && n < HEADS_MAX; n++)
			path[n] = found->gl_pathv[n];
	return (int)n;
}

static int rows_verify(struct ctl_platform *p, const struct rows_options *o, bool json)
{
	struct findings all = {.list = json ? json_array() : NULL};
	struct fog_audit_verdict verdict;
	const char *path[HEADS_MAX];
	glob_t found = {0};
	char own[FOG_AUDIT_CHAIN_LEN];
	uint8_t key[32], node_id[FOG_ID_LEN];
	struct fog_audit_verify v = {
	        .head_path = path, .log_path = o->log, .found = finding_tell, .ctx = &all};

	v.heads = (unsigned)heads_find(o, p, &found, path);
	if (p->config != NULL && o->heads == NULL &&
	    fog_identity_public(p->config->state_dir, key, node_id) == 0) {
		fog_audit_chain_name(key, own);
		v.own = own;
	}
	int r = fog_audit_verify(p->db, &v, &verdict);
	globfree(&found);
	if (r == 0 && json)
		verdict_json(&verdict, all.list);
	else if (r == 0)
		verdict_print(&verdict);
	json_decref(all.list);
	if (r < 0)
		return rows_failed("cannot verify the audit", r);
	return verdict.findings > 0 ? EXIT_FOUND : CTL_OK;
}

static int rows_show(struct ctl_platform *p, const struct rows_options *o, bool json)
{
	static const char *const keys[] = {"sequence", "time",   "actor_kind", "actor_name",
	                                   "action",   "object", "source",     "outcome",
	                                   "status",   NULL};
	struct fog_audit_filter f = o->filter;
	struct fog_audit_list list;
	json_t *rows = json_array();

	f.newest_first = true;
	int r = fog_audit_search(p->db, &f, &list);
	for (unsigned i = 0; r == 0 && i < list.count; i++)
		json_array_append_new(rows, fog_audit_row_json(&list.row[i], false));
	if (r == 0 && json) {
		json_dumpf(rows, stdout, JSON_INDENT(2));
		putchar('\n');
	} else if (r == 0) {
		ctl_table_print(
		        ctl_table_list(
		                "row|time|actor|name|action|object|source|outcome|status", rows,
		                keys
		        ),
		        stdout
		);
	}
	if (r == 0)
		fog_audit_list_free(&list);
	json_decref(rows);
	return r < 0 ? rows_failed("cannot read the audit", r) : CTL_OK;
}

static int export_line(void *ctx, const char *line, size_t len)
{
	return fwrite(line, 1, len, stdout) == len ? 0 : -EIO;
}

static int rows_export(struct ctl_platform *p, const struct rows_options *o, bool json)
{
	enum fog_audit_format format = o->csv ? FOG_AUDIT_CSV : FOG_AUDIT_JSON_LINES;
	int r = fog_audit_export(p->db, &o->filter, format, export_line, NULL);

	if (r == 0 && fflush(stdout) != 0)
		r = -errno;
	return r < 0 ? rows_failed("cannot export the audit", r) : CTL_OK;
}

static bool option_time(const char *text, int64_t *us)
{
	if (text == NULL)
		return true;
	json_t *json = json_string(text);
	int64_t ns = ctl_time_ns(json);
	json_decref(json);
	*us = ns / 1000;
	return ns >= 0 && text[strlen(text) - 1] == 'Z';
}

static bool rows_parse(struct rows_options *o)
{
	char *end;

	o->filter.limit = (unsigned)strtoul(o->limit, &end, 10);
	if (*end == '\0' && o->filter.limit >= 1 && o->filter.limit <= FOG_AUDIT_PAGE_MAX &&
	    option_time(o->from, &o->filter.from_us) && option_time(o->until, &o->filter.until_us))
		return true;
	fprintf(stderr,
	        "fogctl: --limit takes a number from 1 to %d, --from and --until a time such as "
	        "2026-01-31T12:00:00Z\n",
	        FOG_AUDIT_PAGE_MAX);
	return false;
}

static const struct {
	const char *name;
	int (*run)(struct ctl_platform *, const struct rows_options *, bool json);
} rows_words[] = {{"verify", rows_verify}, {"show", rows_show}, {"export", rows_export}};

enum { ROWS_WORDS = sizeof(rows_words) / sizeof(rows_words[0]) };

static unsigned rows_word(const char *text)
{
	unsigned i = 0;

	while (i < ROWS_WORDS && strcmp(text, rows_words[i].name) != 0)
		i++;
	return i;
}

bool audit_rows_word(const char *text)
{
	return rows_word(text) < ROWS_WORDS;
}

int audit_rows(int argc, char **argv)
{
	struct rows_options o = {.limit = "50"};
	struct fog_audit_filter *f = &o.filter;
	const struct ctl_option own[] = {
	        {"--store", &o.where.store, NULL}, {"--config", &o.where.config, NULL},
	        {"--heads", &o.heads, NULL},       {"--log", &o.log, NULL},
	        {"--actor", &f->actor, NULL},      {"--action", &f->action, NULL},
	        {"--object", &f->object, NULL},    {"--source", &f->source, NULL},
	        {"--outcome", &f->outcome, NULL},  {"--correlation", &f->correlation_id, NULL},
	        {"--chain", &f->chain, NULL},      {"--from", &o.from, NULL},
	        {"--until", &o.until, NULL},       {"--limit", &o.limit, NULL},
	        {"--csv", NULL, &o.csv},           {NULL, NULL, NULL},
	};
	struct ctl_platform platform;
	struct ctl_client client;
	int r = ctl_client_options(&client, &argc, argv, own, audit_usage);

	if (r != CTL_OK)
		return r < 0 ? CTL_OK : r;
	unsigned word = argc == 2 ? rows_word(argv[1]) : ROWS_WORDS;
	o.where.instance = client.instance;
	if (word == ROWS_WORDS || !rows_parse(&o)) {
		if (word == ROWS_WORDS)
			fputs(audit_usage, stderr);
		return CTL_USAGE;
	}
	if (sodium_init() < 0)
		return CTL_REFUSED;
	r = ctl_platform_open(&platform, &o.where);
	if (r != CTL_OK)
		return r;
	r = rows_words[word].run(&platform, &o, client.json);
	ctl_platform_close(&platform);
	return r;
}
