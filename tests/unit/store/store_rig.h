// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A platform store for a test: at FOGLINE_STORE, a path or a URL that tests/postgres.py gives, else SQLite in a temporary
// file. Each open begins anew, each close leaves nothing. Where FOGLINE_OLD_STORE is set, what is migrated was not empty.
#pragma once

#include <CUnit/Basic.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../controlplane/store/db_private.h"

// Also outside of a test, where CUnit asserts nothing.
static inline void rig_must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "store_rig: %s failed\n", what);
	exit(1);
}

static inline const char *rig_url(void)
{
	static char path[64];
	const char *url = getenv("FOGLINE_STORE");

	if (url != NULL)
		return url;
	snprintf(path, sizeof(path), "/tmp/fogline-test-%d.db", (int)getpid());
	return path;
}

static inline bool rig_is_shared(void)
{
	return strncmp(rig_url(), "postgresql:", 11) == 0;
}

static inline void rig_unlink(void)
{
	static const char *const ends[] = {"", "-wal", "-shm"};
	char path[4096];

	for (unsigned i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s%s", rig_url(), ends[i]);
		unlink(path);
	}
}

static inline void rig_close(struct fog_db *db)
{
	fog_db_close(db);
	if (!rig_is_shared())
		rig_unlink();
}

static inline struct fog_db *rig_open_url(const char *url)
{
	char error[256] = "";
	struct fog_db *db = NULL;
	struct fog_db_params p = {.url = url, .error = error, .error_len = sizeof(error)};
	int r = fog_db_open(&db, &p);

	if (r < 0)
		fprintf(stderr, "%s\n", error);
	rig_must(r == 0, "opening the store");
	return db;
}

// Once more what is there already.
static inline struct fog_db *rig_open(void)
{
	return rig_open_url(rig_url());
}

static inline int rig_forget(struct fog_tx *tx, void *ctx)
{
	int r = fog_db_run(tx, "DROP SCHEMA IF EXISTS public CASCADE", FOG_NONE);

	return r < 0 ? r : fog_db_run(tx, "CREATE SCHEMA public", FOG_NONE);
}

static inline struct fog_db *rig_open_empty(void)
{
	if (!rig_is_shared())
		rig_unlink();
	struct fog_db *db = rig_open();

	if (fog_db_shared(db))
		rig_must(fog_db_write(db, rig_forget, NULL) == 0, "emptying the store");
	return db;
}

// A file of the old store; NULL where tests are to begin with nothing.
static inline FILE *rig_old_file(const char *name)
{
	const char *folder = getenv("FOGLINE_OLD_STORE");
	char path[4096];

	if (folder == NULL)
		return NULL;
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *f = fopen(path, "re");
	rig_must(f != NULL, path);
	return f;
}

static inline int rig_script(struct fog_tx *tx, void *ctx)
{
	return db_script(tx, ctx);
}

// What an older version left, if tests begin with that.
static inline void rig_put_old(struct fog_db *db)
{
	static char text[1 << 16];
	FILE *f = rig_old_file(rig_is_shared() ? "postgresql.sql" : "sqlite.sql");

	if (f == NULL)
		return;
	size_t len = fread(text, 1, sizeof(text) - 1, f);
	rig_must(len > 0 && feof(f), "reading the old store");
	fclose(f);
	text[len] = '\0';
	rig_must(db_transact(db, DB_SCHEMA, rig_script, text) == 0, "making the old store");
}

// Empty or old, then with all steps of the platform.
static inline struct fog_db *rig_open_migrated(void)
{
	char error[512] = "";
	struct fog_db *db = rig_open_empty();

	rig_put_old(db);
	int r = fog_db_migrate(db, &fog_schema_platform, 0, error, sizeof(error));

	if (r < 0)
		fprintf(stderr, "%s\n", error);
	CU_ASSERT_FATAL(r > 0);
	return db;
}

// The key that the old store was made with; nothing where there is none.
static inline void rig_put_key(const char *path)
{
	uint8_t key[32];
	FILE *from = rig_old_file("platform.key");

	if (from == NULL)
		return;
	int to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	rig_must(
	        fread(key, 1, sizeof(key), from) == sizeof(key) &&
	                write(to, key, sizeof(key)) == sizeof(key),
	        path
	);
	close(to);
	fclose(from);
}

// The store that a node finds at its first start, which 'state_dir' isn't there before. Returns a line of its configuration.
static inline const char *rig_node_store(const char *state_dir)
{
	static char line[4200];
	char path[4096];
	bool old = getenv("FOGLINE_OLD_STORE") != NULL;
	struct fog_db *db = NULL;

	line[0] = '\0';
	if (old) {
		snprintf(path, sizeof(path), "%s/control", state_dir);
		rig_must(mkdir(state_dir, 0711) == 0 && mkdir(path, 0700) == 0, path);
		snprintf(path, sizeof(path), "%s/control/platform.key", state_dir);
		rig_put_key(path);
		snprintf(path, sizeof(path), "%s/control/platform.db", state_dir);
	}
	if (rig_is_shared()) {
		db = rig_open_empty();
		snprintf(line, sizeof(line), "store: {url: \"%s\"}\n", rig_url());
	} else if (old) {
		db = rig_open_url(path);
	}
	if (db != NULL)
		rig_put_old(db);
	fog_db_close(db);
	return line;
}
