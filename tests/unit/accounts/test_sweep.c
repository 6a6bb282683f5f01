// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Rows that are over go in transactions of a bounded size; what still counts stays.
#include "rig.h"

enum { MANY = 3000, AT_ONCE = 2000 };

static int run(struct fog_tx *tx, void *sql)
{
	return fog_db_run(tx, sql, FOG_BIND(FOG_INT(rig_now())));
}

struct counted {
	const char *sql;
	int64_t n;
};

static int count_work(struct fog_tx *tx, void *ctx)
{
	struct counted *c = ctx;
	struct fog_rows row;
	int r = fog_db_one(tx, &row, c->sql, FOG_NONE);

	c->n = fog_rows_int(&row, 0);
	fog_rows_end(&row);
	return r;
}

static int64_t count(struct fog_db *db, const char *sql)
{
	struct counted c = {.sql = sql};

	CU_ASSERT_EQUAL(fog_db_read(db, count_work, &c), 0);
	return c.n;
}

static const char failures[] = "SELECT count(*) FROM login_failure";

static void test_bounded(void)
{
	struct fog_db *db = rig_store();
	struct fog_accounts *a = rig_accounts(db);
	struct fog_denial refusal;
	struct fog_tokens t;

	rig_user(a, "erin", RIG_PASSWORD, FOG_ROLE_USER);
	rig_now_us += 3 * 60 * RIG_MINUTE;
	CU_ASSERT_EQUAL(fog_accounts_follow(a), 0); // nothing yet
	CHECK_REFUSED(
	        rig_login_from(a, "erin", "another owl", NULL, RIG_HOME, &t, &refusal), -EACCES,
	        "bad_login", "password"
	);
	CU_ASSERT_EQUAL(
	        fog_db_write(
	                db, run,
	                (void *)"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) "
	                        "INSERT INTO login_failure (who, network, failures, failed_at, locked_until) "
	                        "SELECT who, CAST(i AS TEXT), 1, $1 - 7200000000, 0 FROM login_failure, n WHERE network = ''"
	        ),
	        MANY
	);
	rig_now_us += 30 * RIG_MINUTE;
	CU_ASSERT_EQUAL(fog_accounts_follow(a), 0);
	CU_ASSERT_EQUAL(count(db, failures), MANY + 2 - AT_ONCE);
	CU_ASSERT_EQUAL(fog_accounts_follow(a), 0);
	CU_ASSERT_EQUAL(count(db, failures), 2); // it may still count
	rig_now_us += 60 * RIG_MINUTE;
	CU_ASSERT_EQUAL(fog_accounts_follow(a), 0);
	CU_ASSERT_EQUAL(count(db, failures), 0);
	rig_end(a, db);
}

// Each table is swept.
static void test_all(void)
{
	static const char *const left[] = {
	        "SELECT count(*) FROM session", "SELECT count(*) FROM refresh_token",
	        "SELECT count(*) FROM reset_token", "SELECT count(*) FROM known_network"};
	struct fog_db *db = rig_store();
	struct fog_accounts *a = rig_accounts(db);
	char token[FOG_SECRET_LEN + 1];
	struct fog_denial refusal;
	struct fog_tokens t;
	int64_t ends;

	int64_t id = rig_user(a, "erin", RIG_PASSWORD, FOG_ROLE_USER);
	rig_login(a, "erin", &t);
	CU_ASSERT_EQUAL(fog_reset_make(a, id, token, &ends, &refusal), 0);
	CU_ASSERT_EQUAL(fog_session_end(a, id, t.session_id, &refusal), 0);
	for (unsigned i = 0; i < sizeof(left) / sizeof(left[0]); i++)
		CU_ASSERT_TRUE(count(db, left[i]) > 0);
	rig_now_us += 100 * RIG_DAY;
	for (int i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(fog_accounts_follow(a), 0);
	for (unsigned i = 0; i < sizeof(left) / sizeof(left[0]); i++)
		CU_ASSERT_EQUAL(count(db, left[i]), 0);
	rig_end(a, db);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"bounded", test_bounded},
	        {"all tables", test_all},
	        CU_TEST_INFO_NULL,
	};

	return check_run("sweep", tests);
}
