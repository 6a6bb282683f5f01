// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Many threads ask who somebody is while others end sessions, revoke keys and follow the store: whoever has been ended is never
// let in afterwards, whoever has not always is. Runs under TSan, too. The last line says what a look into memory takes.
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "rig.h"

enum { LOOKERS = 3, ROUNDS = 60, KEYS = 40 };

struct show {
	struct fog_accounts *a;
	char kept[FOG_ACCESS_MAX + 1];
	_Atomic(const char *) gone; // was revoked before it was put here
	atomic_bool stop;
	atomic_uint let_in, refused_kept, let_in_gone;
};

static void *looker_run(void *ctx)
{
	struct show *s = ctx;
	struct fog_denial refused;
	struct fog_caller c;

	while (!atomic_load(&s->stop)) {
		const char *gone = atomic_load(&s->gone);

		if (rig_find(s->a, s->kept, &c, &refused) == 0)
			atomic_fetch_add(&s->let_in, 1);
		else
			atomic_fetch_add(&s->refused_kept, 1);
		if (gone != NULL && rig_find(s->a, gone, &c, &refused) == 0)
			atomic_fetch_add(&s->let_in_gone, 1);
	}
	return NULL;
}

static void *follower_run(void *ctx)
{
	struct show *s = ctx;

	while (!atomic_load(&s->stop))
		CU_ASSERT_EQUAL(fog_accounts_follow(s->a), 0);
	return NULL;
}

static void revoke_many(struct fog_accounts *a, int64_t id, struct show *s)
{
	static char secret[KEYS][FOG_KEY_LEN + 1];
	struct fog_key_new n = {
	        .user_id = id, .name = "k", .scopes = FOG_SCOPE_TRACE, .may = FOG_SCOPE_ALL};
	struct fog_denial refused;
	struct fog_caller c;
	struct fog_key key;

	for (int i = 0; i < KEYS; i++) {
		CU_ASSERT_EQUAL(fog_key_add(a, &n, &key, secret[i], &refused), 0);
		CU_ASSERT_EQUAL(rig_find(a, secret[i], &c, &refused), 0);
		CU_ASSERT_EQUAL(fog_key_revoke(a, id, key.id, &refused), 0);
		atomic_store(&s->gone, secret[i]);
		CU_ASSERT_EQUAL(rig_find(a, secret[i], &c, &refused), -EACCES);
	}
}

static void test_threads(void)
{
	struct fog_db *db = rig_store();
	struct fog_accounts *a = rig_accounts(db);
	int64_t id = rig_user(a, "iris", RIG_PASSWORD, FOG_ROLE_USER);
	pthread_t thread[LOOKERS + 1];
	struct show s = {.a = a};
	struct fog_denial refused;
	struct fog_tokens t;

	rig_login(a, "iris", &t);
	strcpy(s.kept, t.access);
	for (int i = 0; i < LOOKERS; i++)
		pthread_create(&thread[i], NULL, looker_run, &s);
	pthread_create(&thread[LOOKERS], NULL, follower_run, &s);
	revoke_many(a, id, &s);
	for (int i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(fog_accounts_rotate(a, &refused), 0);
	while (atomic_load(&s.let_in) < ROUNDS)
		sched_yield();
	atomic_store(&s.stop, true);
	for (int i = 0; i <= LOOKERS; i++)
		pthread_join(thread[i], NULL);
	CU_ASSERT_EQUAL(atomic_load(&s.refused_kept), 0);
	CU_ASSERT_EQUAL(atomic_load(&s.let_in_gone), 0);
	rig_end(a, db);
}

// The library's own thread begins and ends.
static void test_start(void)
{
	struct fog_db *db = rig_store();

	for (int i = 0; i < 3; i++) {
		struct fog_accounts *a = rig_accounts(db);
		CU_ASSERT_EQUAL(fog_accounts_start(a), 0);
		fog_accounts_close(a);
	}
	fog_accounts_close(NULL);
	rig_close(db);
	unlink(rig_key_file());
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void test_look(void)
{
	enum { LOOKS = 20000, FIRST = 200 };
	struct fog_db *db = rig_store();
	struct fog_accounts *a = rig_accounts(db);
	struct fog_denial refused;
	struct fog_caller c;
	struct fog_tokens t;

	rig_user(a, "iris", RIG_PASSWORD, FOG_ROLE_USER);
	rig_login(a, "iris", &t);
	double begin = seconds();
	for (int i = 0; i < LOOKS; i++)
		CU_ASSERT_FATAL(rig_find(a, t.access, &c, &refused) == 0);
	double known = (seconds() - begin) / LOOKS;
	t.access[strlen(t.access) - 20] ^= 1; // the signature
	begin = seconds();
	for (int i = 0; i < FIRST; i++)
		CU_ASSERT_FATAL(rig_find(a, t.access, &c, &refused) < 0);
	printf("a caller from memory in %.2f us, a signature verified in %.0f us: ", known * 1e6,
	       (seconds() - begin) / FIRST * 1e6);
	rig_end(a, db);
}

int main(void)
{
	const CU_TestInfo tests[] = {
	        {"many ask while others revoke", test_threads},
	        {"the thread that follows", test_start},
	        {"what a look takes", test_look},
	        CU_TEST_INFO_NULL};

	return check_run("threads", tests);
}
