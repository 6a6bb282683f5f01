// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// One-time codes by liboath (RFC 4226, RFC 6238). A code is taken one step early or late, and never one that is not newer than
// the last one. Backup codes are 40 random bits each, hashed with a key that is not in the store.
#include <errno.h>
#include <liboath/oath.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"

enum {
	TOTP_SECRET_LEN = 20,
	TOTP_DIGITS = 6,
	TOTP_STEP_S = 30,
	TOTP_STEPS = 1,
	CODE_CHARACTERS = 8
};

// Crockford's, without what is taken for another one.
static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static void totp_context(int64_t user_id, char context[SEAL_CONTEXT_MAX])
{
	snprintf(context, SEAL_CONTEXT_MAX, "totp %lld", (long long)user_id);
}

// Open the secret of an account. Returns 0, -ENODATA (it has none), or an error of the store.
static int secret_get(
        struct fog_tx *tx, struct fog_accounts *a, int64_t user_id, uint8_t secret[TOTP_SECRET_LEN],
        bool *on
)
{
	char context[SEAL_CONTEXT_MAX];
	struct fog_rows row;
	size_t len = 0;
	int r = fog_db_one(
	        tx, &row, "SELECT totp_secret, totp_on FROM account WHERE id = $1",
	        FOG_BIND(FOG_INT(user_id))
	);

	if (r == 0) {
		const uint8_t *box = fog_rows_bytes(&row, 0, &len);
		*on = fog_rows_int(&row, 1) != 0;
		totp_context(user_id, context);
		if (len == 0)
			r = -ENODATA;
		else if (len != TOTP_SECRET_LEN + SEAL_MORE || seal_unbox(a->seal, context, box, len, secret) < 0)
			r = -EIO;
	}
	fog_rows_end(&row);
	return r;
}

// The step that 'code' is of, or -1. All of them are tried in any case.
static int64_t totp_step(const uint8_t secret[TOTP_SECRET_LEN], const char *code, int64_t now_us)
{
	int64_t now = now_us / SECOND_US / TOTP_STEP_S, found = -1;
	char want[TOTP_DIGITS + 1];

	for (int64_t step = now - TOTP_STEPS; step <= now + TOTP_STEPS; step++) {
		if (oath_hotp_generate(
		            (const char *)secret, TOTP_SECRET_LEN, (uint64_t)step, TOTP_DIGITS,
		            false, OATH_HOTP_DYNAMIC_TRUNCATION, want
		    ) != OATH_OK)
			return -1;
		if (sodium_memcmp(want, code, TOTP_DIGITS) == 0)
			found = step;
	}
	sodium_memzero(want, sizeof(want));
	return found;
}

static int totp_take_code(
        struct fog_tx *tx, struct work *w, int64_t user_id, const char *code, bool on
)
{
	uint8_t secret[TOTP_SECRET_LEN];
	bool confirmed = false;
	int r = secret_get(tx, w->a, user_id, secret, &confirmed);

	if (r == -ENODATA || (r == 0 && confirmed != on))
		return 0;
	if (r < 0)
		return r;
	int64_t step = totp_step(secret, code, w->now_us);
	sodium_memzero(secret, sizeof(secret));
	if (step < 0)
		return 0;
	return fog_db_run(
	        tx, "UPDATE account SET totp_step = $2 WHERE id = $1 AND totp_step < $2",
	        FOG_BIND(FOG_INT(user_id), FOG_INT(step))
	);
}

static void backup_hash(
        struct fog_accounts *a, int64_t user_id, const char plain[CODE_CHARACTERS],
        uint8_t hash[HASH_LEN]
)
{
	char context[SEAL_CONTEXT_MAX];

	snprintf(context, sizeof(context), "backup code %lld", (long long)user_id);
	seal_hash(a->seal, context, plain, CODE_CHARACTERS, hash, HASH_LEN);
}

static int backup_count(struct fog_tx *tx, int64_t user_id, int *left)
{
	struct fog_rows row;
	int r = fog_db_one(
	        tx, &row, "SELECT count(*) FROM backup_code WHERE account_id = $1",
	        FOG_BIND(FOG_INT(user_id))
	);

	if (r == 0)
		*left = (int)fog_rows_int(&row, 0);
	fog_rows_end(&row);
	return r;
}

