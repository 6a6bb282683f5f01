// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Logging in: names and passwords, failures that are counted, resets, changed passwords, how many hash at once.
#include <pthread.h>
#include <sched.h>
#include <time.h>

#include "../../../controlplane/accounts/private.h"
#include "rig.h"

#define WRONG "another owl in the fog"

static struct fog_denial refusal;
static struct fog_tokens tokens;

static int try(struct fog_accounts *a, const char *name, const char *password, const char *source)
{
	return rig_login_from(a, name, password, NULL, source, &tokens, &refusal);
}

static void test_login(void)
{
	struct fog_db *db = rig_store();
	struct fog_accounts *a = rig_accounts(db);
	int64_t id = rig_user(a, "erin", RIG_PASSWORD, FOG_ROLE_USER);
	struct fog_caller c;
	struct fog_user u;

	rig_user(a, "later", NULL, FOG_ROLE_USER);
	CU_ASSERT_EQUAL_FATAL(try(a, "ERIN", RIG_PASSWORD, RIG_HOME), 0);
	CU_ASSERT(
	        tokens.user_id == id && tokens.session_id > 0 && tokens.step[0] == '\0' &&
	        tokens.codes_left == -1
	);
	CU_ASSERT_EQUAL(strlen(tokens.refresh), FOG_SECRET_LEN);
	CU_ASSERT_EQUAL(rig_find(a, tokens.access, &c, &refusal), 0);
	CU_ASSERT(
	        c.kind == FOG_CALLER_SESSION && c.user_id == id && c.session_id == tokens.session_id
	);
	CU_ASSERT(c.roles == FOG_ROLE_USER && c.scopes == FOG_SCOPE_ALL && c.key_id == 0);
	CU_ASSERT_STRING_EQUAL(c.name, "erin");
	CU_ASSERT_EQUAL(fog_user_get(a, id, &u, &refusal), 0);
	CU_ASSERT_EQUAL(u.login_us, rig_now());
	CHECK_REFUSED(try(a, "erin", WRONG, RIG_HOME), -EACCES, "bad_login", "password");
	CU_ASSERT(tokens.access[0] == '\0' && tokens.refresh[0] == '\0');
	CHECK_REFUSED(try(a, "frank", WRONG, RIG_HOME), -EACCES, "bad_login", "name");
	CHECK_REFUSED(try(a, "", "", RIG_HOME), -EACCES, "bad_login", "name");
	CHECK_REFUSED(
	        try(a, "' OR 1 = 1; --", "' OR 1 = 1; --", RIG_HOME), -EACCES, "bad_login", "name"
	);
	CHECK_REFUSED(try(a, "later", "", RIG_HOME), -EACCES, "bad_login", "no_password");
	rig_end(a, db);
}

static void test_disabled(void)
{
	struct fog_db *db = rig_store();
	struct fog_accounts *a = rig_accounts(db);
	int64_t id = rig_user(a, "erin", RIG_PASSWORD, FOG_ROLE_USER);
	const bool yes = true;
	struct fog_user_change off = {.disabled = &yes};
	struct fog_caller c;
	struct fog_user u;
	char access[FOG_ACCESS_MAX + 1];

	rig_login(a, "erin", &tokens);
	strcpy(access, tokens.access);
	CU_ASSERT_EQUAL(rig_find(a, access, &c, &refusal), 0);
	CU_ASSERT_EQUAL(fog_user_change(a, id, &off, &u, &refusal), 0);
	CHECK_REFUSED(
	        rig_find(a, access, &c, &refusal), -EACCES, "token_revoked", "account_disabled"
	);
	CHECK_REFUSED(
	        fog_session_refresh(a, tokens.refresh, RIG_HOME, &tokens, &refusal), -EACCES,
	        "token_revoked", "session_revoked"
	);
	// Who does not know the password learns nothing of it.
	CHECK_REFUSED(try(a, "erin", WRONG, RIG_HOME), -EACCES, "bad_login", "password");
	CHECK_REFUSED(try(a, "erin", RIG_PASSWORD, RIG_HOME), -EPERM, "disabled", "disabled");
	rig_end(a, db);
}

