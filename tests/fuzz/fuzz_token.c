// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What stands behind "Bearer": any bytes are refused under a code of the few that callers know, and name nobody. They are
// also put where they get further: as the header, body or signature of a token whose other parts are good, and as a body that
// our own key has signed.
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../controlplane/accounts/private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct fog_accounts *accounts;
static struct fog_tokens tokens;

static void begin(void)
{
	char folder[] = "/tmp/fogline-fuzz-XXXXXX", store[64], key_file[64], more[80], error[256];
	struct fog_user_new n = {
	        .name = "fuzz", .password = "an owl in the fog", .roles = FOG_ROLE_USER};
	struct fog_login l = {.name = "fuzz", .password = "an owl in the fog", .source = "local"};
	struct fog_denial refusal;
	struct fog_user u;
	struct fog_db *db;

	if (mkdtemp(folder) == NULL)
		abort();
	snprintf(store, sizeof(store), "%s/db", folder);
	snprintf(key_file, sizeof(key_file), "%s/key", folder);
	const struct fog_db_params d = {.url = store, .error = error, .error_len = sizeof(error)};
	if (fog_db_open(&db, &d) < 0 ||
	    fog_db_migrate(db, &fog_schema_platform, 0, error, sizeof(error)) < 0)
		abort();
	const struct fog_accounts_params p = {
	        .db = db, .key_file = key_file, .error = error, .error_len = sizeof(error)};
	if (fog_accounts_open(&accounts, &p) < 0 || fog_user_add(accounts, &n, &u, &refusal) < 0 ||
	    fog_login(accounts, &l, &tokens, &refusal) < 0)
		abort();
	// Open files live on; nothing is left behind.
	static const char *const names[] = {"db", "db-wal", "db-shm", "key"};
	for (unsigned i = 0; i < 4; i++) {
		snprintf(more, sizeof(more), "%s/%s", folder, names[i]);
		unlink(more);
	}
	rmdir(folder);
}

// 'forged': nobody but we could have signed it.
static void show(const char *bearer, size_t len, bool forged)
{
	static const char *const codes[] = {"bad_token", "token_expired", "token_revoked"};
	// The exact size on the heap, so that a byte too far is found.
	char *copy = malloc(len > 0 ? len : 1);
	struct fog_denial refusal = {0};
	struct fog_caller c;
	bool known = false;

	memcpy(copy, bearer, len);
	int r = fog_caller_find(accounts, copy, len, &c, &refusal);
	free(copy);
	if (r == 0) {
		if (!forged)
			return;
		if (len != strlen(tokens.access) || memcmp(bearer, tokens.access, len) != 0)
			abort();
		return;
	}
	for (unsigned i = 0; i < 3; i++)
		known = known || strcmp(refusal.code, codes[i]) == 0;
	if (r != -EACCES || !known || refusal.text == NULL || c.kind != FOG_CALLER_NONE ||
	    c.roles != 0)
		abort();
}

// Part 'n' of the good token is 'data' in base64url.
static void show_part(unsigned n, const uint8_t *data, size_t size)
{
	char text[FOG_BEARER_MAX + 1] = "", *end = text;
	const char *part = tokens.access;

	if (size > 300)
		return;
	for (unsigned i = 0; i < 3; i++) {
		size_t len = strcspn(part, ".");
		if (i == n) {
			sodium_bin2base64(
			        end, 401, data, size, sodium_base64_VARIANT_URLSAFE_NO_PADDING
			);
			end += strlen(end);
		} else {
			memcpy(end, part, len);
			end += len;
		}
		*end++ = '.';
		part += len + (part[len] == '.');
	}
	show(text, (size_t)(end - text) - 1, true);
}

static void show_signed(const uint8_t *data, size_t size)
{
	char text[FOG_BEARER_MAX + 1], kid[SIGNING_KID_LEN + 1];
	size_t used = strcspn(tokens.access, ".") + 1;
	uint8_t signature[64];

	if (size > 300)
		return;
	memcpy(text, tokens.access, used);
	sodium_bin2base64(text + used, 401, data, size, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	if (signing_kid(&accounts->signing, accounts->now_us(), kid) < 0 ||
	    signing_sign(&accounts->signing, kid, (uint8_t *)text, strlen(text), signature) < 0)
		abort();
	strcat(text, ".");
	sodium_bin2base64(
	        text + strlen(text), 87, signature, sizeof(signature),
	        sodium_base64_VARIANT_URLSAFE_NO_PADDING
	);
	show(text, strlen(text), false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	atomic_store(&accounts->synced_ms, accounts->steady_ms());
	show((const char *)data, size, true);
	for (unsigned n = 0; n < 3; n++)
		show_part(n, data, size);
	show_signed(data, size);
	return 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	begin();
	return 0;
}
