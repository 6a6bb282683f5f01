// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Commands that are one request each, as rows of tables: which route, what its words and options are to that route, and what is
// shown of the answer. Words, options, usage, request and output follow from the row. A command that does more brings a
// function.
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "client.h"
#include "routes.h"

enum { CTL_FIELDS_MAX = 16, CTL_PARTS_MAX = 2, CTL_TARGET_LEN = 1000 };

enum ctl_kind {
	CTL_TEXT,
	CTL_NUMBER, // "none" is null
	CTL_WORDS, // a list, with ',' between
	CTL_FLAG,
};

// A word or an option of a command. Rows end with an empty one.
struct ctl_field {
	const char *option; // "--state"; NULL: a word, behind those of the path
	const char *value; // what the usage calls it, in capitals; NULL of flags
	const char *
	        field; // parameter of GET and DELETE, else field of the body, "limits.read" of an object in it; NULL: for 'run' alone
	enum ctl_kind kind;
	bool needed;
	const char *text; // for the usage; of words NULL
};

static inline bool ctl_field_is(const struct ctl_field *f)
{
	return f != NULL && (f->option != NULL || f->value != NULL);
}

// What is asked for in this order, and goes into the body. Rows end with an empty one.
struct ctl_ask {
	const char *field, *question;
	bool fresh; // typed twice
};

struct ctl_call;

struct ctl_verb {
	const char *word; // "list"; NULL: its command has no words
	enum ctl_route route;
	const struct ctl_field *fields; // NULL: none
	const struct ctl_ask *asks; // NULL: nothing
	const char *fixed; // what is in every body of it, as JSON; NULL: nothing
	const char *list,
	        *columns; // rows of this list of the answer, these of their fields; NULL: all of the answer is shown
	const char *state, *bad; // exit with CTL_REFUSED when this field says so; NULL: never
	bool raw; // the answer is no JSON, and shown as it is
	bool anonymous; // for who can't say who he is
	int (*run
	)(struct ctl_client *, struct ctl_call *); // returns enum ctl_exit; NULL: ask and show
};

struct ctl_group {
	const char *name;
	const struct ctl_verb *verb; // the first one is meant without a word, if it takes none
	unsigned count;
	const char *synopsis; // more lines of the usage, or NULL
	const char *text; // likewise, behind them
	const char
	        *usage; // all of the usage, for commands that are not only rows; NULL: it is made
};

// One command line, taken apart.
struct ctl_call {
	const struct ctl_group *group;
	const struct ctl_verb *verb;
	const char *part[CTL_PARTS_MAX]; // of the path, in its order
	const char *value[CTL_FIELDS_MAX]; // of the verb's fields; NULL: not given
	bool flag[CTL_FIELDS_MAX];
	json_t *body; // NULL: the route takes none
	char target[CTL_TARGET_LEN]; // path and query
};

// Run one of a group's verbs. argv[0] is the group, argv[1] the word. Returns enum ctl_exit.
int ctl_verbs_run(const struct ctl_group *, int argc, char **argv);
// NULL: the group has none of that name.
const struct ctl_verb *ctl_verbs_find(const struct ctl_group *, const char *word);
// The usage of a group; the caller frees it.
char *ctl_verbs_usage(const struct ctl_group *);

// For 'run': ask, with CTL_OK and an answer that the caller frees, or the exit code after having said why.
int ctl_call_ask(struct ctl_client *, const struct ctl_call *, struct ctl_answer *);
// ... another request, whose body (NULL: none) is taken over.
int ctl_call_other(struct ctl_client *, enum ctl_route, const char *target, json_t *body, struct ctl_answer *);
// ... show the answer, and free it. Returns enum ctl_exit.
int ctl_call_show(const struct ctl_client *, const struct ctl_call *, struct ctl_answer *);
// ... ask and show.
int ctl_call_plain(struct ctl_client *, struct ctl_call *);
// ... the value of an option, NULL when it was not given; whether a flag was.
const char *ctl_call_value(const struct ctl_call *, const char *option);
bool ctl_call_flag(const struct ctl_call *, const char *option);

// Whether 'text' is a number of what the API counts.
bool ctl_is_number(const char *text);

extern const struct ctl_group ctl_group_services, ctl_group_operations,
        ctl_group_bench; // verbs_services.c
extern const struct ctl_group ctl_group_key, ctl_group_mfa, ctl_group_sessions, ctl_group_whoami,
        ctl_group_password, ctl_group_usage, ctl_group_tiers,
        ctl_group_signing_key; // verbs_accounts.c
extern const struct ctl_group ctl_group_user; // verbs_users.c
extern const struct ctl_group ctl_group_audit, ctl_group_betanet, ctl_group_descriptor,
        ctl_group_host, ctl_group_loops, ctl_group_proof,
        ctl_group_sent; // verbs_node.c
