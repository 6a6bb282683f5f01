// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// An authority's answer with proofs: one that can't be taken says nothing of those behind it.
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "../../../controlplane/node_directory_private.h"
#include "../run.h"
#include "parts.h"

enum { MANY = FOG_VIEW_PROOFS_OF_ONE + 3, ASIDE_MAX = 16 };

static struct parts *p;
static struct node_directory node;
static char dir[64];
static uint8_t answer[(MANY + 2) * FOG_EQUIVOCATION_LEN];

static void begin(void)
{
	p = parts_make(0);
	snprintf(dir, sizeof(dir), "/tmp/fog-proofs-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	node = (struct node_directory){.network = &p->net};
	CU_ASSERT_EQUAL_FATAL(fog_view_create(&p->net, dir, &node.view), 0);
}

static void end(void)
{
	DIR *d = opendir(dir);

	fog_view_destroy(node.view);
	for (const struct dirent *e; (e = readdir(d)) != NULL;)
		if (e->d_name[0] != '.')
			unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	CU_ASSERT_EQUAL(rmdir(dir), 0);
	parts_free(p);
}

static void put(unsigned at, unsigned authority, uint64_t epoch)
{
	struct fog_statement s = {.kind = FOG_STATEMENT_VOTE, .epoch = epoch};
	struct fog_equivocation e = {.kind = FOG_STATEMENT_VOTE, .epoch = epoch};

	memcpy(s.network, p->network, 32);
	memcpy(e.network, p->network, 32);
	memcpy(e.identity, p->authority[authority].identity, 32);
	for (unsigned i = 0; i < 2; i++) {
		e.said[i].digest[0] = s.digest[0] = (uint8_t)(i + 1);
		fog_statement_sign(&s, p->authority[authority].secret, e.said[i].signature);
	}
	fog_equivocation_put(&e, answer + at * FOG_EQUIVOCATION_LEN);
}

// Returns how many of 'authority' are known then.
static unsigned take(unsigned count, unsigned authority)
{
	struct fog_fetch_done done = {
	        .answer = {.status = 200, .data = answer, .len = count * FOG_EQUIVOCATION_LEN}};
	unsigned known, of_one = 0;

	CU_ASSERT_TRUE(directory_take_proofs(&node, &done));
	const uint8_t *proof = fog_view_proofs(node.view, &known);
	for (unsigned i = 0; i < known; i++, proof += FOG_EQUIVOCATION_LEN) {
		struct fog_equivocation e;
		CU_ASSERT_EQUAL(fog_equivocation_open(proof, FOG_EQUIVOCATION_LEN, &e), 0);
		of_one += memcmp(e.identity, p->authority[authority].identity, 32) == 0;
	}
	return of_one;
}

// One liar has more than are kept of one.
static void test_more_than_kept(void)
{
	begin();
	for (unsigned i = 0; i < MANY; i++)
		put(i, 0, 5 + i);
	put(MANY, 1, 5);
	CU_ASSERT_EQUAL(take(MANY + 1, 1), 1);
	CU_ASSERT_EQUAL(take(MANY + 1, 0), FOG_VIEW_PROOFS_OF_ONE);
	end();
}

// Nothing more can be written for one epoch: all that was set aside of it has its names.
static void test_no_name(void)
{
	char name[128];

	begin();
	for (unsigned i = 0; i <= ASIDE_MAX; i++) {
		snprintf(
		        name, sizeof(name),
		        i < ASIDE_MAX ? "%s/equivocation-5.unreadable-%u" : "%s/equivocation-5",
		        dir, i
		);
		int fd = open(name, O_WRONLY | O_CREAT, 0600);
		CU_ASSERT_EQUAL(write(fd, "?", 1), 1);
		close(fd);
	}
	put(0, 0, 5);
	put(1, 1, 6);
	CU_ASSERT_EQUAL(take(2, 1), 1);
	snprintf(name, sizeof(name), "%s/equivocation-6", dir);
	CU_ASSERT_EQUAL(access(name, F_OK), 0);
	end();
}

static void test_no_proof(void)
{
	begin();
	put(0, 0, 5);
	answer[FOG_EQUIVOCATION_LEN - 1] ^= 1;
	memset(answer + FOG_EQUIVOCATION_LEN, 0, FOG_EQUIVOCATION_LEN);
	put(2, 1, 5);
	CU_ASSERT_EQUAL(take(3, 1), 1);
	CU_ASSERT_EQUAL(take(3, 0), 0);
	end();
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"more of one than are kept", test_more_than_kept},
	        {"one that can't be written", test_no_name},
	        {"some that are none", test_no_proof},
	        CU_TEST_INFO_NULL,
	};

	return sodium_init() < 0 ? 1 : check_run("proofs that are taken", tests);
}
