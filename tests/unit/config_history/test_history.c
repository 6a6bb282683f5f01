// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Revisions of configurations, on a real store (store_rig.h), and the file of a change that waits for its confirmation.
#include <errno.h>
#include <sodium.h>
#include <sys/stat.h>

#include "../../../controlplane/config_history/history.h"
#include "../../../controlplane/config_history/pending.h"
#include "../run.h"
#include "../store/store_rig.h"

static struct fog_db *db;
static struct fog_history h;

static void begin(void)
{
	db = rig_open_migrated();
	h = (struct fog_history){.db = db, .node = "aa"};
}

static void finish(void)
{
	rig_close(db);
}

static const char *digest(const char *text)
{
	static char hex[2][FOG_HISTORY_DIGEST_LEN];
	static unsigned turn;
	uint8_t hash[32];

	crypto_generichash(hash, sizeof(hash), (const uint8_t *)text, strlen(text), NULL, 0);
	return sodium_bin2hex(hex[turn++ % 2], FOG_HISTORY_DIGEST_LEN, hash, sizeof(hash));
}

static int64_t add(const char *text, const char *actor)
{
	const struct fog_revision v = {
	        .actor = actor,
	        .comment = "why",
	        .digest = digest(text),
	        .text = (const uint8_t *)text,
	        .len = strlen(text),
	        .confirm_by_us = 77};
	int64_t number = 0;

	CU_ASSERT_EQUAL(fog_history_add(&h, &v, &number), 0);
	return number;
}

// 'text' is in force.
static int64_t settle(const char *text, int64_t pending)
{
	const struct fog_history_truth t = {
	        .digest = digest(text),
	        .text = (const uint8_t *)text,
	        .len = strlen(text),
	        .actor = "file",
	        .comment = "",
	        .pending = pending};

	return fog_history_settle(&h, &t);
}

struct seen {
	unsigned count;
	int64_t number[FOG_HISTORY_LIST_MAX];
	enum fog_revision_state state[FOG_HISTORY_LIST_MAX];
	int64_t in_force;
	char actor[64], comment[256], text[256];
};

static void see(void *ctx, const struct fog_revision *v)
{
	struct seen *s = ctx;

	s->number[s->count] = v->number;
	s->state[s->count++] = v->state;
	if (v->in_force)
		s->in_force = v->number;
	snprintf(s->actor, sizeof(s->actor), "%s", v->actor);
	snprintf(s->comment, sizeof(s->comment), "%s", v->comment);
	if (v->text != NULL)
		snprintf(s->text, sizeof(s->text), "%.*s", (int)v->len, (const char *)v->text);
}

static struct seen get(int64_t number)
{
	struct seen s = {0};

	CU_ASSERT_EQUAL(fog_history_get(&h, number, see, &s), 0);
	return s;
}

static void test_applied(void)
{
	begin();
	CU_ASSERT_EQUAL(settle("one\n", 0), 1); // what was there before anybody asked
	CU_ASSERT_EQUAL(settle("one\n", 0), 1); // nothing new
	CU_ASSERT_EQUAL(add("two\n", "uid 0"), 2);
	struct seen s = get(2);
	CU_ASSERT_EQUAL(s.state[0], FOG_REVISION_APPLYING);
	CU_ASSERT_EQUAL(s.in_force, 0);
	CU_ASSERT_EQUAL(get(1).in_force, 1);
	CU_ASSERT_EQUAL(settle("two\n", 0), 2);
	s = get(2);
	CU_ASSERT_EQUAL(s.state[0], FOG_REVISION_APPLIED);
	CU_ASSERT_EQUAL(s.in_force, 2);
	CU_ASSERT_STRING_EQUAL(s.actor, "uid 0");
	CU_ASSERT_STRING_EQUAL(s.comment, "why");
	CU_ASSERT_STRING_EQUAL(s.text, "two\n");
	// Somebody has edited the file.
	CU_ASSERT_EQUAL(settle("three\n", 0), 3);
	CU_ASSERT_STRING_EQUAL(get(3).actor, "file");
	// Back to what an older one said is a new one.
	CU_ASSERT_EQUAL(settle("one\n", 0), 4);
	CU_ASSERT_EQUAL(fog_history_get(&h, 5, see, &s), -ENOENT);
	finish();
}

