// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A consensus that is taken in two steps costs a write only when it is kept, so no source can make it cost that: here
// each byte in a file is an error.
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

#include "view_rig.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct rlimit limit; // as it was

// EPOCH + 2 is known, and from then on nothing can be written.
static void begin(void)
{
	struct rlimit none;
	bool news;

	rig_begin();
	CU_ASSERT_EQUAL(
	        fog_view_take(
	                view, chain[2]->data, chain[2]->len, parts_start(p, EPOCH + 2), &news
	        ),
	        0
	);
	signal(SIGXFSZ, SIG_IGN);
	CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_FSIZE, &limit), 0);
	none = (struct rlimit){.rlim_max = limit.rlim_max};
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &none), 0);
}

// There is one file, that of the known one.
static void end(void)
{
	CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &limit), 0);
	CU_ASSERT_EQUAL(rig_files(false), 1);
	rig_end();
}

static int prepare(const struct fog_consensus *c, unsigned now, struct fog_view_fresh **fresh)
{
	pthread_mutex_lock(&lock);
	int r = fog_view_prepare(view, &lock, c->data, c->len, parts_start(p, EPOCH + now), fresh);
	CU_ASSERT_EQUAL(pthread_mutex_unlock(&lock), 0);
	CU_ASSERT_EQUAL(*fresh == NULL, r != FOG_REFUSAL_NONE);
	return r;
}

static void test_refused(void)
{
	struct fog_view_fresh *none;

	begin();
	CU_ASSERT_EQUAL(prepare(chain[3], 6, &none), FOG_REFUSAL_EXPIRED);
	CU_ASSERT_EQUAL(prepare(chain[1], 3, &none), FOG_REFUSAL_ROLLBACK);
	CU_ASSERT_EQUAL(prepare(chain[5], 3, &none), FOG_REFUSAL_EPOCH);
	CU_ASSERT_EQUAL(prepare(chain[3], 3, &none), -EFBIG); // this one would be kept
	end();
}

// Others have signed the same.
static void test_known(void)
{
	struct fog_view_fresh *fresh;
	bool news = true;

	begin();
	parts_signatures(p, chain[2], 14);
	CU_ASSERT_FALSE(fog_view_knows(view, chain[2]->data, chain[2]->len));
	CU_ASSERT_EQUAL_FATAL(prepare(chain[2], 3, &fresh), FOG_REFUSAL_NONE);
	CU_ASSERT_EQUAL(
	        fog_view_take_prepared(view, fresh, parts_start(p, EPOCH + 3), &news),
	        FOG_REFUSAL_NONE
	);
	CU_ASSERT_FALSE(news);
	end();
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"one that is refused", test_refused},
	        {"one that is known in other bytes", test_known},
	        CU_TEST_INFO_NULL,
	};

	return sodium_init() < 0 ? 1 : check_run("consensus in two steps", tests);
}
