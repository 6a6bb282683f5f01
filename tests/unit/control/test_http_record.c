// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the audit has of requests: changes before they are made and after, refusals, and what happens when it takes no rows.
#include "dispatch_rig.h"

#include "../../../controlplane/audit/search.h"
#include "../../../controlplane/node_platform.h"

enum { PATIENCE_MS = 60 * 1000 };

static const char password[] = "correct horse battery";
static char correlation[32];
static unsigned asked;

// With a correlation id of its own.
static int ask_named(
        const struct http_peer *peer, const char *method, const char *target, const char *body
)
{
	snprintf(correlation, sizeof(correlation), "try-%u", ++asked);
	return ask_with(HTTP_CORRELATION_ID, correlation, peer, method, target, body);
}

// Rows of the last request.
static struct fog_audit_list rows(void)
{
	const struct fog_audit_filter f = {.correlation_id = correlation, .limit = 10};
	struct fog_audit_list l;

	CU_ASSERT_EQUAL_FATAL(fog_audit_search(node_platform_store(node), &f, &l), 0);
	return l;
}

static const char *text_of(const struct fog_audit_list *l, unsigned row, enum fog_audit_text text)
{
	return row < l->count ? l->row[row].text[text] : "";
}

// The last request was noted as begun, then with this outcome, by this actor.
static void begun(const char *outcome, int status, const char *kind)
{
	struct fog_audit_list l = rows();
	char details[48];

	CU_ASSERT_EQUAL(l.count, 2);
	CU_ASSERT_STRING_EQUAL(text_of(&l, 0, FOG_AUDIT_TEXT_outcome), "begun");
	CU_ASSERT_STRING_EQUAL(text_of(&l, 1, FOG_AUDIT_TEXT_outcome), outcome);
	for (unsigned i = 0; i < l.count; i++)
		CU_ASSERT_STRING_EQUAL(text_of(&l, i, FOG_AUDIT_TEXT_actor_kind), kind);
	CU_ASSERT_STRING_EQUAL(
	        text_of(&l, 0, FOG_AUDIT_TEXT_request_id), text_of(&l, 1, FOG_AUDIT_TEXT_request_id)
	);
	CU_ASSERT_STRING_EQUAL(
	        text_of(&l, 0, FOG_AUDIT_TEXT_actor_id), text_of(&l, 1, FOG_AUDIT_TEXT_actor_id)
	);
	if (l.count == 2) {
		snprintf(details, sizeof(details), "\"begun\":%lld}", (long long)l.row[0].sequence);
		CU_ASSERT_PTR_NOT_NULL(strstr(text_of(&l, 1, FOG_AUDIT_TEXT_details), details));
		CU_ASSERT_EQUAL(l.row[0].status, 0);
		CU_ASSERT_EQUAL(l.row[1].status, status);
	}
	fog_audit_list_free(&l);
}

static void noted(unsigned count, const char *outcome)
{
	struct fog_audit_list l = rows();

	CU_ASSERT_EQUAL(l.count, count);
	if (count > 0)
		CU_ASSERT_STRING_EQUAL(text_of(&l, 0, FOG_AUDIT_TEXT_outcome), outcome);
	fog_audit_list_free(&l);
}

static void test_changes(void)
{
	CU_ASSERT_EQUAL(
	        ask_named(&operator, "PUT", "/v1/log", "{\"control_plane\":\"warning\"}"), 200
	);
	begun("done", 200, "local");
	CU_ASSERT_EQUAL(ask_named(&operator, "DELETE", "/v1/loops", NULL), 404);
	begun("refused", 404, "local");
	CU_ASSERT_EQUAL(
	        ask_named(&operator, "PUT", "/v1/log", "{\"control_plane\":\"loud\"}"), 400
	);
	noted(1, "refused"); // it never began
	CU_ASSERT_EQUAL(ask_named(&operator, "GET", "/v1/status", NULL), 200);
	noted(0, "");
	CU_ASSERT_EQUAL(ask_named(&operator, "GET", "/v1/users/77", NULL), 403);
	noted(1, "refused");
	CU_ASSERT_EQUAL(ask_named(&remote, "PUT", "/v1/log", "{}"), 401);
	noted(0, "");
}

static void text_get(const char *name, char text[64])
{
	const char *at = strstr(answer, name);
	size_t len = at != NULL ? strcspn(at + strlen(name), "\"") : 0;

	snprintf(text, 64, "%.*s", len < 64 ? (int)len : 0, at != NULL ? at + strlen(name) : "");
}

