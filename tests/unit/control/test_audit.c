// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The audit log goes on in a new file: no entry is lost or doubled, whatever happens meanwhile.
#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../controlplane/auth/audit.h"
#include "../run.h"

enum { FILE_MAX = 4096, ENTRIES = 400, THREADS = 4 };

static char folder[64], path[128];

static int append(struct fog_audit *a, unsigned number)
{
	char id[17];
	const struct fog_audit_entry e = {id, "uid 0", "POST", "/v1/messages", 202, "body", 4};

	snprintf(id, sizeof(id), "%u", number);
	return fog_audit_append(a, &e);
}

// Count each number that stands in PATH.'file' (0: in PATH). Returns how many entries it has, or -1
// when there is no such file.
static int count(unsigned file, unsigned seen[ENTRIES], bool *limits)
{
	char name[160], line[1024];
	struct stat st;
	int n = 0;

	snprintf(name, sizeof(name), file == 0 ? "%s" : "%s.%u", path, file);
	FILE *f = fopen(name, "re");
	if (f == NULL)
		return -1;
	fstat(fileno(f), &st);
	*limits &= (st.st_mode & 0777) == 0600 && st.st_size <= FILE_MAX;
	for (; fgets(line, sizeof(line), f) != NULL; n++) {
		json_t *entry = json_loads(line, 0, NULL);
		unsigned number = (unsigned
		)atoi(json_string_value(json_object_get(entry, "request_id")));
		CU_ASSERT_TRUE_FATAL(entry != NULL && number < ENTRIES);
		seen[number]++;
		json_decref(entry);
	}
	fclose(f);
	return n;
}

