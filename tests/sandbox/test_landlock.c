// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What a thread may do to files once it has entered, each with the rights of whoever runs the test.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../sandbox/sandbox.h"
#include "../unit/run.h"

static char base[] = "/tmp/fogline-landlock-XXXXXX";
static int abi;

static void path_make(char path[128], const char *name)
{
	snprintf(path, 128, "%s/%s", base, name);
}

static void file_make(const char *name)
{
	char path[128];

	path_make(path, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) {
		perror(path);
		exit(1);
	}
	close(fd);
}

// errno of opening a file of 'base', 0 when it works.
static int open_error(const char *name, int flags)
{
	char path[128];

	path_make(path, name);
	int fd = open(path, flags | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int unlink_error(const char *name)
{
	char path[128];

	path_make(path, name);
	return unlink(path) < 0 ? errno : 0;
}

static int rmdir_error(const char *name)
{
	char path[128];

	path_make(path, name);
	return rmdir(path) < 0 ? errno : 0;
}

static int rename_error(const char *from, const char *to)
{
	char a[128], b[128];

	path_make(a, from);
	path_make(b, to);
	return rename(a, b) < 0 ? errno : 0;
}

static int connect_error(void)
{
	const union {
		struct sockaddr any;
		struct sockaddr_in in;
	} to = {.in = {
	                .sin_family = AF_INET,
	                .sin_port = htons(1), // nobody listens
	                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	        }};

	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int ret = connect(fd, &to.any, sizeof(to.in)) < 0 ? errno : 0;

	close(fd);
	return ret;
}

static void rules_enter(void)
{
	char write[128], read[128], removes[128], one[128], clear[128];
	const struct fog_landlock_path paths[] = {
	        {write, FOG_LANDLOCK_WRITE},    {read, FOG_LANDLOCK_READ},
	        {removes, FOG_LANDLOCK_REMOVE}, {one, FOG_LANDLOCK_READ},
	        {clear, FOG_LANDLOCK_CLEAR},    {"/nowhere/at/all", FOG_LANDLOCK_WRITE},
	};
	int fd;

	path_make(write, "write");
	path_make(read, "read");
	path_make(removes, "remove");
	path_make(one, "other/one");
	path_make(clear, "clear");
	abi = fog_landlock_make(paths, sizeof(paths) / sizeof(paths[0]), &fd);
	CU_ASSERT_TRUE_FATAL(abi > 0);
	CU_ASSERT_EQUAL_FATAL(fog_landlock_enter(fd), 0);
	close(fd);
}

static void tree_make(void)
{
	static const char *const folders[] = {"write", "read",         "remove",      "other",
	                                      "clear", "clear/folder", "write/folder"};
	char path[128];

	for (unsigned i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		path_make(path, folders[i]);
		if (mkdir(path, 0700) < 0) {
			perror(path);
			exit(1);
		}
	}
	file_make("write/file");
	file_make("read/file");
	file_make("remove/file");
	file_make("other/file");
	file_make("clear/file");
	file_make("other/one");
}

// Its own process's rights are gone for good: this test is the last to need them.
static void test_files(void)
{
	rules_enter();
	CU_ASSERT_EQUAL(open_error("write/file", O_RDWR), 0);
	CU_ASSERT_EQUAL(open_error("write/fresh", O_RDWR | O_CREAT | O_EXCL), 0);
	CU_ASSERT_EQUAL(open_error("write", O_RDONLY | O_DIRECTORY), 0);
	CU_ASSERT_EQUAL(rename_error("write/fresh", "write/renamed"), 0);
	CU_ASSERT_EQUAL(unlink_error("write/renamed"), 0);
	CU_ASSERT_EQUAL(open_error("read/file", O_RDONLY), 0);
	CU_ASSERT_EQUAL(open_error("read/file", O_WRONLY), EACCES);
	CU_ASSERT_EQUAL(open_error("read/fresh", O_WRONLY | O_CREAT), EACCES);
	CU_ASSERT_EQUAL(unlink_error("read/file"), EACCES);
	CU_ASSERT_EQUAL(rename_error("write/file", "read/moved"), abi >= 2 ? EACCES : EXDEV);
	CU_ASSERT_EQUAL(open_error("remove/file", O_RDONLY), EACCES);
	CU_ASSERT_EQUAL(unlink_error("remove/file"), 0);
	CU_ASSERT_EQUAL(open_error("clear", O_RDONLY | O_DIRECTORY), 0);
	CU_ASSERT_EQUAL(open_error("clear/file", O_RDONLY), EACCES);
	CU_ASSERT_EQUAL(unlink_error("clear/file"), 0);
	CU_ASSERT_EQUAL(rmdir_error("clear/folder"), 0);
	CU_ASSERT_EQUAL(rmdir_error("write/folder"), EACCES);
	CU_ASSERT_EQUAL(open_error("other/file", O_RDONLY), EACCES);
	CU_ASSERT_EQUAL(open_error("other", O_RDONLY | O_DIRECTORY), EACCES);
	CU_ASSERT_EQUAL(open_error("other/one", O_RDONLY), 0);
	CU_ASSERT_EQUAL(connect_error(), abi >= 4 ? EACCES : ECONNREFUSED);
}

static void tree_remove(void)
{
	char command[160];

	snprintf(command, sizeof(command), "rm -r %s", base);
	if (system(command) != 0)
		printf("%s stays\n", base);
}

int main(void)
{
	static const CU_TestInfo tests[] = {{"files and TCP", test_files}, CU_TEST_INFO_NULL};
	int fd, status = 1;

	abi = fog_landlock_make(NULL, 0, &fd);
	if (abi == 0) {
		puts("a kernel with Landlock (CONFIG_SECURITY_LANDLOCK, lsm=...,landlock)");
		return 77;
	}
	close(fd);
	if (mkdtemp(base) == NULL)
		return 1;
	tree_make();
	pid_t pid = fork(); // so that somebody can still clean up
	if (pid == 0) {
		status = check_run("landlock", tests);
		fflush(stdout);
		_exit(status
		); // exit would look for leaks in a sanitized build, in a /proc that is shut
	}
	waitpid(pid, &status, 0);
	tree_remove();
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
