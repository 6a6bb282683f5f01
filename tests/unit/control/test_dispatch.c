// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The dispatcher, without HTTP below it: the order in which it refuses, content types, Idempotency-Key, If-Match, names of
// requests, other origins, headers.
#include <errno.h>

#include "../../../controlplane/http/refusal.h"
#include "../../../controlplane/node_platform.h"
#include "../../../controlplane/store/answers.h"
#include "dispatch_rig.h"

// Of two faults the first one in the order decides.
static void test_order(void)
{
	struct http_head head;

	CU_ASSERT_EQUAL(ask(&remote, "GET", "/v1/%00", NULL), 400);
	CU_ASSERT_TRUE(says("bad_target"));
	CU_ASSERT_EQUAL(ask(&remote, "GET", "/v1/nothing?x=1", NULL), 404);
	CU_ASSERT_EQUAL(ask(&remote, "PUT", "/v1/status", "{"), 405);
	CU_ASSERT_TRUE(has("Allow: GET\n"));
	CU_ASSERT_EQUAL(ask(&remote, "POST", "/v1/loops", "{"), 401);
	CU_ASSERT_TRUE(has("WWW-Authenticate: Bearer\n"));
	CU_ASSERT_EQUAL(ask(&stranger, "POST", "/v1/loops", "{"), 403);
	CU_ASSERT_TRUE(says("not_operator"));
	struct http_exchange *x = begin(&head, &operator, "POST", "/v1/loops", NULL);
	CU_ASSERT_FALSE(http_exchange_answered(x));
	http_exchange_end(x);
	head.has_length = true;
	head.length = HTTP_BODY_MAX + 1;
	head.header[HTTP_CONTENT_TYPE] = "text/plain";
	x = http_exchange_begin(dispatcher, &head);
	CU_ASSERT_TRUE(http_exchange_answered(x)); // before a byte of it is read
	CU_ASSERT_EQUAL(end(x, NULL), 413);
	CU_ASSERT_EQUAL(
	        ask_with(HTTP_CONTENT_TYPE, "text/plain", &operator, "POST", "/v1/loops", "{"), 415
	);
	CU_ASSERT_EQUAL(ask(&operator, "POST", "/v1/loops?x=1", "{"), 400);
	CU_ASSERT_TRUE(says("bad_json"));
	CU_ASSERT_EQUAL(ask(&operator, "POST", "/v1/loops?x=1", "{\"count\":0}"), 400);
	CU_ASSERT_TRUE(says("\"pointer\":\"/count\""));
	CU_ASSERT_EQUAL(ask(&operator, "POST", "/v1/loops?x=1", "{}"), 400);
	CU_ASSERT_TRUE(says("unknown_parameter"));
	CU_ASSERT_EQUAL(ask(&operator, "GET", "/v1/messages?limit=1&limit=2", NULL), 400);
	CU_ASSERT_EQUAL(ask(&operator, "GET", "/v1/sent/0x1", NULL), 400);
	CU_ASSERT_TRUE(says("\"parameter\":\"message\""));
	CU_ASSERT_EQUAL(ask(&operator, "GET", "/v1/status", "{}"), 400);
	CU_ASSERT_TRUE(says("no_body_here"));
	CU_ASSERT_EQUAL(ask_with(HTTP_IF_MATCH, "*", &operator, "POST", "/v1/loops", "{}"), 400);
	CU_ASSERT_TRUE(says("bad_if_match"));
}

static void test_types(void)
{
	static const char *const good[] = {
	        "application/json", "Application/JSON", "application/json; charset=utf-8",
	        "application/json;charset=\"UTF-8\""};
	static const char *const bad[] = {
	        "",
	        "application/jsonx",
	        "application/json; charset=latin1",
	        "application/x-www-form-urlencoded",
	        "text/plain",
	        "multipart/form-data",
	        "application/json, text/plain"};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		CU_ASSERT_EQUAL(
		        ask_with(HTTP_CONTENT_TYPE, good[i], &operator, "PUT", "/v1/log", "{}"), 200
		);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT_EQUAL(
		        ask_with(HTTP_CONTENT_TYPE, bad[i], &operator, "PUT", "/v1/log", "{}"), 415
		);
	CU_ASSERT_EQUAL(
	        ask_with(HTTP_CONTENT_TYPE, "text/plain", &operator, "PUT", "/v1/config", "{}"), 415
	);
	CU_ASSERT_EQUAL(
	        ask_with(
	                HTTP_CONTENT_TYPE, "application/yaml", &operator, "PUT", "/v1/config",
	                "a: b"
	        ),
	        428
	);
}