static void clean(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s/*", folder);
	CU_ASSERT_EQUAL(system(command), 0);
}

// Returns how many files there are; the entries found are counted in 'seen'.
static unsigned collect(unsigned seen[ENTRIES])
{
	bool limits = true;
	unsigned files = 0;

	memset(seen, 0, ENTRIES * sizeof(seen[0]));
	while (count(files, seen, &limits) >= 0)
		files++;
	CU_ASSERT_TRUE(limits);
	return files;
}

static void test_all_kept(void)
{
	unsigned seen[ENTRIES];
	struct fog_audit *a;

	CU_ASSERT_EQUAL_FATAL(fog_audit_open(&a, path, FILE_MAX, 99), 0);
	for (unsigned i = 0; i < ENTRIES; i++) {
		CU_ASSERT_EQUAL(append(a, i), 0);
		if (i == ENTRIES / 2) { // a restart in between
			fog_audit_close(a);
			CU_ASSERT_EQUAL_FATAL(fog_audit_open(&a, path, FILE_MAX, 99), 0);
		}
	}
	fog_audit_close(a);
	CU_ASSERT_TRUE(collect(seen) > 10);
	for (unsigned i = 0; i < ENTRIES; i++)
		CU_ASSERT_EQUAL(seen[i], 1);
	clean();
}

// The newest ones stay, without a gap.
static void test_oldest_goes(void)
{
	unsigned seen[ENTRIES], first = 0;
	struct fog_audit *a;

	CU_ASSERT_EQUAL_FATAL(fog_audit_open(&a, path, FILE_MAX, 3), 0);
	for (unsigned i = 0; i < ENTRIES; i++)
		CU_ASSERT_EQUAL(append(a, i), 0);
	fog_audit_close(a);
	CU_ASSERT_EQUAL(collect(seen), 3);
	while (first < ENTRIES && seen[first] == 0)
		first++;
	CU_ASSERT_TRUE(first > 0 && ENTRIES - first > 2 * FILE_MAX / 300);
	for (unsigned i = first; i < ENTRIES; i++)
		CU_ASSERT_EQUAL(seen[i], 1);
	clean();
}

struct writer {
	struct fog_audit *audit;
	unsigned from;
	int result;
};

static void *writer(void *arg)
{
	struct writer *w = arg;

	for (unsigned i = w->from; i < ENTRIES; i += THREADS)
		w->result |= append(w->audit, i);
	return NULL;
}

static void test_threads(void)
{
	unsigned seen[ENTRIES];
	struct writer w[THREADS];
	pthread_t thread[THREADS];
	struct fog_audit *a;

	CU_ASSERT_EQUAL_FATAL(fog_audit_open(&a, path, FILE_MAX, 99), 0);
	for (unsigned i = 0; i < THREADS; i++) {
		w[i] = (struct writer){a, i, 0};
		pthread_create(&thread[i], NULL, writer, &w[i]);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(thread[i], NULL);
		CU_ASSERT_EQUAL(w[i].result, 0);
	}
	fog_audit_close(a);
	collect(seen);
	for (unsigned i = 0; i < ENTRIES; i++)
		CU_ASSERT_EQUAL(seen[i], 1);
	clean();
}

// There can be no new file: the old one grows on, and no old file was moved or removed for nothing.
static void test_no_new_file(void)
{
	unsigned seen[ENTRIES] = {0};
	char blocker[160];
	bool limits = true;
	struct fog_audit *a;

	CU_ASSERT_EQUAL_FATAL(fog_audit_open(&a, path, FILE_MAX, 2), 0);
	for (unsigned i = 0; i < 30; i++)
		CU_ASSERT_EQUAL(append(a, i), 0);
	snprintf(blocker, sizeof(blocker), "%s.new", path);
	CU_ASSERT_EQUAL_FATAL(mkdir(blocker, 0700), 0);
	count(1, seen, &limits);
	unsigned before[ENTRIES];
	memcpy(before, seen, sizeof(before));
	for (unsigned i = 30; i < 100; i++)
		CU_ASSERT_EQUAL(append(a, i), 0);
	memset(seen, 0, sizeof(seen));
	count(1, seen, &limits);
	CU_ASSERT_EQUAL(memcmp(seen, before, sizeof(seen)), 0);
	count(0, seen, &limits);
	for (unsigned i = 30; i < 100; i++)
		CU_ASSERT_EQUAL(seen[i], 1);
	CU_ASSERT_EQUAL(rmdir(blocker), 0);
	CU_ASSERT_EQUAL(append(a, 100), 0);
	memset(seen, 0, sizeof(seen));
	CU_ASSERT_EQUAL(count(0, seen, &limits), 1);
	fog_audit_close(a);
	clean();
}

// Moved away by somebody else, as logrotate does.
static void test_reopen(void)
{
	unsigned seen[ENTRIES] = {0};
	char moved[160];
	bool limits = true;
	struct fog_audit *a;

	CU_ASSERT_EQUAL_FATAL(fog_audit_open(&a, path, FILE_MAX, 2), 0);
	CU_ASSERT_EQUAL(append(a, 0), 0);
	snprintf(moved, sizeof(moved), "%s.7", path);
	CU_ASSERT_EQUAL(rename(path, moved), 0);
	CU_ASSERT_EQUAL(append(a, 1), 0);
	CU_ASSERT_EQUAL(fog_audit_reopen(a), 0);
	CU_ASSERT_EQUAL(append(a, 2), 0);
	fog_audit_close(a);
	CU_ASSERT_EQUAL(count(7, seen, &limits), 2);
	CU_ASSERT_EQUAL(count(0, seen, &limits), 1);
	CU_ASSERT_TRUE(seen[0] == 1 && seen[1] == 1 && seen[2] == 1 && limits);
	clean();
}

// A disk that takes only a part of a line, as a limit of the file's size does: the entry fails, and the
// next one is a whole line.
static void test_torn(void)
{
	unsigned seen[ENTRIES] = {0};
	struct rlimit whole, part;
	struct fog_audit *a;
	bool limits = true;
	struct stat st;

	CU_ASSERT_EQUAL_FATAL(fog_audit_open(&a, path, FILE_MAX, 3), 0);
	CU_ASSERT_EQUAL(append(a, 0), 0);
	CU_ASSERT_EQUAL_FATAL(stat(path, &st), 0);
	CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_FSIZE, &whole), 0);
	part = whole;
	part.rlim_cur = (rlim_t)st.st_size + 10;
	signal(SIGXFSZ, SIG_IGN);
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &part), 0);
	int torn = append(a, 1);
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &whole), 0);
	signal(SIGXFSZ, SIG_DFL);
	CU_ASSERT_EQUAL(torn, -ENOSPC);
	CU_ASSERT_EQUAL(append(a, 2), 0);
	fog_audit_close(a);
	CU_ASSERT_EQUAL(count(0, seen, &limits), 2);
	CU_ASSERT_TRUE(seen[0] == 1 && seen[1] == 0 && seen[2] == 1);
	clean();
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"every entry once", test_all_kept},
	        {"the oldest file goes", test_oldest_goes},
	        {"several threads", test_threads},
	        {"no new file", test_no_new_file},
	        {"moved away", test_reopen},
	        {"half a line", test_torn},
	        CU_TEST_INFO_NULL,
	};
	char command[128];

	snprintf(folder, sizeof(folder), "/tmp/fog-audit-XXXXXX");
	if (sodium_init() < 0 || mkdtemp(folder) == NULL)
		return 1;
	snprintf(path, sizeof(path), "%s/audit.jsonl", folder);
	int r = check_run("audit", tests);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command) == 0 ? r : 1;
}
