// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// An empty platform store for a test: at FOGLINE_STORE, a path or a URL that tests/postgres.py gives, else SQLite
// in a temporary file. Each open_empty begins anew, each close leaves nothing.
#pragma once

#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../../controlplane/store/db.h"

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

// Once more what is there already.
static inline struct fog_db *rig_open(void)
{
	char error[256] = "";
	struct fog_db *db = NULL;
	struct fog_db_params p = {.url = rig_url(), .error = error, .error_len = sizeof(error)};
	int r = fog_db_open(&db, &p);

	if (r < 0)
		fprintf(stderr, "%s\n", error);
	CU_ASSERT_EQUAL_FATAL(r, 0);
	return db;
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
		CU_ASSERT_EQUAL_FATAL(fog_db_write(db, rig_forget, NULL), 0);
	return db;
}

// Empty, then with all steps of the platform.
static inline struct fog_db *rig_open_migrated(void)
{
	char error[512] = "";
	struct fog_db *db = rig_open_empty();
	int r = fog_db_migrate(db, &fog_schema_platform, 0, error, sizeof(error));

	if (r < 0)
		fprintf(stderr, "%s\n", error);
	CU_ASSERT_FATAL(r > 0);
	return db;
}
