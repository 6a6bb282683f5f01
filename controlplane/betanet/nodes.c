// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What operators say of nodes, and who was seen.
#include <errno.h>
#include <string.h>

#include "private.h"

bool fog_betanet_word(const char *text, size_t len)
{
	size_t n = strlen(text);

	return n > 0 && n < len && strchr("._-", text[0]) == NULL &&
	        strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") ==
	        n;
}

static bool said_good(const struct fog_betanet_said *said)
{
	return fog_betanet_word(said->name, FOG_BETANET_NAME_LEN) &&
	        said->type < FOG_BETANET_TYPE_COUNT &&
	        (said->region[0] == '\0' || fog_betanet_word(said->region, FOG_BETANET_REGION_LEN));
}

static struct fog_value said_id(const struct fog_betanet_said *said)
{
	return said->node_id != NULL ? FOG_BYTES(said->node_id, FOG_ID_LEN) : FOG_NULL;
}

struct change {
	const struct fog_betanet_said *said;
	int64_t id, version, now_us;
	struct fog_betanet_node *out;
};

static int add_work(struct fog_tx *tx, void *ctx)
{
	const struct change *c = ctx;
	struct fog_rows rows;
	int r = fog_db_one(
	        tx, &rows,
	        "INSERT INTO betanet_node(version, name, node_type, region, maintenance, node_id, created_us, "
	        "changed_us) VALUES(1, $2, $3, $4, $5, $6, $1, $1) RETURNING " BETANET_COLUMNS,
	        FOG_BIND(
	                FOG_INT(c->now_us), FOG_TEXT(c->said->name),
	                FOG_TEXT(fog_betanet_type_name(c->said->type)), FOG_TEXT(c->said->region),
	                FOG_INT(c->said->maintenance), said_id(c->said)
	        )
	);

	if (r == 0)
		betanet_row(&rows, c->out);
	fog_rows_end(&rows);
	return r;
}

int fog_betanet_add(
        struct fog_db *db, const struct fog_betanet_said *said, int64_t now_us,
        struct fog_betanet_node *out
)
{
	if (!said_good(said))
		return -EINVAL;
	return fog_db_write(db, add_work, &(struct change){said, 0, 0, now_us, out});
}

// Who becomes another node was never seen.
static int change_work(struct fog_tx *tx, void *ctx)
{
	const struct change *c = ctx;
	bool another;
	int r = betanet_find(tx, c->id, c->now_us, c->out);

	if (r < 0)
		return r;
	if (c->version != 0 && c->version != c->out->version)
		return -ESTALE;
	another = c->said->node_id == NULL || !c->out->has_node_id ||
	        memcmp(c->said->node_id, c->out->node_id, FOG_ID_LEN) != 0;
	r = fog_db_run(
	        tx,
	        "UPDATE betanet_node SET version = version + 1, changed_us = $2, name = $3, region = $4, "
	        "maintenance = $5, node_id = $6, seen_us = CASE WHEN $7 = 1 THEN NULL ELSE seen_us END, "
	        "enrolled_us = CASE WHEN $7 = 1 THEN NULL ELSE enrolled_us END WHERE id = $1",
	        FOG_BIND(
	                FOG_INT(c->id), FOG_INT(c->now_us), FOG_TEXT(c->said->name),
	                FOG_TEXT(c->said->region), FOG_INT(c->said->maintenance), said_id(c->said),
	                FOG_INT(another)
	        )
	);
	return r < 0 ? r : betanet_find(tx, c->id, c->now_us, c->out);
}

int fog_betanet_change(
        struct fog_db *db, int64_t id, int64_t version, const struct fog_betanet_said *said,
        int64_t now_us, struct fog_betanet_node *out
)
{
	if (!said_good(said))
		return -EINVAL;
	return fog_db_write(db, change_work, &(struct change){said, id, version, now_us, out});
}

static int remove_work(struct fog_tx *tx, void *ctx)
{
	const int64_t *id = ctx;
	int r = fog_db_run(tx, "DELETE FROM betanet_node WHERE id = $1", FOG_BIND(FOG_INT(*id)));

	return r == 0 ? -ENOENT : r < 0 ? r : 0;
}

int fog_betanet_remove(struct fog_db *db, int64_t id)
{
	return fog_db_write(db, remove_work, &id);
}

struct see {
	const uint8_t (*node_id)[FOG_ID_LEN];
	unsigned count;
	int64_t now_us;
	bool stale; // some of them has to be written
};

// Numbers of rows are small: one pass over those that have an ID, and the IDs that were seen are looked up in it.
static bool see_one(const struct see *see, const uint8_t *node_id)
{
	for (unsigned i = 0; i < see->count; i++)
		if (memcmp(see->node_id[i], node_id, FOG_ID_LEN) == 0)
			return true;
	return false;
}

static int see_look(struct fog_tx *tx, void *ctx)
{
	struct see *see = ctx;
	struct fog_rows rows;
	size_t len;
	int r = fog_db_ask(
	        tx, &rows,
	        "SELECT node_id FROM betanet_node WHERE node_id IS NOT NULL AND "
	        "(seen_us IS NULL OR seen_us < $1 OR seen_us < deployed_us)",
	        FOG_BIND(FOG_INT(see->now_us - FOG_BETANET_SEEN_S * INT64_C(1000000)))
	);

	see->stale = false;
	while (r >= 0 && (r = fog_rows_next(&rows)) > 0 && !see->stale) {
		const uint8_t *node_id = fog_rows_bytes(&rows, 0, &len);
		see->stale = node_id != NULL && len == FOG_ID_LEN && see_one(see, node_id);
	}
	fog_rows_end(&rows);
	return r < 0 ? r : 0;
}

static int see_work(struct fog_tx *tx, void *ctx)
{
	const struct see *see = ctx;
	int r = 0;

	for (unsigned i = 0; i < see->count && r >= 0; i++)
		r = fog_db_run(
		        tx,
		        "UPDATE betanet_node SET seen_us = $2 WHERE node_id = $1 AND "
		        "(seen_us IS NULL OR seen_us < $2)",
		        FOG_BIND(FOG_BYTES(see->node_id[i], FOG_ID_LEN), FOG_INT(see->now_us))
		);
	return r < 0 ? r : 0;
}

int fog_betanet_see(
        struct fog_db *db, const uint8_t (*node_id)[FOG_ID_LEN], unsigned count, int64_t now_us
)
{
	struct see see = {.node_id = node_id, .count = count, .now_us = now_us};
	int r = count > 0 ? fog_db_read(db, see_look, &see) : 0;

	return r < 0 || !see.stale ? r : fog_db_write(db, see_work, &see);
}