static void test_lockout(void)
{
	struct fog_db *db = rig_store();
	struct fog_accounts *a = rig_accounts(db);
	int64_t id = rig_user(a, "erin", RIG_PASSWORD, FOG_ROLE_USER);
	// The last of them is of nobody: nothing tells the two apart.
	static const char *const names[] = {"erin", "nobody-has-this"};

	CU_ASSERT_EQUAL(try(a, "erin", RIG_PASSWORD, RIG_HOME), 0);
	rig_noted[0] = '\0';
	for (unsigned n = 0; n < 2; n++) {
		for (int i = 0; i < 5; i++)
			CHECK_REFUSED(
			        try(a, names[n], WRONG, "198.51.100.9"), -EACCES, "bad_login",
			        n == 0 ? "password" : "name"
			);
		CHECK_REFUSED(
		        try(a, names[n], RIG_PASSWORD, "198.51.100.77"), -EDQUOT, "locked",
		        "locked_pair"
		);
		CU_ASSERT_EQUAL(refusal.retry_after_s, 30 * 60);
	}
	char locked[160];
	snprintf(
	        locked, sizeof(locked),
	        "user.lock /v1/users/%lld {\"network\":\"198.51.100.0\"}\n"
	        "user.lock nobody {\"network\":\"198.51.100.0\"}\n",
	        (long long)id
	);
	CU_ASSERT_STRING_EQUAL(rig_noted, locked);
	// Neither another network nor another name is locked.
	CU_ASSERT_EQUAL(try(a, "erin", RIG_PASSWORD, "198.51.101.9"), 0);
	CU_ASSERT_EQUAL(try(a, "erin", RIG_PASSWORD, RIG_HOME), 0);
	rig_now_us += 29 * RIG_MINUTE;
	CHECK_REFUSED(
	        try(a, "erin", RIG_PASSWORD, "198.51.100.9"), -EDQUOT, "locked", "locked_pair"
	);
	rig_now_us += 2 * RIG_MINUTE;
	CU_ASSERT_EQUAL(try(a, "erin", RIG_PASSWORD, "198.51.100.9"), 0);
	// A login between failures forgives them.
	for (int i = 0; i < 4; i++)
		CHECK_REFUSED(try(a, "erin", WRONG, RIG_HOME), -EACCES, "bad_login", "password");
	CU_ASSERT_EQUAL(try(a, "erin", RIG_PASSWORD, RIG_HOME), 0);
	for (int i = 0; i < 5; i++)
		CHECK_REFUSED(try(a, "erin", WRONG, RIG_HOME), -EACCES, "bad_login", "password");
	CHECK_REFUSED(try(a, "erin", RIG_PASSWORD, RIG_HOME), -EDQUOT, "locked", "locked_pair");
	CU_ASSERT_EQUAL(fog_user_unlock(a, id, &refusal), 0);
	CU_ASSERT_EQUAL(try(a, "erin", RIG_PASSWORD, RIG_HOME), 0);
	rig_end(a, db);
}

static void test_networks(void)
{
	static const struct {
		const char *from, *other;
		bool same;
	} rows[] = {
	        {"2001:db8:1:ff00::1", "2001:db8:1:ffff:1:2:3:4", true},
	        {"2001:db8:2:ff00::1", "2001:db8:2:fe00::1", false},
	        {"::ffff:203.0.113.5", "203.0.113.99", true},
	        {"203.0.114.5", "203.0.115.5", false},
	};
	struct fog_db *db = rig_store();
	struct fog_accounts *a = rig_accounts(db);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char name[16];
		snprintf(name, sizeof(name), "name%zu", i);
		for (int k = 0; k < 5; k++)
			CHECK_REFUSED(
			        try(a, name, WRONG, rows[i].from), -EACCES, "bad_login", "name"
			);
		if (rows[i].same)
			CHECK_REFUSED(
			        try(a, name, WRONG, rows[i].other), -EDQUOT, "locked", "locked_pair"
			);
		else
			CHECK_REFUSED(
			        try(a, name, WRONG, rows[i].other), -EACCES, "bad_login", "name"
			);
	}
	rig_end(a, db);
}

