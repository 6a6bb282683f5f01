// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Failed logins. They are counted by name and source network (/24, /56): five lock this pair for half an hour, and nobody
// else. Many failures of one name from everywhere only slow down those who come from networks that it has never logged in
// from, by a minute at most. A name that nobody has is treated alike.
#include <arpa/inet.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "private.h"

enum { PAIR_FAILURES = 5, NAME_FAILURES = 10, DELAY_MAX_S = 60 };

#define EVERYWHERE ""

// Without the host's part, of IPv6 with so many bytes. What is no address stands for itself.
static void network_of(const char *source, unsigned bytes, char network[NETWORK_MAX])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	uint8_t ip[16];

	if (inet_pton(AF_INET6, source, ip) == 1 && memcmp(ip, mapped, sizeof(mapped)) != 0) {
		memset(ip + bytes, 0, sizeof(ip) - bytes);
		inet_ntop(AF_INET6, ip, network, NETWORK_MAX);
	} else if (inet_pton(AF_INET6, source, ip) == 1) {
		snprintf(network, NETWORK_MAX, "%u.%u.%u.0", ip[12], ip[13], ip[14]);
	} else if (inet_pton(AF_INET, source, ip) == 1) {
		snprintf(network, NETWORK_MAX, "%u.%u.%u.0", ip[0], ip[1], ip[2]);
	} else {
		snprintf(network, NETWORK_MAX, "%s", source[0] != '\0' ? source : "local");
	}
}

void attempt_name(struct fog_accounts *a, struct attempt *t, const char *name, const char *source)
{
	char small[FOG_USER_NAME_MAX + 1];
	size_t len = strlen(name);

	// Spelled in any way it is one name, and what is no name is counted, too.
	if (user_name(name, small) == 0) {
		name = small;
		len = strlen(small);
	}
	seal_hash(a->seal, "login name", name, len, t->who, sizeof(t->who));
	network_of(source, 7, t->network);
	network_of(source, 6, t->wide);
}

struct failures {
	int64_t count, failed_us, locked_us;
};

static int failures_get(
        struct fog_tx *tx, const struct attempt *t, const char *network, int64_t now_us,
        struct failures *f
)
{
	struct fog_rows row;
	int r = fog_db_one(
	        tx, &row,
	        "SELECT failures, failed_at, locked_until FROM login_failure WHERE who = $1 AND network = $2",
	        FOG_BIND(FOG_BYTES(t->who, sizeof(t->who)), FOG_TEXT(network))
	);

	*f = (struct failures){0};
	if (r == 0)
		*f = (struct failures
		){fog_rows_int(&row, 0), fog_rows_int(&row, 1), fog_rows_int(&row, 2)};
	fog_rows_end(&row);
	if (f->failed_us + LOCK_US < now_us)
		f->count = 0; // long ago
	return r == -ENOENT ? 0 : r;
}

static int failures_put(
        struct fog_tx *tx, const struct attempt *t, const char *network, const struct failures *f
)
{
	int r = fog_db_run(
	        tx,
	        "INSERT INTO login_failure (who, network, failures, failed_at, locked_until) VALUES ($1, $2, $3, $4, $5) "
	        "ON CONFLICT (who, network) DO UPDATE SET failures = $3, failed_at = $4, locked_until = $5",
	        FOG_BIND(
	                FOG_BYTES(t->who, sizeof(t->who)), FOG_TEXT(network), FOG_INT(f->count),
	                FOG_INT(f->failed_us), FOG_INT(f->locked_us)
	        )
	);

	return r < 0 ? r : 0;
}

static int network_known(struct fog_tx *tx, const struct attempt *t, int64_t user_id)
{
	struct fog_rows row;
	int r = fog_db_one(
	        tx, &row, "SELECT 1 FROM known_network WHERE account_id = $1 AND network = $2",
	        FOG_BIND(FOG_INT(user_id), FOG_TEXT(t->network))
	);

	fog_rows_end(&row);
	return r == -ENOENT ? 0 : r == 0 ? 1 : r;
}

static unsigned seconds_left(int64_t until_us, int64_t now_us)
{
	return (unsigned)((until_us - now_us + SECOND_US - 1) / SECOND_US);
}