static void test_crash(void)
{
	begin();
	settle("one\n", 0);
	// Before the file was written: the old text is in force.
	CU_ASSERT_EQUAL(add("two\n", "uid 0"), 2);
	CU_ASSERT_EQUAL(settle("one\n", 0), 1);
	CU_ASSERT_EQUAL(get(2).state[0], FOG_REVISION_FAILED);
	// The same text again: only the newest has come into force.
	CU_ASSERT_EQUAL(add("two\n", "uid 0"), 3);
	CU_ASSERT_EQUAL(settle("two\n", 0), 3);
	CU_ASSERT_EQUAL(get(2).state[0], FOG_REVISION_FAILED);
	CU_ASSERT_EQUAL(get(3).in_force, 3);
	finish();
}

static void test_pending(void)
{
	begin();
	settle("one\n", 0);
	CU_ASSERT_EQUAL(add("two\n", "uid 0"), 2);
	CU_ASSERT_EQUAL(settle("two\n", 2), 2);
	CU_ASSERT_EQUAL(get(2).state[0], FOG_REVISION_PENDING);
	CU_ASSERT_EQUAL(get(2).in_force, 2);
	CU_ASSERT_EQUAL(settle("two\n", 2), 2); // a restart meanwhile
	CU_ASSERT_EQUAL(settle("two\n", 0), 2); // confirmed
	CU_ASSERT_EQUAL(get(2).state[0], FOG_REVISION_APPLIED);

	CU_ASSERT_EQUAL(add("three\n", "uid 0"), 3);
	CU_ASSERT_EQUAL(settle("three\n", 3), 3);
	CU_ASSERT_EQUAL(settle("two\n", 0), 2); // rolled back: no new one, the old one is in force
	CU_ASSERT_EQUAL(get(3).state[0], FOG_REVISION_ROLLED_BACK);
	CU_ASSERT_EQUAL(get(2).in_force, 2);

	CU_ASSERT_EQUAL(add("four\n", "uid 0"), 4);
	CU_ASSERT_EQUAL(settle("four\n", 4), 4);
	CU_ASSERT_EQUAL(settle("five\n", 0), 5); // somebody has edited the file
	CU_ASSERT_EQUAL(get(4).state[0], FOG_REVISION_ROLLED_BACK);
	CU_ASSERT_EQUAL(get(5).in_force, 5);
	finish();
}

static void test_list(void)
{
	struct fog_history other;
	struct seen s = {0};
	char text[32];

	begin();
	other = h;
	snprintf(other.node, sizeof(other.node), "bb");
	for (unsigned i = 1; i <= 5; i++) {
		snprintf(text, sizeof(text), "%u\n", i);
		CU_ASSERT_EQUAL(settle(text, 0), i);
	}
	CU_ASSERT_EQUAL(fog_history_list(&h, 0, 2, see, &s), 1);
	CU_ASSERT_TRUE(s.count == 2 && s.number[0] == 5 && s.number[1] == 4);
	CU_ASSERT_EQUAL(s.in_force, 5);
	CU_ASSERT_STRING_EQUAL(s.text, ""); // lists have none
	s = (struct seen){0};
	CU_ASSERT_EQUAL(fog_history_list(&h, 4, 3, see, &s), 0);
	CU_ASSERT_TRUE(s.count == 3 && s.number[0] == 3 && s.number[2] == 1);
	CU_ASSERT_EQUAL(fog_history_list(&h, 4, 0, see, &s), -EINVAL);
	// Another node's are its own.
	s = (struct seen){0};
	CU_ASSERT_EQUAL(fog_history_list(&other, 0, 200, see, &s), 0);
	CU_ASSERT_EQUAL(s.count, 0);
	CU_ASSERT_EQUAL(fog_history_get(&other, 1, see, &s), -ENOENT);
	finish();
}

static void test_kept(void)
{
	struct seen s = {0};
	char text[32];

	begin();
	for (unsigned i = 1; i <= FOG_HISTORY_KEPT + 3; i++) {
		snprintf(text, sizeof(text), "%u\n", i);
		CU_ASSERT_EQUAL(settle(text, 0), i);
	}
	CU_ASSERT_EQUAL(fog_history_list(&h, 0, 200, see, &s), 0);
	CU_ASSERT_EQUAL(s.count, FOG_HISTORY_KEPT);
	CU_ASSERT_EQUAL(s.number[FOG_HISTORY_KEPT - 1], 4);
	finish();
}