// Failures from many networks slow down strangers, never who comes from where he has been.
static void test_delay(void)
{
	struct fog_db *db = rig_store();
	struct fog_accounts *a = rig_accounts(db);
	char source[32];

	rig_user(a, "erin", RIG_PASSWORD, FOG_ROLE_USER);
	CU_ASSERT_EQUAL(try(a, "erin", RIG_PASSWORD, RIG_HOME), 0);
	for (int i = 0; i < 11; i++) {
		snprintf(source, sizeof(source), "10.0.%d.1", i);
		CHECK_REFUSED(try(a, "erin", WRONG, source), -EACCES, "bad_login", "password");
	}
	CHECK_REFUSED(try(a, "erin", RIG_PASSWORD, "10.1.0.1"), -EDQUOT, "locked", "delayed");
	CU_ASSERT_EQUAL(refusal.retry_after_s, 1);
	CU_ASSERT_EQUAL(try(a, "erin", RIG_PASSWORD, RIG_HOME), 0);
	// It grows to a minute and no further.
	unsigned longest = 0;
	for (int i = 0; i < 10; i++) {
		snprintf(source, sizeof(source), "10.2.%d.1", i);
		rig_now_us += 60 * RIG_SECOND;
		CHECK_REFUSED(try(a, "erin", WRONG, source), -EACCES, "bad_login", "password");
		CHECK_REFUSED(try(a, "erin", WRONG, source), -EDQUOT, "locked", "delayed");
		longest = refusal.retry_after_s > longest ? refusal.retry_after_s : longest;
	}
	CU_ASSERT_EQUAL(longest, 60);
	rig_now_us += 60 * RIG_SECOND;
	CU_ASSERT_EQUAL(try(a, "erin", RIG_PASSWORD, "10.3.0.1"), 0);
	rig_end(a, db);
}

static void test_change(void)
{
	struct fog_db *db = rig_store();
	struct fog_accounts *a = rig_accounts(db);
	int64_t id = rig_user(a, "erin", RIG_PASSWORD, FOG_ROLE_USER);
	struct fog_tokens one, two, fresh;
	struct fog_caller c;

	rig_login(a, "erin", &one);
	rig_login(a, "erin", &two);
	CHECK_REFUSED(
	        fog_password_change(a, id, WRONG, "the owl has flown", RIG_HOME, &fresh, &refusal),
	        -EACCES, "bad_login", "password"
	);
	CHECK_REFUSED(
	        fog_password_change(a, id, RIG_PASSWORD, "password", RIG_HOME, &fresh, &refusal),
	        -EINVAL, "bad_password", "weak"
	);
	CU_ASSERT_EQUAL(rig_find(a, one.access, &c, &refusal), 0);
	CU_ASSERT_EQUAL(
	        fog_password_change(
	                a, id, RIG_PASSWORD, "the owl has flown", RIG_HOME, &fresh, &refusal
	        ),
	        0
	);
	CHECK_REFUSED(
	        rig_find(a, one.access, &c, &refusal), -EACCES, "token_revoked", "session_revoked"
	);
	CHECK_REFUSED(
	        rig_find(a, two.access, &c, &refusal), -EACCES, "token_revoked", "session_revoked"
	);
	CHECK_REFUSED(
	        fog_session_refresh(a, two.refresh, RIG_HOME, &tokens, &refusal), -EACCES,
	        "token_revoked", "session_revoked"
	);
	CU_ASSERT_EQUAL(rig_find(a, fresh.access, &c, &refusal), 0);
	CHECK_REFUSED(try(a, "erin", RIG_PASSWORD, RIG_HOME), -EACCES, "bad_login", "password");
	CU_ASSERT_EQUAL(try(a, "erin", "the owl has flown", RIG_HOME), 0);
	// Whoever has stolen a session can't guess the password by changing it.
	for (int i = 0; i < 5; i++)
		CHECK_REFUSED(
		        fog_password_change(
		                a, id, WRONG, "the owl is back", RIG_HOME, &fresh, &refusal
		        ),
		        -EACCES, "bad_login", "password"
		);
	CHECK_REFUSED(
	        fog_password_change(
	                a, id, "the owl has flown", "the owl is back", RIG_HOME, &fresh, &refusal
	        ),
	        -EDQUOT, "locked", "locked_pair"
	);
	rig_end(a, db);
}

