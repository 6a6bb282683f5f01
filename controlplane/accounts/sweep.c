// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Rows that are over.
#include "private.h"

enum { SWEEP_ROWS = 500, SWEEP_STEPS = 4 };

enum { SWEEP_RESETS = 1, SWEEP_SESSIONS = 3 }; // places of these in the table below

#define CHANGES_KEPT_US (60 * MINUTE_US)
#define NETWORKS_KEPT_US (90 * DAY_US)

// Tokens before their sessions, so that none has many left to take with it.
static const struct {
	const char *sql; // $1: before when, $2: how many
	int64_t kept_us;
} old[] = {
        {"DELETE FROM login_step WHERE hash IN (SELECT hash FROM login_step WHERE ends_at < $1 LIMIT $2)",
         0},
        [SWEEP_RESETS] =
                {"DELETE FROM reset_token WHERE hash IN (SELECT hash FROM reset_token WHERE ends_at < $1 LIMIT $2)",
                 0},
        {"DELETE FROM refresh_token WHERE hash IN (SELECT hash FROM refresh_token WHERE ends_at < $1 LIMIT $2)",
         0},
        [SWEEP_SESSIONS] =
                {"DELETE FROM session WHERE id IN (SELECT id FROM session WHERE ends_at < $1 LIMIT $2)",
                 DAY_US},
        {"DELETE FROM login_failure WHERE (who, network) IN "
         "(SELECT who, network FROM login_failure WHERE failed_at < $1 LIMIT $2)",
         2 * LOCK_US},
        {"DELETE FROM known_network WHERE (account_id, network) IN "
         "(SELECT account_id, network FROM known_network WHERE login_at < $1 LIMIT $2)",
         NETWORKS_KEPT_US},
        {"DELETE FROM rights_change WHERE version IN (SELECT version FROM rights_change WHERE changed_at < $1 LIMIT $2)",
         CHANGES_KEPT_US},
};

enum { SWEEP_TABLES = sizeof(old) / sizeof(old[0]) };

static int sweep_work(struct fog_tx *tx, void *ctx)
{
	const struct work *w = ctx;
	unsigned table = w->a->sweeping;

	return fog_db_run(
	        tx, old[table].sql,
	        FOG_BIND(FOG_INT(w->now_us - old[table].kept_us), FOG_INT(SWEEP_ROWS))
	);
}

static int sweep_steps(struct work *w, int deleted[SWEEP_TABLES])
{
	for (unsigned step = 0; step < SWEEP_STEPS;) {
		int r = accounts_write(w, sweep_work);

		if (r < 0)
			return r;
		deleted[w->a->sweeping] += r;
		if (r > 0)
			step++;
		if (r == SWEEP_ROWS)
			continue;
		w->a->sweeping = (w->a->sweeping + 1) % SWEEP_TABLES;
		if (w->a->sweeping == 0)
			return 0;
	}
	return 1;
}

int accounts_sweep(struct work *w)
{
	int deleted[SWEEP_TABLES] = {0};
	int r = sweep_steps(w, deleted);

	accounts_note_over(w->a, deleted[SWEEP_SESSIONS], deleted[SWEEP_RESETS]);
	return r;
}