static int backup_take(
        struct fog_tx *tx, struct work *w, int64_t user_id, const char plain[CODE_CHARACTERS],
        int *left
)
{
	uint8_t hash[HASH_LEN];

	backup_hash(w->a, user_id, plain, hash);
	int n = fog_db_run(
	        tx, "DELETE FROM backup_code WHERE account_id = $1 AND hash = $2",
	        FOG_BIND(FOG_INT(user_id), FOG_BYTES(hash, sizeof(hash)))
	);
	int r = n > 0 ? backup_count(tx, user_id, left) : n;
	return r < 0 ? r : n > 0;
}

// Without its dash, in capitals. Returns whether it is of the form of a backup code.
static bool backup_plain(const char *code, char plain[CODE_CHARACTERS])
{
	unsigned n = 0;

	for (; *code != '\0'; code++) {
		char c = *code >= 'a' && *code <= 'z' ? (char)(*code - 'a' + 'A') : *code;
		if (c == '-' && n == CODE_CHARACTERS / 2)
			continue;
		if (n == CODE_CHARACTERS || strchr(alphabet, c) == NULL)
			return false;
		plain[n++] = c;
	}
	return n == CODE_CHARACTERS;
}

int totp_take(struct fog_tx *tx, struct work *w, int64_t user_id, const char *code, int *left)
{
	char plain[CODE_CHARACTERS];

	if (strlen(code) == TOTP_DIGITS)
		return totp_take_code(tx, w, user_id, code, true);
	return backup_plain(code, plain) ? backup_take(tx, w, user_id, plain, left) : 0;
}

int totp_confirm(struct fog_tx *tx, struct work *w, int64_t user_id, const char *code)
{
	return strlen(code) == TOTP_DIGITS ? totp_take_code(tx, w, user_id, code, false) : 0;
}

int totp_fresh(
        struct fog_tx *tx, struct work *w, int64_t user_id, char text[FOG_TOTP_SECRET_LEN + 1]
)
{
	uint8_t secret[TOTP_SECRET_LEN], box[TOTP_SECRET_LEN + SEAL_MORE];
	char context[SEAL_CONTEXT_MAX], *base32 = NULL;

	randombytes_buf(secret, sizeof(secret));
	int r = oath_base32_encode((const char *)secret, sizeof(secret), &base32, NULL) == OATH_OK
	        ? 0
	        : -ENOMEM;
	if (r == 0) {
		snprintf(text, FOG_TOTP_SECRET_LEN + 1, "%s", base32);
		sodium_memzero(base32, strlen(base32));
		free(base32);
		totp_context(user_id, context);
		seal_box(w->a->seal, context, secret, sizeof(secret), box);
		r = fog_db_run(
		        tx,
		        "UPDATE account SET totp_secret = $2, totp_on = 0, totp_step = 0 WHERE id = $1",
		        FOG_BIND(FOG_INT(user_id), FOG_BYTES(box, sizeof(box)))
		);
	}
	sodium_memzero(secret, sizeof(secret));
	return r < 0 ? r : 0;
}

int backup_fresh(struct fog_tx *tx, struct work *w, int64_t user_id, fog_backup_codes codes)
{
	int r = fog_db_run(
	        tx, "DELETE FROM backup_code WHERE account_id = $1", FOG_BIND(FOG_INT(user_id))
	);

	for (unsigned i = 0; i < FOG_BACKUP_CODES && r >= 0; i++) {
		uint8_t random[CODE_CHARACTERS], hash[HASH_LEN];
		char plain[CODE_CHARACTERS];

		randombytes_buf(random, sizeof(random));
		for (unsigned k = 0; k < CODE_CHARACTERS; k++)
			plain[k] = alphabet[random[k] % 32];
		snprintf(codes[i], sizeof(codes[i]), "%.4s-%.4s", plain, plain + 4);
		backup_hash(w->a, user_id, plain, hash);
		r = fog_db_run(
		        tx, "INSERT INTO backup_code (account_id, hash) VALUES ($1, $2)",
		        FOG_BIND(FOG_INT(user_id), FOG_BYTES(hash, sizeof(hash)))
		);
		sodium_memzero(random, sizeof(random));
		sodium_memzero(plain, sizeof(plain));
	}
	return r < 0 ? r : 0;
}