static void rig_key(struct fog_accounts *a, int64_t id, char secret[FOG_KEY_LEN + 1])
{
	struct fog_key_new fresh = {
	        .user_id = id, .name = "erin's", .scopes = 1, .may = FOG_SCOPE_ALL};
	struct fog_key k;

	CU_ASSERT_EQUAL_FATAL(fog_key_add(a, &fresh, &k, secret, &refusal), 0);
}

static void test_reset(void)
{
	struct fog_db *db = rig_store();
	struct fog_accounts *a = rig_accounts(db);
	int64_t id = rig_user(a, "erin", RIG_PASSWORD, FOG_ROLE_USER), whose, ends;
	char first[FOG_SECRET_LEN + 1], token[FOG_SECRET_LEN + 1], key[FOG_KEY_LEN + 1];
	struct fog_caller c;

	rig_login(a, "erin", &tokens);
	rig_key(a, id, key);
	CU_ASSERT_EQUAL(fog_reset_make(a, id, first, &ends, &refusal), 0);
	CU_ASSERT_EQUAL(fog_reset_make(a, id, token, &ends, &refusal), 0);
	CU_ASSERT_EQUAL(ends, rig_now() + 60 * RIG_MINUTE);
	CHECK_REFUSED(
	        fog_reset_use(a, first, "the owl has flown", &whose, &refusal), -EACCES,
	        "bad_reset", "bad_reset"
	);
	CHECK_REFUSED(
	        fog_reset_use(a, "", "the owl has flown", &whose, &refusal), -EACCES, "bad_reset",
	        "bad_reset"
	);
	CHECK_REFUSED(
	        fog_reset_use(a, token, "short", &whose, &refusal), -EINVAL, "bad_password",
	        "length"
	);
	CU_ASSERT_EQUAL(rig_find(a, tokens.access, &c, &refusal), 0);
	CU_ASSERT_EQUAL(rig_find(a, key, &c, &refusal), 0);
	CU_ASSERT_EQUAL(fog_reset_use(a, token, "the owl has flown", &whose, &refusal), 0);
	CU_ASSERT_EQUAL(whose, id);
	CHECK_REFUSED(rig_find(a, key, &c, &refusal), -EACCES, "token_revoked", "key_revoked");
	CHECK_REFUSED(
	        rig_find(a, tokens.access, &c, &refusal), -EACCES, "token_revoked",
	        "session_revoked"
	);
	CHECK_REFUSED(
	        fog_reset_use(a, token, "the owl is back", &whose, &refusal), -EACCES, "bad_reset",
	        "bad_reset"
	);
	CU_ASSERT_EQUAL(try(a, "erin", "the owl has flown", RIG_HOME), 0);
	CU_ASSERT_EQUAL(fog_reset_make(a, id, token, &ends, &refusal), 0);
	rig_now_us += 60 * RIG_MINUTE;
	CHECK_REFUSED(
	        fog_reset_use(a, token, "the owl is back", &whose, &refusal), -EACCES, "bad_reset",
	        "bad_reset"
	);
	CHECK_REFUSED(
	        fog_reset_make(a, 4711, token, &ends, &refusal), -ENOENT, "not_found", "not_found"
	);
	// So does a password that is set on the host; one that the owner changes leaves them.
	rig_key(a, id, key);
	CU_ASSERT_EQUAL(fog_password_set(a, id, RIG_PASSWORD, &refusal), 0);
	CHECK_REFUSED(rig_find(a, key, &c, &refusal), -EACCES, "token_revoked", "key_revoked");
	rig_key(a, id, key);
	CU_ASSERT_EQUAL(
	        fog_password_change(
	                a, id, RIG_PASSWORD, "the owl has flown", RIG_HOME, &tokens, &refusal
	        ),
	        0
	);
	CU_ASSERT_EQUAL(rig_find(a, key, &c, &refusal), 0);
	rig_end(a, db);
}

