// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The server under test and its client (test_http.c), for the files that try single routes.
#pragma once

#include <CUnit/Basic.h>
#include <stdbool.h>

#include "../../../controlplane/node.h"
#include "../../../controlplane/node_platform.h"

extern struct fog_node *node;
extern char topology_path[128];

int write_file(const char *path, const char *text); // 0, or -1
// One request on a connection of its own. Returns the status of the answer.
int ask(const char *method, const char *path, const char *body);
// The same with lines of the head, each ended by CR LF.
int ask_headers(const char *method, const char *path, const char *headers, const char *body);
bool says(const char *part); // whether the last answer has this in it
const char *answered(void); // all of it

int dial(bool tcp); // a connection

void test_http_benchmarks(void);
void test_http_betanet(void);
void test_http_betanet_deploy(void);
void test_http_cover(void);
void test_http_epochs(void);
void test_http_cover_noise(void);
void test_http_filter(void);
void test_http_host(void);
void test_http_privileges(void);
void test_http_slow(void);

struct audit_question {
	const char *method, *path, *kind;
	int64_t status, rows;
};

static inline int audit_count(struct fog_tx *tx, void *ctx)
{
	struct audit_question *q = ctx;
	struct fog_rows rows;
	int r = fog_db_one(
	        tx, &rows,
	        "SELECT count(*) FROM audit WHERE method=$1 AND path LIKE $2 AND actor_kind LIKE $3"
	        " AND status=$4",
	        FOG_BIND(
	                FOG_TEXT(q->method), FOG_TEXT(q->path), FOG_TEXT(q->kind),
	                FOG_INT(q->status)
	        )
	);

	if (r == 0)
		q->rows = fog_rows_int(&rows, 0);
	fog_rows_end(&rows);
	return r;
}

// How many rows of the audit say so; % stands for anything.
static inline int64_t audited(const char *method, const char *path, const char *kind, int status)
{
	struct audit_question q = {method, path, kind, status, -1};

	CU_ASSERT_EQUAL(fog_db_read(node_platform_store(node), audit_count, &q), 0);
	return q.rows;
}