static void test_diff(void)
{
	char *out = NULL;
	size_t len;

	begin();
	settle("a\nb\n", 0);
	settle("a\nc\n", 0);
	CU_ASSERT_EQUAL(fog_history_diff(&h, 1, 2, &out, &len), 0);
	CU_ASSERT_STRING_EQUAL(
	        out, "--- revision 1\n+++ revision 2\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n"
	);
	free(out);
	CU_ASSERT_EQUAL(fog_history_diff(&h, 2, 2, &out, &len), 0);
	CU_ASSERT_STRING_EQUAL(out, "");
	free(out);
	CU_ASSERT_EQUAL(fog_history_diff(&h, 1, 3, &out, &len), -ENOENT);
	finish();
}

static void write_file(const char *path, const char *text, size_t len)
{
	FILE *f = fopen(path, "w");

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fwrite(text, 1, len, f);
	fclose(f);
}

static void test_file(void)
{
	char path[] = "/tmp/fogline-pending-XXXXXX", file[64], all[4096];
	struct fog_pending p = {
	        .revision = 7,
	        .deadline_us = 1000000000,
	        .confirm_s = 60,
	        .correlation = "req-7",
	        .text = "a: 1\nb: 2\n",
	        .len = 10};
	struct fog_pending q;
	struct stat st;

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(path));
	snprintf(file, sizeof(file), "%s/pending", path);
	snprintf(p.digest, sizeof(p.digest), "%s", digest("x"));
	CU_ASSERT_EQUAL(fog_pending_read(file, &q), -ENOENT);
	CU_ASSERT_EQUAL_FATAL(fog_pending_write(file, &p), 0);
	CU_ASSERT_TRUE(stat(file, &st) == 0 && (st.st_mode & 0777) == 0600);
	CU_ASSERT_EQUAL_FATAL(fog_pending_read(file, &q), 0);
	CU_ASSERT_TRUE(q.revision == 7 && q.deadline_us == 1000000000 && q.confirm_s == 60);
	CU_ASSERT_STRING_EQUAL(q.digest, p.digest);
	CU_ASSERT_STRING_EQUAL(q.text, p.text);
	CU_ASSERT_STRING_EQUAL(q.correlation, "req-7");
	CU_ASSERT_EQUAL(fog_pending_left_ms(&q, 1000000000 - 5000000), 5000);
	CU_ASSERT_EQUAL(fog_pending_left_ms(&q, 1000000001), 0);
	CU_ASSERT_EQUAL(fog_pending_left_ms(&q, 1), 60000); // the clock was set back
	fog_pending_free(&q);
	// Every file that is cut, longer, or changed in its head is refused.
	FILE *f = fopen(file, "r");
	size_t len = fread(all, 1, sizeof(all), f);
	fclose(f);
	for (size_t n = 0; n < len; n++) {
		write_file(file, all, n);
		CU_ASSERT_EQUAL(fog_pending_read(file, &q), -EBADMSG);
	}
	all[len] = 'x';
	write_file(file, all, len + 1);
	CU_ASSERT_EQUAL(fog_pending_read(file, &q), -EBADMSG);
	p.correlation[0] = '\0';
	CU_ASSERT_EQUAL_FATAL(fog_pending_write(file, &p), 0);
	CU_ASSERT_EQUAL_FATAL(fog_pending_read(file, &q), 0);
	CU_ASSERT_STRING_EQUAL(q.correlation, "");
	fog_pending_free(&q);
	// As the version before wrote it.
	int n = snprintf(
	        all, sizeof(all), "fogline pending change 1\n7 1000 60 %s 5\na: 1\n", p.digest
	);
	write_file(file, all, (size_t)n);
	CU_ASSERT_EQUAL_FATAL(fog_pending_read(file, &q), 0);
	CU_ASSERT_TRUE(q.revision == 7 && q.correlation[0] == '\0');
	CU_ASSERT_STRING_EQUAL(q.text, "a: 1\n");
	fog_pending_free(&q);
	unlink(file);
	rmdir(path);
}

static CU_TestInfo tests[] = {
        {"revisions that came into force", test_applied},
        {"a crash in between", test_crash},
        {"revisions that wait for a confirmation", test_pending},
        {"pages, other nodes", test_list},
        {"the oldest go", test_kept},
        {"differences", test_diff},
        {"the file of a pending change", test_file},
        CU_TEST_INFO_NULL,
};

int main(void)
{
	return check_run("config history", tests);
}