static double cpu_of(struct fog_accounts *a, const char *name, const char *why)
{
	enum { TIMES = 4 };
	struct timespec begin, end;

	uint64_t before = fog_accounts_hashes(a);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
	for (int i = 0; i < TIMES; i++)
		CHECK_REFUSED(try(a, name, WRONG, RIG_HOME), -EACCES, "bad_login", why);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
	CU_ASSERT_EQUAL(fog_accounts_hashes(a) - before, TIMES);
	return ((double)(end.tv_sec - begin.tv_sec) * 1e3 +
	        (double)(end.tv_nsec - begin.tv_nsec) / 1e6) /
	        TIMES;
}

// A hash that can't be read would be refused as no memory, so all three have gone through Argon2id, once each time. What
// they took is only said.
static void test_work(void)
{
	struct fog_db *db = rig_store();
	struct fog_accounts *a = rig_accounts(db);

	rig_user(a, "erin", RIG_PASSWORD, FOG_ROLE_USER);
	rig_user(a, "later", NULL, FOG_ROLE_USER);
	double wrong = cpu_of(a, "erin", "password"), none = cpu_of(a, "later", "no_password"),
	       nobody = cpu_of(a, "frank", "name");
	printf("wrong password %.0f ms, none %.0f ms, no such name %.0f ms: ", wrong, none, nobody);
	rig_end(a, db);
}

struct filler {
	struct fog_accounts *a;
	pthread_t thread;
	uint64_t hashes;
	_Atomic bool end;
};

// While the next password is verified the gate fills up, so whoever comes then is turned away.
static void *filler_run(void *ctx)
{
	struct filler *f = ctx;

	while (fog_accounts_hashes(f->a) == f->hashes && !f->end)
		sched_yield();
	pthread_mutex_lock(&f->a->gate.lock);
	f->a->gate.running += GATE_RUNNING;
	f->a->gate.waiting += GATE_WAITING;
	pthread_mutex_unlock(&f->a->gate.lock);
	return NULL;
}

// Change the password while others take the gate between the old one and the new one. Returns what it answered.
static int change_crowded(struct fog_accounts *a, int64_t id, const char *old, const char *fresh)
{
	struct filler f = {.a = a, .hashes = fog_accounts_hashes(a)};

	pthread_create(&f.thread, NULL, filler_run, &f);
	int r = fog_password_change(a, id, old, fresh, RIG_HOME, &tokens, &refusal);
	f.end = true;
	pthread_join(f.thread, NULL);
	a->gate.running -= GATE_RUNNING;
	a->gate.waiting -= GATE_WAITING;
	return r;
}