// Strangers who log in: only who has shown something that is good costs rows.
static void test_logins(void)
{
	const struct fog_user_new fresh = {
	        .name = "alice", .password = password, .roles = FOG_ROLE_USER};
	struct fog_accounts *a = node_platform_accounts(node);
	char body[256], token[64], reset[FOG_SECRET_LEN + 1];
	struct fog_denial denial;
	struct fog_user user;
	int64_t ends;

	CU_ASSERT_EQUAL_FATAL(fog_user_add(a, &fresh, &user, &denial), 0);
	snprintf(body, sizeof(body), "{\"username\":\"alice\",\"password\":\"%s\"}", password);
	CU_ASSERT_EQUAL(ask_named(&remote, "POST", "/v1/auth/login", body), 200);
	begun("done", 200, "user");
	text_get("\"refresh_token\":\"", token);
	body[strlen(body) - 4] ^= 1;
	CU_ASSERT_EQUAL(ask_named(&remote, "POST", "/v1/auth/login", body), 401);
	noted(0, "");
	snprintf(body, sizeof(body), "{\"refresh_token\":\"%s\"}", token);
	CU_ASSERT_EQUAL(ask_named(&remote, "POST", "/v1/auth/refresh", body), 200);
	begun("done", 200, "user");
	// A second time it ends the session, which is a change.
	CU_ASSERT_EQUAL(ask_named(&remote, "POST", "/v1/auth/refresh", body), 401);
	begun("refused", 401, "user");
	body[strlen(body) - 4] ^= 1;
	CU_ASSERT_EQUAL(ask_named(&remote, "POST", "/v1/auth/refresh", body), 401);
	noted(0, "");
	CU_ASSERT_EQUAL_FATAL(fog_reset_make(a, user.id, reset, &ends, &denial), 0);
	snprintf(
	        body, sizeof(body), "{\"reset_token\":\"%s\",\"new_password\":\"%s\"}", reset,
	        password
	);
	CU_ASSERT_EQUAL(ask_named(&remote, "POST", "/v1/auth/password-reset", body), 204);
	begun("done", 204, "user");
	CU_ASSERT_EQUAL(ask_named(&remote, "POST", "/v1/auth/password-reset", body), 401);
	noted(0, ""); // it is nobody's any more
}

static int run(struct fog_tx *tx, void *sql)
{
	return fog_db_run(tx, sql, FOG_NONE);
}

static void rename_audit(const char *sql)
{
	CU_ASSERT_TRUE_FATAL(fog_db_write(node_platform_store(node), run, (void *)sql) >= 0);
}

static bool away_becomes(bool away)
{
	struct fog_audit_chain *chain = node_platform_audit(node);

	for (int ms = 0; ms < PATIENCE_MS && fog_audit_chain_away(chain) != away; ms += 10)
		usleep(10 * 1000);
	return fog_audit_chain_away(chain) == away;
}

static unsigned warned;

static void warn(void *ctx, const char *code, const char *text)
{
	warned += strcmp(code, ctx) == 0 && text[0] != '\0';
}

// Nothing is changed that could not be noted; refusals are answered, and noted later.
static void test_away(void)
{
	struct fog_audit_state state;

	CU_ASSERT_EQUAL(
	        ask_named(&operator, "PUT", "/v1/log", "{\"control_plane\":\"error\"}"), 200
	);
	rename_audit("ALTER TABLE audit RENAME TO elsewhere");
	CU_ASSERT_FALSE(fog_audit_chain_away(node_platform_audit(node))); // nobody has seen it
	CU_ASSERT_EQUAL(
	        ask_named(&operator, "PUT", "/v1/log", "{\"control_plane\":\"debug\"}"), 503
	);
	CU_ASSERT_TRUE(says("audit_away"));
	CU_ASSERT_TRUE(fog_audit_chain_away(node_platform_audit(node)));
	CU_ASSERT_EQUAL(
	        ask_named(&operator, "PUT", "/v1/log", "{\"control_plane\":\"debug\"}"), 503
	);
	CU_ASSERT_EQUAL(ask(&operator, "GET", "/v1/log", NULL), 200);
	CU_ASSERT_TRUE(says("\"control_plane\":\"error\""));
	CU_ASSERT_EQUAL(ask_named(&operator, "GET", "/v1/users/77", NULL), 403);
	fog_audit_chain_state(node_platform_audit(node), &state);
	CU_ASSERT_TRUE(state.away && state.waiting == 3 && state.lost == 0);
	node_platform_warnings(node, warn, (void *)"audit_away");
	CU_ASSERT_EQUAL(warned, 1);
	rename_audit("ALTER TABLE elsewhere RENAME TO audit");
	CU_ASSERT_TRUE(away_becomes(false));
	CU_ASSERT_EQUAL(fog_audit_chain_flush(node_platform_audit(node)), 0);
	noted(1, "refused");
	fog_audit_chain_state(node_platform_audit(node), &state);
	CU_ASSERT_EQUAL(state.waiting, 0);
	node_platform_warnings(node, warn, (void *)"audit_away");
	CU_ASSERT_EQUAL(warned, 1);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"changes are noted before they are made", test_changes},
	        {"logins", test_logins},
	        {"an audit that takes no rows", test_away},
	        CU_TEST_INFO_NULL,
	};

	if (start() != 0) {
		fprintf(stderr, "the node under test does not start\n");
		return 1;
	}
	int r = check_run("http record", tests);
	return stop() == 0 ? r : 1;
}