static int ask_once(const char *key, const struct http_peer *peer, const char *body)
{
	return ask_with(HTTP_IDEMPOTENCY_KEY, key, peer, "POST", "/v1/loops", body);
}

static void test_idempotency(void)
{
	static const struct http_peer other = {.local = true, .member = true, .uid = 9};
	char first[sizeof(answer)], long_key[HTTP_KEY_MAX + 2] = "";
	const char *more[HTTP_HEADERS] = {[HTTP_IDEMPOTENCY_KEY] = "flying"};
	struct http_head head;

	CU_ASSERT_EQUAL(ask_once("k1", &operator, "{}"), 422); // no topology
	CU_ASSERT_FALSE(has("Idempotent-Replayed"));
	strcpy(first, answer);
	CU_ASSERT_EQUAL(ask_once("k1", &operator, "{}"), 422);
	CU_ASSERT_TRUE(has("Idempotent-Replayed: true"));
	CU_ASSERT_STRING_EQUAL(answer, first); // its request_id, too
	CU_ASSERT_EQUAL(ask_once("k1", &operator, "{\"count\":1}"), 422);
	CU_ASSERT_TRUE(says("idempotency_key_reused"));
	CU_ASSERT_EQUAL(ask_once("k1", &operator, "{}"), 422);
	CU_ASSERT_STRING_EQUAL(answer, first); // which has not become the answer to the first one
	CU_ASSERT_EQUAL(ask_once("k1", &other, "{}"), 422); // somebody else's key
	CU_ASSERT_FALSE(has("Idempotent-Replayed"));
	// What failed inside, or not now, is done again.
	CU_ASSERT_EQUAL(
	        ask_with(HTTP_IDEMPOTENCY_KEY, "k2", &operator, "POST", "/v1/trace", "{}"), 503
	);
	CU_ASSERT_EQUAL(
	        ask_with(HTTP_IDEMPOTENCY_KEY, "k2", &operator, "POST", "/v1/trace", "{}"), 503
	);
	CU_ASSERT_FALSE(has("Idempotent-Replayed"));
	CU_ASSERT_EQUAL(ask_once("", &operator, "{}"), 400);
	CU_ASSERT_EQUAL(ask_once("a b", &operator, "{}"), 400);
	memset(long_key, 'k', HTTP_KEY_MAX + 1);
	CU_ASSERT_EQUAL(ask_once(long_key, &operator, "{}"), 400);
	CU_ASSERT_EQUAL(ask_once(long_key + 1, &operator, "{}"), 422);
	CU_ASSERT_EQUAL(
	        ask_with(HTTP_IDEMPOTENCY_KEY, "a b", &operator, "GET", "/v1/status", NULL), 200
	);
	// Two with one key, both with the body still to come: nobody is at work yet.
	sent = more;
	struct http_exchange *a = begin(&head, &operator, "POST", "/v1/loops", "{}");
	sent = NULL;
	CU_ASSERT_EQUAL(ask_once("flying", &operator, "{}"), 422);
	CU_ASSERT_EQUAL(end(a, "{}"), 422);
	CU_ASSERT_TRUE(has("Idempotent-Replayed: true"));
}

struct move {
	const char *from, *to, *plane;
};

static int move_work(struct fog_tx *tx, void *ctx)
{
	const struct move *m = ctx;

	return fog_db_run(
	        tx,
	        "UPDATE idempotent_answer SET idempotency_key = $2, control_plane = $3, status = NULL, body = NULL "
	        "WHERE idempotency_key = $1",
	        FOG_BIND(FOG_TEXT(m->from), FOG_TEXT(m->to), FOG_TEXT(m->plane))
	);
}

