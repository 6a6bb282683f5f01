// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Enrolments: a token that the operator carries to the new host, and what that host says with it.
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "../mixnet/identity.h"
#include "private.h"

struct deploy {
	int64_t id, now_us;
	const char *configuration;
	const uint8_t *hash;
	struct fog_betanet_node *out;
};

static int deploy_work(struct fog_tx *tx, void *ctx)
{
	const struct deploy *d = ctx;
	int r = betanet_find(tx, d->id, d->now_us, d->out);

	if (r == 0 && d->out->state == FOG_BETANET_ACTIVE)
		r = -EALREADY;
	if (r == 0)
		r = fog_db_run(
		        tx,
		        "UPDATE betanet_node SET version = version + 1, changed_us = $2, deployed_us = $2, "
		        "enrolment_until_us = $3, enrolled_us = NULL, token_hash = $4, configuration = $5 "
		        "WHERE id = $1",
		        FOG_BIND(
		                FOG_INT(d->id), FOG_INT(d->now_us),
		                FOG_INT(d->now_us + FOG_BETANET_ENROLMENT_S * INT64_C(1000000)),
		                FOG_BYTES(d->hash, BETANET_HASH), FOG_TEXT(d->configuration)
		        )
		);
	return r < 0 ? r : betanet_find(tx, d->id, d->now_us, d->out);
}

int fog_betanet_deploy(
        struct fog_db *db, int64_t id, const char *configuration, int64_t now_us,
        char token[FOG_BETANET_TOKEN_LEN], struct fog_betanet_node *out
)
{
	uint8_t hash[BETANET_HASH];
	int r;

	betanet_token(token, hash);
	r = fog_db_write(
	        db, deploy_work,
	        &(struct deploy
	        ){.id = id,
	          .now_us = now_us,
	          .configuration = configuration,
	          .hash = hash,
	          .out = out}
	);
	if (r < 0)
		sodium_memzero(token, FOG_BETANET_TOKEN_LEN);
	return r;
}

struct enrol {
	const uint8_t *hash;
	uint8_t node_id[FOG_ID_LEN];
	int64_t now_us;
	struct fog_betanet_node *out;
	char *configuration; // of the last run
};

static int enrol_find(struct fog_tx *tx, struct enrol *e)
{
	struct fog_rows rows;
	int r = fog_db_one(
	        tx, &rows,
	        "SELECT " BETANET_COLUMNS
	        ", configuration FROM betanet_node WHERE token_hash = $2 AND "
	        "enrolment_until_us > $1",
	        FOG_BIND(FOG_INT(e->now_us), FOG_BYTES(e->hash, BETANET_HASH))
	);

	free(e->configuration);
	e->configuration = NULL;
	if (r == 0) {
		betanet_row(&rows, e->out);
		e->configuration = strdup(fog_rows_text(&rows, BETANET_COLUMN_COUNT));
		r = e->configuration != NULL ? 0 : -ENOMEM;
	}
	fog_rows_end(&rows);
	return r == -ENOENT ? -EACCES : r;
}

static int enrol_work(struct fog_tx *tx, void *ctx)
{
	struct enrol *e = ctx;
	int r = enrol_find(tx, e);
	bool same = r == 0 && e->out->has_node_id &&
	        memcmp(e->out->node_id, e->node_id, FOG_ID_LEN) == 0;

	if (r < 0)
		return r;
	if (e->out->enrolled_us != 0)
		return same ? 0 : -EACCES;
	r = fog_db_run(
	        tx,
	        "UPDATE betanet_node SET version = version + 1, changed_us = $2, enrolled_us = $2, "
	        "node_id = $3, seen_us = CASE WHEN $4 = 1 THEN seen_us ELSE NULL END WHERE id = $1",
	        FOG_BIND(
	                FOG_INT(e->out->id), FOG_INT(e->now_us), FOG_BYTES(e->node_id, FOG_ID_LEN),
	                FOG_INT(same)
	        )
	);
	return r < 0 ? r : betanet_find(tx, e->out->id, e->now_us, e->out);
}

int fog_betanet_enrol(
        struct fog_db *db, const char *token, const uint8_t identity[32],
        const uint8_t signature[64], int64_t now_us, struct fog_betanet_node *out,
        char **configuration
)
{
	struct betanet_statement s;
	struct enrol e = {.hash = s.hash, .now_us = now_us, .out = out};
	int r;

	*configuration = NULL;
	if (betanet_statement(token, &s) < 0)
		return -EACCES;
	if (crypto_sign_verify_detached(signature, (const uint8_t *)&s, sizeof(s), identity) != 0)
		return -EKEYREJECTED;
	fog_identity_node_id(identity, e.node_id);
	r = fog_db_write(db, enrol_work, &e);
	if (r < 0)
		free(e.configuration);
	else
		*configuration = e.configuration;
	return r < 0 ? r : 0;
}

static int open_work(struct fog_tx *tx, void *ctx)
{
	const struct enrol *e = ctx;
	struct fog_rows rows;
	int r = fog_db_one(
	        tx, &rows,
	        "SELECT 1 FROM betanet_node WHERE token_hash = $2 AND enrolment_until_us > $1",
	        FOG_BIND(FOG_INT(e->now_us), FOG_BYTES(e->hash, BETANET_HASH))
	);

	fog_rows_end(&rows);
	return r == -ENOENT ? -EACCES : r;
}

int fog_betanet_enrolment(struct fog_db *db, const char *token, int64_t now_us)
{
	struct betanet_statement s;
	struct enrol e = {.hash = s.hash, .now_us = now_us};

	return betanet_statement(token, &s) < 0 ? -EACCES : fog_db_read(db, open_work, &e);
}