static int attempt_pair(struct fog_tx *tx, struct work *w, const struct attempt *t)
{
	struct failures f;
	int r = failures_get(tx, t, t->network, w->now_us, &f);

	if (r < 0)
		return r;
	if (f.locked_us > w->now_us)
		return refuse_for(
		        w->refusal, -EDQUOT, "locked", "locked_pair",
		        "Too many failed logins of this name from this network: wait, or have an admin unlock it.",
		        seconds_left(f.locked_us, w->now_us)
		);
	f.count++;
	f.failed_us = w->now_us;
	w->locks = f.count >= PAIR_FAILURES;
	f.locked_us = w->locks ? w->now_us + LOCK_US : 0;
	return failures_put(tx, t, t->network, &f);
}

static int attempt_everywhere(
        struct fog_tx *tx, struct work *w, const struct attempt *t, int64_t user_id
)
{
	struct failures f;
	int r = failures_get(tx, t, EVERYWHERE, w->now_us, &f);
	int known = r < 0 ? r : network_known(tx, t, user_id);

	if (known < 0)
		return known;
	if (!known && f.locked_us > w->now_us)
		return refuse_for(
		        w->refusal, -EDQUOT, "locked", "delayed",
		        "Too many failed logins of this name: wait a little.",
		        seconds_left(f.locked_us, w->now_us)
		);
	f.count++;
	f.failed_us = w->now_us;
	if (f.count > NAME_FAILURES) {
		int64_t over = f.count - NAME_FAILURES - 1;
		int64_t delay_s = over < 6 ? (int64_t)1 << over : DELAY_MAX_S;
		f.locked_us = w->now_us + delay_s * SECOND_US;
	}
	return failures_put(tx, t, EVERYWHERE, &f);
}

int attempt_begin(struct fog_tx *tx, struct work *w, const struct attempt *t, int64_t user_id)
{
	int r = attempt_pair(tx, w, t);

	return r < 0 ? r : attempt_everywhere(tx, w, t, user_id);
}

int attempt_undo(struct fog_tx *tx, const struct attempt *t)
{
	int r = fog_db_run(
	        tx,
	        "UPDATE login_failure SET failures = failures - 1, locked_until = 0 "
	        "WHERE who = $1 AND network IN ($2, '') AND failures > 0",
	        FOG_BIND(FOG_BYTES(t->who, sizeof(t->who)), FOG_TEXT(t->network))
	);

	return r < 0 ? r : 0;
}

int attempt_done(struct fog_tx *tx, struct work *w, const struct attempt *t, int64_t user_id)
{
	int r = attempt_undo(tx, t);

	if (r >= 0)
		r = fog_db_run(
		        tx, "DELETE FROM login_failure WHERE who = $1 AND network = $2",
		        FOG_BIND(FOG_BYTES(t->who, sizeof(t->who)), FOG_TEXT(t->network))
		);
	if (r >= 0)
		r = fog_db_run(
		        tx,
		        "INSERT INTO known_network (account_id, network, login_at) VALUES ($1, $2, $3) "
		        "ON CONFLICT (account_id, network) DO UPDATE SET login_at = $3",
		        FOG_BIND(FOG_INT(user_id), FOG_TEXT(t->network), FOG_INT(w->now_us))
		);
	if (r >= 0)
		r = fog_db_run(
		        tx,
		        "DELETE FROM known_network WHERE account_id = $1 AND network NOT IN "
		        "(SELECT network FROM known_network WHERE account_id = $1 ORDER BY login_at DESC LIMIT 32)",
		        FOG_BIND(FOG_INT(user_id))
		);
	return r < 0 ? r : 0;
}

int attempt_forget(struct fog_tx *tx, const uint8_t who[WHO_LEN])
{
	int r = fog_db_run(
	        tx, "DELETE FROM login_failure WHERE who = $1", FOG_BIND(FOG_BYTES(who, WHO_LEN))
	);

	return r < 0 ? r : 0;
}

struct sparing {
	struct work work;
	const struct attempt *attempt;
};

static int sparing_work(struct fog_tx *tx, void *ctx)
{
	const struct sparing *s = ctx;

	return attempt_undo(tx, s->attempt);
}

void attempt_spare(struct work *w, const struct attempt *t)
{
	struct fog_denial refusal;
	struct sparing s = {.work = {.a = w->a, .refusal = &refusal}, .attempt = t};

	accounts_write(&s.work, sparing_work);
}

int attempt_verify(
        struct work *w, const struct attempt *t, const char *stored, const char *password
)
{
	int r = password_verify(w->a, t->wide, stored, password, w->refusal);

	if (r < 0)
		attempt_spare(w, t);
	return r;
}