// Let a request that was answered here be at work elsewhere, under another key. Returns the number of rows.
static int move_answer(struct fog_db *db, const char *from, const char *to, const char *plane)
{
	struct move m = {from, to, plane};

	return fog_db_write(db, move_work, &m);
}

// What another control plane on the store has begun, and done.
static void test_idempotency_elsewhere(void)
{
	static const char body[] = "{\"name\":\"elsewhere\",\"roles\":[\"user\"]}";
	const struct fog_answer done = {201, (char *)"{\"id\":4711}"};
	struct fog_db *db = node_platform_store(node);
	char caller[128], id[2 * FOG_ID_LEN + 1];
	uint8_t digest[32] = {0};
	struct fog_answer found;

	sodium_bin2hex(id, sizeof(id), node->identity->node_id, FOG_ID_LEN);
	snprintf(caller, sizeof(caller), "uid:0@%s", id);
	struct fog_answers_request other = {caller, "there", digest, "another"};
	// Of which request the other one's key is, isn't known here.
	CU_ASSERT_EQUAL_FATAL(fog_answers_begin(db, &other, &found), 0);
	CU_ASSERT_EQUAL(
	        ask_with(HTTP_IDEMPOTENCY_KEY, "there", &chief, "POST", "/v1/users", body), 422
	);
	CU_ASSERT_TRUE(says("idempotency_key_reused"));
	CU_ASSERT_EQUAL(fog_answers_drop(db, &other), 0);
	// Done here once, the digest is known.
	CU_ASSERT_EQUAL(
	        ask_with(HTTP_IDEMPOTENCY_KEY, "here", &chief, "POST", "/v1/users", body), 201
	);
	CU_ASSERT_EQUAL(
	        ask_with(HTTP_IDEMPOTENCY_KEY, "here", &chief, "POST", "/v1/users", body), 201
	);
	CU_ASSERT_TRUE(has("Idempotent-Replayed: true"));
	CU_ASSERT_EQUAL(move_answer(db, "here", "there", "another"), 1);
	CU_ASSERT_EQUAL(
	        ask_with(HTTP_IDEMPOTENCY_KEY, "there", &chief, "POST", "/v1/users", body), 409
	);
	CU_ASSERT_TRUE(says("in_progress") && has("Retry-After: 1\n"));
	CU_ASSERT_EQUAL(fog_answers_keep(db, &other, &done), 0);
	CU_ASSERT_EQUAL(
	        ask_with(HTTP_IDEMPOTENCY_KEY, "there", &chief, "POST", "/v1/users", body), 201
	);
	CU_ASSERT_TRUE(has("Idempotent-Replayed: true") && says("4711"));
	// What failed is free again at once, also for others.
	CU_ASSERT_EQUAL(
	        ask_with(HTTP_IDEMPOTENCY_KEY, "free", &chief, "POST", "/v1/users", "{}"), 400
	);
	other.key = "free";
	CU_ASSERT_EQUAL(fog_answers_begin(db, &other, &found), 0);
}

