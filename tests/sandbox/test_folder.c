// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The folder of the replay tables changes hands, and nothing else does. As root, in /dev/shm.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../dataplane/rights_folder.h"
#include "../unit/run.h"

enum { US = 70901, THIRD = 70902 };

static char base[] = "/dev/shm/fogline-test-XXXXXX";
static char dir[64], table[128], text[512];

static int give(void)
{
	return fog_rights_folder(dir, US, US, text, sizeof(text));
}

static bool owned(const char *path, uid_t uid, mode_t mode)
{
	struct stat st;

	return lstat(path, &st) == 0 && st.st_uid == uid && st.st_gid == uid &&
	        (st.st_mode & 07777) == mode;
}

static void file_make(const char *path, uid_t uid, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(fchmod(fd, mode), 0);
	CU_ASSERT_EQUAL(fchown(fd, uid, uid), 0);
	close(fd);
}

static void dir_make(uid_t uid, mode_t mode)
{
	CU_ASSERT_EQUAL_FATAL(mkdir(dir, 0700), 0);
	CU_ASSERT_EQUAL(chmod(dir, mode), 0);
	CU_ASSERT_EQUAL(lchown(dir, uid, uid), 0);
}

static void dir_clear(void)
{
	unlink(table);
	if (rmdir(dir) < 0)
		unlink(dir);
}

static void test_made(void)
{
	CU_ASSERT_EQUAL(give(), 0);
	CU_ASSERT_TRUE(owned(dir, US, 0700));
	CU_ASSERT_EQUAL(give(), 0); // the next start
	dir_clear();
}

// Of an earlier version, which stayed root.
static void test_taken_over(void)
{
	dir_make(0, 0700);
	file_make(table, 0, 0600);
	CU_ASSERT_EQUAL(give(), 0);
	CU_ASSERT_TRUE(owned(dir, US, 0700));
	CU_ASSERT_TRUE(owned(table, US, 0600));
	CU_ASSERT_EQUAL(give(), 0);
	CU_ASSERT_TRUE(owned(table, US, 0600));
	dir_clear();
}

static void test_folder_refused(void)
{
	dir_make(THIRD, 0700);
	CU_ASSERT_EQUAL(give(), -EPERM);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "belongs to user 70902"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "chown -R 70901:70901"));
	CU_ASSERT_TRUE(owned(dir, THIRD, 0700));
	dir_clear();
	dir_make(0, 01777); // as /dev/shm itself
	CU_ASSERT_EQUAL(give(), -EPERM);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "others may write it"));
	CU_ASSERT_TRUE(owned(dir, 0, 01777));
	dir_clear();
	CU_ASSERT_EQUAL_FATAL(symlink("/dev/shm", dir), 0);
	CU_ASSERT_TRUE(give() < 0);
	dir_clear();
	CU_ASSERT_TRUE(owned("/dev/shm", 0, 01777));
}

static void test_table_refused(void)
{
	char other[128];

	dir_make(0, 0700);
	file_make(table, THIRD, 0600);
	CU_ASSERT_EQUAL(give(), -EPERM);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "user 70902"));
	CU_ASSERT_TRUE(owned(table, THIRD, 0600));
	unlink(table);
	file_make(table, 0, 0640);
	CU_ASSERT_EQUAL(give(), -EPERM);
	unlink(table);
	snprintf(other, sizeof(other), "%s/other", base);
	file_make(other, 0, 0600);
	CU_ASSERT_EQUAL(link(other, table), 0);
	CU_ASSERT_EQUAL(give(), -EPERM);
	CU_ASSERT_TRUE(owned(other, 0, 0600)); // a name in our folder doesn't make it ours
	unlink(table);
	CU_ASSERT_EQUAL(symlink(other, table), 0);
	CU_ASSERT_TRUE(give() < 0);
	CU_ASSERT_TRUE(owned(other, 0, 0600));
	unlink(other);
	dir_clear();
}

static void test_foreign_things(void)
{
	char other[128];

	snprintf(other, sizeof(other), "%s/passwords", dir);
	dir_make(0, 0700);
	file_make(other, 0, 0600);
	CU_ASSERT_EQUAL(give(), -ENOTEMPTY);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "holds passwords"));
	CU_ASSERT_TRUE(owned(other, 0, 0600));
	unlink(other);
	dir_clear();
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"made when it is missing", test_made},
	        {"taken over from root", test_taken_over},
	        {"a folder of others", test_folder_refused},
	        {"a table of others", test_table_refused},
	        {"things that are no tables", test_foreign_things},
	        CU_TEST_INFO_NULL,
	};

	if (geteuid() != 0) {
		puts("root (files of several users)");
		return 77;
	}
	if (mkdtemp(base) == NULL)
		return 1;
	snprintf(dir, sizeof(dir), "%s/tables", base);
	snprintf(table, sizeof(table), "%s/replay-1-0011223344556677", dir);
	int failed = check_run("folder", tests);
	rmdir(base);
	return failed;
}
