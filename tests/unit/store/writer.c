// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Writes rows into a platform store and says of each that it is written, for tests that kill it or the store.
//
//   fog-store-writer STORE WRITES THREADS
//
// Each thread goes on where it was in the last run: row n of thread t, and in the same transaction the counter of t
// becomes n. "t n" on stdout, in one write(2), means that both are durable. A store that does not answer is asked
// again for as long as it takes.
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../../controlplane/store/db.h"

enum { THREADS_MAX = 16, PAUSE_US = 20000 };

static const struct fog_schema_step steps[] = {
        {1, "writer",
         "CREATE TABLE counter(thread $INT PRIMARY KEY, n $INT NOT NULL) $STRICT;\n"
         "CREATE TABLE written(thread $INT NOT NULL, n $INT NOT NULL, data $BYTES NOT NULL,"
         " PRIMARY KEY(thread, n)) $STRICT;\n",
         "writer"},
};

static const struct fog_schema schema = {steps, 1};
static struct fog_db *db;
static int writes;

static int write_work(struct fog_tx *tx, void *ctx)
{
	uint8_t data[200];
	struct fog_rows rows;
	int64_t thread = *(int64_t *)ctx, n = 1;
	int r = fog_db_one(
	        tx, &rows, "SELECT n FROM counter WHERE thread=$1", FOG_BIND(FOG_INT(thread))
	);

	if (r == 0)
		n = fog_rows_int(&rows, 0) + 1;
	fog_rows_end(&rows);
	if (r < 0 && r != -ENOENT)
		return r;
	memset(data, (int)n, sizeof(data));
	r = fog_db_run(
	        tx, "INSERT INTO written VALUES($1, $2, $3)",
	        FOG_BIND(FOG_INT(thread), FOG_INT(n), FOG_BYTES(data, sizeof(data)))
	);
	if (r >= 0)
		r = fog_db_run(
		        tx,
		        "INSERT INTO counter VALUES($1, $2)"
		        " ON CONFLICT(thread) DO UPDATE SET n = excluded.n",
		        FOG_BIND(FOG_INT(thread), FOG_INT(n))
		);
	return r < 0 ? r : (int)n;
}

static void *write_thread(void *ctx)
{
	char line[32];

	for (int i = 0; i < writes;) {
		int n = fog_db_write(db, write_work, ctx);

		if (n > 0) {
			int len = snprintf(line, sizeof(line), "%d %d\n", (int)*(int64_t *)ctx, n);
			if (write(STDOUT_FILENO, line, (size_t)len) != len)
				return ctx;
			i++;
		} else if (n == -EAGAIN || n == -EBUSY) {
			usleep(PAUSE_US);
		} else {
			fprintf(stderr, "fog-store-writer: %s\n", strerror(-n));
			return ctx;
		}
	}
	return NULL;
}

static int migrate(char error[256])
{
	int r;

	do {
		r = fog_db_migrate(db, &schema, 0, error, 256);
		if (r == -EAGAIN)
			usleep(PAUSE_US);
	} while (r == -EAGAIN);
	return r;
}

int main(int argc, char **argv)
{
	char error[256] = "";
	pthread_t thread[THREADS_MAX];
	int64_t number[THREADS_MAX];
	int count = argc == 4 ? atoi(argv[3]) : 0, failed = 0;

	if (count < 1 || count > THREADS_MAX) {
		fprintf(stderr, "usage: fog-store-writer STORE WRITES THREADS\n");
		return 2;
	}
	writes = atoi(argv[2]);
	struct fog_db_params p = {.url = argv[1], .error = error, .error_len = sizeof(error)};
	if (fog_db_open(&db, &p) < 0 || migrate(error) < 0) {
		fprintf(stderr, "fog-store-writer: %s\n", error);
		return 1;
	}
	for (int i = 0; i < count; i++) {
		number[i] = i;
		if (pthread_create(&thread[i], NULL, write_thread, &number[i]) != 0)
			return 1;
	}
	for (int i = 0; i < count; i++) {
		void *bad;

		pthread_join(thread[i], &bad);
		failed += bad != NULL;
	}
	fog_db_close(db);
	return failed > 0;
}