static void test_names(void)
{
	static const char *const bad[] = {
	        "",     "a b",
	        "a\"b", "<x>",
	        "ä",    "0123456789012345678901234567890123456789012345678901234567890123456789"};

	CU_ASSERT_EQUAL(
	        ask_with(HTTP_CORRELATION_ID, "Job.7_a-b", &operator, "GET", "/healthz", NULL), 200
	);
	CU_ASSERT_TRUE(has("X-Correlation-Id: Job.7_a-b\n"));
	CU_ASSERT_EQUAL(
	        ask_with(HTTP_REQUEST_ID, "theirs", &operator, "GET", "/healthz", NULL), 200
	);
	CU_ASSERT_TRUE(has("X-Correlation-Id: theirs\n") && !has("X-Request-Id: theirs"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CU_ASSERT_EQUAL(
		        ask_with(HTTP_CORRELATION_ID, bad[i], &operator, "GET", "/healthz", NULL),
		        200
		);
		char *id = strstr(headers, "X-Request-Id: "), same[64];
		snprintf(same, sizeof(same), "X-Correlation-Id: %.16s\n", id + 14);
		CU_ASSERT_TRUE(has(same));
	}
}

// How many rows a list has, and its 'next' (0: null).
static size_t rows(const char *target, const char *name, int64_t *next)
{
	CU_ASSERT_EQUAL(ask(&chief, "GET", target, NULL), 200);
	json_t *json = json_loads(answer, 0, NULL);
	size_t count = json_array_size(json_object_get(json, name));
	*next = json_integer_value(json_object_get(json, "next"));
	json_decref(json);
	return count;
}

static void test_lists(void)
{
	int64_t next, first;
	char target[64];

	for (char c = 'a'; c < 'd'; c++) {
		snprintf(target, sizeof(target), "{\"name\":\"user-%c\",\"roles\":[\"user\"]}", c);
		CU_ASSERT_EQUAL(ask(&chief, "POST", "/v1/users", target), 201);
	}
	CU_ASSERT_EQUAL(rows("/v1/users?limit=2&after=0&name=user-", "users", &first), 2);
	CU_ASSERT_TRUE(first > 0);
	snprintf(target, sizeof(target), "/v1/users?after=%lld", (long long)first);
	CU_ASSERT_EQUAL(rows(target, "users", &next), 1);
	CU_ASSERT_EQUAL(next, 0);
	CU_ASSERT_EQUAL(rows("/v1/users?limit=3&name=user-", "users", &next), 3);
	CU_ASSERT_EQUAL(next, 0); // nothing follows
	CU_ASSERT_EQUAL(rows("/v1/users?disabled=true&name=user-", "users", &next), 0);
	CU_ASSERT_EQUAL(rows("/v1/users?disabled=false&name=user-", "users", &next), 3);
	CU_ASSERT_EQUAL(rows("/v1/users?name=user-c", "users", &next), 1);
	for (int i = 0; i < 101; i++)
		CU_ASSERT_EQUAL(ask(&chief, "GET", "/v1/users/4711", NULL), 404);
	CU_ASSERT_EQUAL(rows("/v1/audit?action=user.read", "rows", &next), 100); // its preset
	CU_ASSERT_TRUE(next > 0);
	CU_ASSERT_EQUAL(rows("/v1/audit?action=user.read&limit=101", "rows", &next), 101);
	CU_ASSERT_EQUAL(next, 0);
	CU_ASSERT_EQUAL(rows("/v1/messages?after=7&limit=3&wait=0", "messages", &next), 0);
	CU_ASSERT_EQUAL(next, 7); // what comes later is asked for with it
	CU_ASSERT_EQUAL(ask(&chief, "GET", "/v1/consensus?raw=maybe", NULL), 400);
	CU_ASSERT_EQUAL(ask(&chief, "GET", "/v1/config/diff?from=1", NULL), 400);
	CU_ASSERT_TRUE(says("the parameter to is missing"));
}

static void test_errors(void)
{
	static const struct http_refusal own[] = {
	        {-EBUSY, 409, "in_use", "wait", "somebody else has it"}, {0}};

	static const struct {
		int error, status;
		const struct http_refusal *own;
		const char *code;
	} cases[] = {
	        {-ENOENT, 404, own, "not_found"},  {-ESTALE, 412, own, "stale"},
	        {-EAGAIN, 503, own, "store_away"}, {-EBUSY, 503, NULL, "store_away"},
	        {-EBUSY, 409, own, "in_use"},      {-ENOMEM, 500, own, "no_memory"},
	        {-EIO, 500, own, "failed"},        {-ENOSPC, 500, NULL, "failed"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct http_response res = {.request_id = "0123456789abcdef"};
		http_reply_error(&res, cases[i].error, cases[i].own);
		CU_ASSERT_EQUAL(res.status, cases[i].status);
		CU_ASSERT_STRING_EQUAL(res.code, cases[i].code);
		CU_ASSERT_EQUAL(res.retry_after_s > 0, cases[i].status == 503);
		CU_ASSERT_PTR_NOT_NULL(strstr(res.body, "\"error_id\":\"0123456789abcdef\""));
		free(res.body);
	}
}

static void test_headers(void)
{
	static const char *const targets[] = {
	        "/healthz", "/v1/status", "/v1/nothing", "/v1/%", "/v1/docs"};

	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		ask(&remote, i == 1 ? "PATCH" : "GET", targets[i], NULL);
		CU_ASSERT_TRUE(
		        has("X-Content-Type-Options: nosniff\n") && has("X-Frame-Options: DENY\n")
		);
		CU_ASSERT_TRUE(
		        has("Content-Security-Policy: default-src 'none'") &&
		        has("Cache-Control: no-store\n")
		);
		CU_ASSERT_TRUE(
		        has("Referrer-Policy: no-referrer\n") && has("Strict-Transport-Security: ")
		);
		CU_ASSERT_TRUE(has("Vary: Origin\n") && !has("Access-Control-"));
	}
	ask(&operator, "GET", "/healthz", NULL);
	CU_ASSERT_FALSE(has("Strict-Transport-Security")); // nothing is encrypted on a UNIX socket
}

static void test_origins(void)
{
	static const char *const bad[] = {"https://panel.example.evil",
	                                  "http://panel.example",
	                                  "https://panel.example:8443",
	                                  "null",
	                                  "*",
	                                  "https://PANEL.example",
	                                  "https://panel.example/"};
	const char *more[HTTP_HEADERS] = {
	        [HTTP_ORIGIN] = "https://panel.example", [HTTP_ACCESS_METHOD] = "PUT"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CU_ASSERT_EQUAL(
		        ask_with(HTTP_ORIGIN, bad[i], &operator, "GET", "/v1/status", NULL), 200
		);
		CU_ASSERT_FALSE(has("Access-Control-Allow-Origin"));
	}
	sent = more;
	CU_ASSERT_EQUAL(ask(&remote, "OPTIONS", "/v1/config", NULL), 204);
	CU_ASSERT_TRUE(has("Access-Control-Allow-Origin: https://panel.example\n"));
	CU_ASSERT_TRUE(has("Access-Control-Allow-Methods: GET, PUT\n"));
	CU_ASSERT_TRUE(has("Access-Control-Allow-Headers: Authorization, "));
	CU_ASSERT_FALSE(has("Access-Control-Allow-Credentials"));
	CU_ASSERT_EQUAL(ask(&remote, "OPTIONS", "/v1/nothing", NULL), 404);
	CU_ASSERT_EQUAL(ask(&remote, "GET", "/v1/status", NULL), 401);
	CU_ASSERT_TRUE(has("Access-Control-Allow-Origin: https://panel.example\n"));
	more[HTTP_ORIGIN] = "https://evil.example";
	CU_ASSERT_EQUAL(ask(&remote, "OPTIONS", "/v1/config", NULL), 405);
	sent = NULL;
}

static int ask_bearer(const struct http_peer *peer, const char *bearer)
{
	char text[128];

	snprintf(text, sizeof(text), "Bearer %s", bearer);
	return ask_with(HTTP_AUTHORIZATION, text, peer, "GET", "/v1/auth/me", NULL);
}

static int64_t key_user(const char *name, uint32_t read)
{
	const struct fog_user_new fresh = {
	        .name = name,
	        .roles = FOG_ROLE_USER,
	        .tier = FOG_TIER_ENTERPRISE,
	        .limits = {.read = read}};
	struct fog_denial refusal;
	struct fog_user user;

	CU_ASSERT_EQUAL_FATAL(
	        fog_user_add(node_platform_accounts(node), &fresh, &user, &refusal), 0
	);
	return user.id;
}

static void key_make(int64_t user, char secret[FOG_KEY_LEN + 1])
{
	const struct fog_key_new fresh = {
	        .user_id = user, .name = "k", .scopes = FOG_SCOPE_ALL, .may = FOG_SCOPE_ALL};
	struct fog_denial refusal;
	struct fog_key key;

	CU_ASSERT_EQUAL_FATAL(
	        fog_key_add(node_platform_accounts(node), &fresh, &key, secret, &refusal), 0
	);
}

// From a source that has used up all tokens that nobody has. One flows in each 0.6 ms, so it is tried again when that was
// before the request. NULL: a new key each time.
static int ask_used_up(const struct http_peer *source, int64_t user, const char *bearer)
{
	enum { TRIES = 40 };

	char secret[FOG_KEY_LEN + 1];
	struct fog_rate rate;
	int status = 0;

	for (int i = 0; i < TRIES && status != 429; i++) {
		if (bearer == NULL)
			key_make(user, secret);
		do
			fog_rates_take(
			        node_platform_rates(node), source->network, true, FOG_RATE_UNKNOWN,
			        0, &rate
			);
		while (rate.allowed);
		status = ask_bearer(source, bearer != NULL ? bearer : secret);
	}
	return status;
}

// A source that shows tokens that nobody has is refused before they are looked up; whom memory knows is not.
static void test_unknown_tokens(void)
{
	static const char nobodys[] = "fog_sk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
	static const struct http_peer source = {.address = "192.0.2.66", .network = "192.0.2.66"};
	struct fog_rates *rates = node_platform_rates(node);
	char known[FOG_KEY_LEN + 1], fresh[FOG_KEY_LEN + 1];
	int64_t user = key_user("tokens", 0);
	struct fog_rate rate;

	key_make(user, known);
	key_make(user, fresh);
	CU_ASSERT_EQUAL(ask_bearer(&source, known), 200);
	fog_rates_look(rates, source.network, true, FOG_RATE_UNKNOWN, 0, &rate);
	uint32_t before = rate.remaining;
	CU_ASSERT_EQUAL(ask_bearer(&source, nobodys), 401);
	CU_ASSERT_EQUAL(ask_bearer(&source, "x.y.z"), 401);
	fog_rates_look(rates, source.network, true, FOG_RATE_UNKNOWN, 0, &rate);
	CU_ASSERT_TRUE(rate.remaining < before); // it flows in again meanwhile
	CU_ASSERT_EQUAL(ask_used_up(&source, user, nobodys), 429);
	CU_ASSERT_TRUE(says("too_many_requests") && has("Retry-After: "));
	CU_ASSERT_EQUAL(ask_used_up(&source, user, NULL), 429); // nobody knows yet whose it is
	CU_ASSERT_EQUAL(ask_bearer(&source, known), 200);
	CU_ASSERT_EQUAL(ask_bearer(&remote, fresh), 200);
	CU_ASSERT_EQUAL(ask_bearer(&source, fresh), 200);
	CU_ASSERT_EQUAL(ask(&source, "GET", "/healthz", NULL), 200);
}

// Keys of one owner have buckets of their own, and one for all of them.
static void test_keys_of_one(void)
{
	int64_t user = key_user("keys", 10);
	char secret[FOG_KEY_LEN + 1];
	int allowed = 0, status = 0;

	for (int k = 0; k < 8; k++) {
		key_make(user, secret);
		for (int i = 0; i < 12; i++) {
			status = ask_bearer(&remote, secret);
			allowed += status == 200;
			CU_ASSERT_TRUE(status == 200 || (status == 429 && has("Retry-After: ")));
		}
	}
	CU_ASSERT_TRUE(allowed >= 10 * FOG_RATES_KEYS && allowed < 10 * FOG_RATES_KEYS + 10);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"order", test_order},
	        {"content types", test_types},
	        {"idempotency", test_idempotency},
	        {"names of requests", test_names},
	        {"lists", test_lists},
	        {"errors", test_errors},
	        {"headers", test_headers},
	        {"other origins", test_origins},
	        {"idempotency elsewhere", test_idempotency_elsewhere},
	        {"tokens that nobody has", test_unknown_tokens},
	        {"keys of one owner", test_keys_of_one},
	        CU_TEST_INFO_NULL,
	};

	if (start() != 0) {
		fprintf(stderr, "the node under test does not start\n");
		return 1;
	}
	int r = check_run("dispatch", tests);
	return stop() == 0 ? r : 1;
}