// Whoever knew the password has not failed, though there was no room to hash the new one: five of these would lock.
static void test_busy(void)
{
	static const char *const passwords[2] = {RIG_PASSWORD, "the owl has flown"};
	struct fog_db *db = rig_store();
	struct fog_accounts *a = rig_accounts(db);
	int64_t id = rig_user(a, "erin", RIG_PASSWORD, FOG_ROLE_USER);
	unsigned busy = 0, now = 0;

	while (busy < 6) {
		int r = change_crowded(a, id, passwords[now], passwords[1 - now]);
		if (r == 0) { // the crowd came too late
			now = 1 - now;
			busy = 0;
			continue;
		}
		CHECK_REFUSED(r, -EBUSY, "busy", "argon2");
		if (r != -EBUSY)
			break;
		busy++;
	}
	CU_ASSERT_EQUAL(busy, 6);
	CU_ASSERT_EQUAL(try(a, "erin", passwords[now], RIG_HOME), 0);
	rig_end(a, db);
}

enum { CROWD = 24 };

struct guest {
	struct fog_accounts *a;
	pthread_t thread;
	pthread_barrier_t *begin;
	char name[16];
	int r;
};

static void *guest_run(void *ctx)
{
	struct guest *g = ctx;
	struct fog_tokens t;
	struct fog_denial refused;

	pthread_barrier_wait(g->begin);
	g->r = rig_login_from(g->a, g->name, WRONG, NULL, RIG_HOME, &t, &refused);
	if (g->r == -EBUSY)
		CU_ASSERT(refused.retry_after_s > 0);
	return NULL;
}

// Two hash, sixteen wait, and nobody else gets that far; whoever is turned away has not failed.
static void test_crowd(void)
{
	struct fog_db *db = rig_store();
	struct fog_accounts *a = rig_accounts(db);
	struct guest crowd[CROWD];
	pthread_barrier_t begin;
	unsigned refused = 0, busy = 0;

	pthread_barrier_init(&begin, NULL, CROWD);
	for (int i = 0; i < CROWD; i++) {
		crowd[i] = (struct guest){.a = a, .begin = &begin};
		snprintf(crowd[i].name, sizeof(crowd[i].name), "guest%d", i);
		pthread_create(&crowd[i].thread, NULL, guest_run, &crowd[i]);
	}
	for (int i = 0; i < CROWD; i++) {
		pthread_join(crowd[i].thread, NULL);
		refused += crowd[i].r == -EACCES;
		busy += crowd[i].r == -EBUSY;
	}
	pthread_barrier_destroy(&begin);
	CU_ASSERT_EQUAL(refused + busy, CROWD);
	CU_ASSERT(refused >= 2);
	rig_end(a, db);
}

// As many tries at once as one likes: five of them are tried.
static void test_race(void)
{
	struct fog_db *db = rig_store();
	struct fog_accounts *a = rig_accounts(db);
	struct guest crowd[12];
	pthread_barrier_t begin;
	unsigned tried = 0, locked = 0;

	pthread_barrier_init(&begin, NULL, 12);
	for (int i = 0; i < 12; i++) {
		crowd[i] = (struct guest){.a = a, .begin = &begin, .name = "same"};
		pthread_create(&crowd[i].thread, NULL, guest_run, &crowd[i]);
	}
	for (int i = 0; i < 12; i++) {
		pthread_join(crowd[i].thread, NULL);
		tried += crowd[i].r == -EACCES;
		locked += crowd[i].r == -EDQUOT;
	}
	pthread_barrier_destroy(&begin);
	CU_ASSERT_EQUAL(tried, 5);
	CU_ASSERT_EQUAL(locked, 7);
	rig_end(a, db);
}

int main(void)
{
	const CU_TestInfo tests[] = {
	        {"names and passwords", test_login},
	        {"a disabled account", test_disabled},
	        {"five failures lock name and network", test_lockout},
	        {"networks", test_networks},
	        {"failures from everywhere delay strangers", test_delay},
	        {"a changed password ends sessions", test_change},
	        {"a reset", test_reset},
	        {"as much work for a name that nobody has", test_work},
	        {"a right password when there is no room", test_busy},
	        {"how many hash at once", test_crowd},
	        {"tries at the same time are counted", test_race},
	        CU_TEST_INFO_NULL};

	return check_run("login", tests);
}
