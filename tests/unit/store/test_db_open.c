// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Opening a store: what is refused, and that each refusal names its mend.
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "../run.h"
#include "store_rig.h"

static char error[512], folder[64], path[128];

static void make_folder(void)
{
	strcpy(folder, "/tmp/fogline-test-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/file", folder);
}

static void remove_folder(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s", folder);
	CU_ASSERT_EQUAL(system(command), 0);
}

static void make_file(const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	CU_ASSERT_EQUAL(fchmod(fd, mode), 0);
	close(fd);
}

static int open_store(struct fog_db **db, const char *url, const char *password_file)
{
	struct fog_db_params p = {url, password_file, error, sizeof(error)};

	error[0] = '\0';
	return fog_db_open(db, &p);
}

static int refused(const char *url, const char *password_file)
{
	struct fog_db *db = NULL;
	int r = open_store(&db, url, password_file);

	CU_ASSERT_PTR_NULL(db);
	CU_ASSERT_STRING_NOT_EQUAL(error, "");
	return r;
}

static void test_file(void)
{
	struct fog_db *db;
	struct stat st;

	make_folder();
	CU_ASSERT_EQUAL_FATAL(open_store(&db, path, NULL), 0);
	CU_ASSERT_FALSE(fog_db_shared(db));
	CU_ASSERT_EQUAL(stat(path, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 0777, 0600);
	fog_db_close(db);
	fog_db_close(NULL);
	remove_folder();
}

static void test_file_refused(void)
{
	char other[160];

	make_folder();
	make_file(
	        "this is no database, but long enough to have the place of one's header in it: "
	        "a hundred bytes at the least",
	        0600
	);
	CU_ASSERT_EQUAL(refused(path, NULL), -EBADMSG);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "fogctl store restore"));
	snprintf(other, sizeof(other), "%s/link", folder);
	CU_ASSERT_EQUAL(symlink(path, other), 0);
	CU_ASSERT_EQUAL(refused(other, NULL), -ELOOP);
	CU_ASSERT_EQUAL(refused(folder, NULL), -EINVAL);
	snprintf(other, sizeof(other), "%s/no/file", folder);
	CU_ASSERT_EQUAL(refused(other, NULL), -ENOENT);
	remove_folder();
}

static int fill_work(struct fog_tx *tx, void *ctx)
{
	int r = fog_db_run(tx, "CREATE TABLE thing(data BLOB)", FOG_NONE);

	for (int i = 0; i < 200 && r >= 0; i++)
		r = fog_db_run(tx, "INSERT INTO thing VALUES (randomblob(3000))", FOG_NONE);
	return r < 0 ? r : fog_db_run(tx, "CREATE INDEX thing_data ON thing(data)", FOG_NONE);
}

// A page in the middle that something else has written to.
static void test_damaged(void)
{
	struct fog_db *db;
	struct stat st;
	uint8_t noise[4096];

	make_folder();
	CU_ASSERT_EQUAL_FATAL(open_store(&db, path, NULL), 0);
	CU_ASSERT_EQUAL(fog_db_write(db, fill_work, NULL), 0);
	fog_db_close(db);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	CU_ASSERT_EQUAL_FATAL(fstat(fd, &st), 0);
	memset(noise, 0xa5, sizeof(noise));
	off_t middle = st.st_size / 2 / 4096 * 4096;
	CU_ASSERT_EQUAL(pwrite(fd, noise, sizeof(noise), middle), (ssize_t)sizeof(noise));
	CU_ASSERT_EQUAL(pwrite(fd, noise, sizeof(noise), 4096), (ssize_t)sizeof(noise));
	close(fd);
	CU_ASSERT_EQUAL(refused(path, NULL), -EBADMSG);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "is damaged"));
	remove_folder();
}

static void test_url(void)
{
	struct fog_db *db;

	CU_ASSERT_EQUAL(refused("postgresql://h:x:y/%zz?secret=hunter2", NULL), -EINVAL);
	CU_ASSERT_PTR_NULL(strstr(error, "hunter2"));
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "postgresql://USER@HOST/DATABASE"));
	// The server need not be there.
	CU_ASSERT_EQUAL_FATAL(open_store(&db, "postgresql://u@/d?host=/nonexistent", NULL), 0);
	CU_ASSERT_TRUE(fog_db_shared(db));
	fog_db_close(db);
}

static void test_password_refused(void)
{
	static const char url[] = "postgresql://u@/d?host=/nonexistent";
	char other[160];

	make_folder();
	CU_ASSERT_EQUAL(refused(url, path), -ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "chmod 0600"));
	make_file("secret\n", 0640);
	CU_ASSERT_EQUAL(refused(url, path), -EPERM);
	make_file(" \n", 0600);
	CU_ASSERT_EQUAL(refused(url, path), -EINVAL);
	snprintf(other, sizeof(other), "%s/link", folder);
	CU_ASSERT_EQUAL(symlink(path, other), 0);
	CU_ASSERT_EQUAL(refused(url, other), -ELOOP);
	CU_ASSERT_EQUAL(refused(url, folder), -EPERM);
	remove_folder();
}

static int role_work(struct fog_tx *tx, void *ctx)
{
	int r = fog_db_run(tx, "DROP ROLE IF EXISTS guarded", FOG_NONE);

	return r < 0
	        ? r
	        : fog_db_run(tx, "CREATE ROLE guarded LOGIN PASSWORD 'correct horse'", FOG_NONE);
}

static int one_work(struct fog_tx *tx, void *ctx)
{
	return fog_db_run(tx, "SELECT 1", FOG_NONE);
}

static void test_password(void)
{
	char url[256];

	if (!rig_is_shared())
		return;
	struct fog_db *db = rig_open();
	CU_ASSERT_EQUAL(fog_db_write(db, role_work, NULL), 0);
	fog_db_close(db);
	snprintf(url, sizeof(url), "postgresql://guarded%s", strchr(rig_url(), '@'));
	make_folder();
	make_file("correct horse\n", 0600);
	CU_ASSERT_EQUAL_FATAL(open_store(&db, url, path), 0);
	CU_ASSERT_EQUAL(fog_db_read(db, one_work, NULL), 0);
	fog_db_close(db);
	make_file("battery staple\n", 0600);
	CU_ASSERT_EQUAL_FATAL(open_store(&db, url, path), 0);
	CU_ASSERT_EQUAL(fog_db_read(db, one_work, NULL), -EAGAIN);
	fog_db_close(db);
	remove_folder();
}

static const CU_TestInfo tests[] = {
        {"a file that isn't there is made", test_file},
        {"what is no store", test_file_refused},
        {"a damaged store", test_damaged},
        {"a URL", test_url},
        {"a password file that is refused", test_password_refused},
        {"a password", test_password},
        CU_TEST_INFO_NULL,
};

int main(void)
{
	return check_run("db_open", tests);
}
