// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../../log/log.h"
#include "private.h"

// synchronous=NORMAL: a killed process loses nothing, as the log's pages are the kernel's. A power
// cut may lose what came after the last checkpoint, but it also ends the mix keys (they are in
// memory only), so no packet in flight would have survived it anyway.
static const char store_pragmas[] =
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;"
        "PRAGMA secure_delete=FAST; PRAGMA temp_store=MEMORY; PRAGMA busy_timeout=2000;"
        "PRAGMA trusted_schema=OFF;";

enum { SCHEMA_VERSION = 4 };

static const char store_schema_1[] =
        "BEGIN IMMEDIATE;"
        "CREATE TABLE meta(key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;"
        "CREATE TABLE mark(boot_id BLOB NOT NULL, worker INTEGER NOT NULL, seq INTEGER NOT NULL,"
        " time_us INTEGER NOT NULL, PRIMARY KEY(boot_id, worker)) STRICT, WITHOUT ROWID;"
        "CREATE TABLE received(id INTEGER PRIMARY KEY AUTOINCREMENT, time_us INTEGER NOT NULL,"
        " recipient BLOB NOT NULL, data BLOB NOT NULL, surb BLOB, surb_used INTEGER NOT NULL,"
        " in_reply_to INTEGER NOT NULL) STRICT;"
        "CREATE TABLE sent(id INTEGER PRIMARY KEY AUTOINCREMENT, time_us INTEGER NOT NULL,"
        " bytes INTEGER NOT NULL, reply_to INTEGER NOT NULL) STRICT;"
        "CREATE TABLE outbox(id INTEGER PRIMARY KEY, type INTEGER NOT NULL, first_hop BLOB NOT NULL,"
        " packet BLOB NOT NULL) STRICT;"
        "CREATE TABLE surb_keys(surb_id BLOB PRIMARY KEY, sent_id INTEGER NOT NULL,"
        " time_us INTEGER NOT NULL, nonce BLOB NOT NULL, box BLOB NOT NULL) STRICT;"
        "CREATE TABLE answer(caller TEXT NOT NULL, key TEXT NOT NULL, request BLOB NOT NULL,"
        " status INTEGER NOT NULL, body TEXT NOT NULL, time_us INTEGER NOT NULL,"
        " PRIMARY KEY(caller, key)) STRICT;"
        "CREATE INDEX answer_time ON answer(time_us);"
        "PRAGMA user_version=1;"
        "COMMIT;";

static const char store_schema_2[] =
        "BEGIN IMMEDIATE;"
        "CREATE TABLE filter(key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
        "CREATE TABLE deny(prefix BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;"
        "PRAGMA user_version=2;"
        "COMMIT;";

// Packets and SURBs of before are of the one key epoch that a network without rotation has.
static const char store_schema_3[] =
        "BEGIN IMMEDIATE;"
        "ALTER TABLE outbox ADD COLUMN epoch INTEGER NOT NULL DEFAULT 1;"
        "ALTER TABLE received ADD COLUMN surb_epoch INTEGER NOT NULL DEFAULT 1;"
        "ALTER TABLE sent ADD COLUMN given_up INTEGER NOT NULL DEFAULT 0;"
        "CREATE TABLE announced(epoch INTEGER PRIMARY KEY, public_key BLOB NOT NULL,"
        " network BLOB NOT NULL, ended INTEGER NOT NULL) STRICT;"
        "CREATE TABLE seen_key(node BLOB NOT NULL, epoch INTEGER NOT NULL, public_key BLOB NOT NULL,"
        " PRIMARY KEY(node, epoch)) STRICT, WITHOUT ROWID;"
        "CREATE TABLE seen_vrf(node BLOB NOT NULL, vrf_key BLOB NOT NULL, epoch INTEGER NOT NULL,"
        " PRIMARY KEY(node, vrf_key)) STRICT, WITHOUT ROWID;"
        "CREATE TABLE proof(node BLOB NOT NULL, epoch INTEGER NOT NULL, proof BLOB NOT NULL,"
        " time_us INTEGER NOT NULL, PRIMARY KEY(node, epoch)) STRICT, WITHOUT ROWID;"
        "CREATE INDEX proof_time ON proof(time_us);"
        "PRAGMA user_version=3;"
        "COMMIT;";

static const char store_schema_4[] =
        "BEGIN IMMEDIATE;"
        "CREATE TABLE mailbox(box INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE,"
        " first INTEGER NOT NULL, next INTEGER NOT NULL, bytes INTEGER NOT NULL,"
        " heard_us INTEGER NOT NULL) STRICT;"
        "CREATE INDEX mailbox_heard ON mailbox(heard_us);"
        "CREATE TABLE mail(box INTEGER NOT NULL, number INTEGER NOT NULL, time_us INTEGER NOT NULL,"
        " data BLOB NOT NULL, PRIMARY KEY(box, number)) STRICT;"
        "CREATE INDEX mail_time ON mail(time_us);"
        "CREATE TABLE mail_answer(id INTEGER PRIMARY KEY AUTOINCREMENT, type INTEGER NOT NULL,"
        " first_hop BLOB NOT NULL, packet BLOB NOT NULL, epoch INTEGER NOT NULL) STRICT;"
        "PRAGMA user_version=4;"
        "COMMIT;";

// What leads from each version to the next.
static const char *const store_steps[SCHEMA_VERSION] = {
        store_schema_1, store_schema_2, store_schema_3, store_schema_4};

#define KEEP_MESSAGES "200000"

static const char *const store_text[SQL_COUNT] = {
        [SQL_BEGIN] = "BEGIN",
        [SQL_COMMIT] = "COMMIT",
        [SQL_ROLLBACK] = "ROLLBACK",
        [SQL_META_GET] = "SELECT value FROM meta WHERE key=?1",
        [SQL_META_PUT] = "INSERT OR REPLACE INTO meta VALUES(?1,?2)",
        [SQL_MARK_GET] = "SELECT seq FROM mark WHERE boot_id=?1 AND worker=?2",
        [SQL_MARK_PUT] = "INSERT OR REPLACE INTO mark VALUES(?1,?2,?3,?4)",
        [SQL_RECEIVE] = "INSERT INTO received(time_us,recipient,data,surb,surb_used,in_reply_to,"
                        "surb_epoch) VALUES(?1,?2,?3,?4,0,?5,?6)",
        [SQL_LIST] = "SELECT id,time_us,recipient,data,surb IS NOT NULL,in_reply_to FROM received"
                     " WHERE id>?1 ORDER BY id LIMIT ?2",
        [SQL_SURB_GET] = "SELECT surb,surb_used,surb_epoch FROM received WHERE id=?1",
        [SQL_SURB_USED] = "UPDATE received SET surb=NULL,surb_used=1 WHERE id=?1",
        [SQL_SEND] = "INSERT INTO sent(time_us,bytes,reply_to) VALUES(?1,?2,?3)",
        [SQL_OUTBOX_PUT] = "INSERT INTO outbox VALUES(?1,?2,?3,?4,?5)",
        [SQL_OUTBOX_DONE] = "DELETE FROM outbox WHERE id=?1",
        [SQL_OUTBOX_NEXT] = "SELECT id,type,first_hop,packet,epoch FROM outbox ORDER BY id LIMIT 1",
        [SQL_KEYS_PUT] = "INSERT INTO surb_keys VALUES(?1,?2,?3,?4,?5)",
        [SQL_KEYS_GET] = "SELECT sent_id,nonce,box FROM surb_keys WHERE surb_id=?1",
        [SQL_KEYS_DELETE] = "DELETE FROM surb_keys WHERE surb_id=?1",
        [SQL_KEYS_CLEAR] = "DELETE FROM surb_keys",
        [SQL_ANSWER_GET] = "SELECT request,status,body FROM answer"
                           " WHERE caller=?1 AND key=?2",
        [SQL_ANSWER_PUT] = "INSERT OR REPLACE INTO answer VALUES(?1,?2,?3,?4,?5,?6)",
        [SQL_PRUNE_ANSWERS] = "DELETE FROM answer WHERE time_us<?1",
        [SQL_PRUNE_KEYS] = "DELETE FROM surb_keys WHERE time_us<?1",
        [SQL_PRUNE_MARKS] = "DELETE FROM mark WHERE time_us<?1",
        [SQL_PRUNE_RECEIVED] = "DELETE FROM received"
                               " WHERE id<=(SELECT max(id) FROM received)-" KEEP_MESSAGES,
        [SQL_PRUNE_SENT] = "DELETE FROM sent WHERE id<=(SELECT max(id) FROM sent)-" KEEP_MESSAGES,
        [SQL_FILTER_GET] = "SELECT value FROM filter WHERE key=?1",
        [SQL_FILTER_PUT] = "INSERT OR REPLACE INTO filter VALUES(?1,?2)",
        [SQL_FILTER_DELETE] = "DELETE FROM filter WHERE key=?1",
        [SQL_DENY_PUT] = "INSERT OR IGNORE INTO deny VALUES(?1)",
        [SQL_DENY_DELETE] = "DELETE FROM deny WHERE prefix=?1",
        [SQL_DENY_LIST] = "SELECT prefix FROM deny ORDER BY prefix",
        [SQL_SENT_GET] = "SELECT time_us,bytes,reply_to,given_up,"
                         "(SELECT count(*) FROM outbox WHERE outbox.id=sent.id)"
                         " FROM sent WHERE id=?1",
        [SQL_GIVEN_UP] = "UPDATE sent SET given_up=1 WHERE id=?1",
        [SQL_ANNOUNCED_GET] = "SELECT public_key,network,ended FROM announced WHERE epoch=?1",
        [SQL_ANNOUNCED_PUT] = "INSERT OR IGNORE INTO announced VALUES(?1,?2,?3,0)",
        [SQL_ANNOUNCED_AGAIN] = "INSERT OR REPLACE INTO announced VALUES(?1,?2,?3,0)",
        [SQL_ANNOUNCED_OPEN] = "SELECT epoch FROM announced WHERE ended=0 AND"
                               " (epoch<?1 OR epoch>?2) ORDER BY epoch LIMIT 1",
        [SQL_ANNOUNCED_END] = "UPDATE announced SET ended=1 WHERE epoch=?1",
        [SQL_ANNOUNCED_CLEAR] = "DELETE FROM announced",
        [SQL_SEEN_GET] = "SELECT public_key FROM seen_key WHERE node=?1 AND epoch=?2",
        [SQL_SEEN_PUT] = "INSERT OR IGNORE INTO seen_key VALUES(?1,?2,?3)",
        [SQL_SEEN_LOST] = "INSERT OR REPLACE INTO seen_key VALUES(?1,?2,zeroblob(32))",
        [SQL_VRF_GET] = "SELECT epoch FROM seen_vrf WHERE node=?1 AND vrf_key=?2",
        [SQL_VRF_PUT] = "INSERT INTO seen_vrf VALUES(?1,?2,?3)"
                        " ON CONFLICT DO UPDATE SET epoch=min(epoch,excluded.epoch)",
        [SQL_PROOF_GET] = "SELECT proof FROM proof WHERE node=?1 AND epoch=?2",
        [SQL_PROOF_PUT] = "INSERT OR IGNORE INTO proof VALUES(?1,?2,?3,?4)",
        [SQL_PROOF_LIST] = "SELECT epoch,proof FROM proof JOIN announced USING(epoch)"
                           " WHERE node=?1 AND network=?3 ORDER BY epoch DESC LIMIT ?2",
        [SQL_PRUNE_ANNOUNCED] = "DELETE FROM announced WHERE ended=1 AND epoch<?1",
        [SQL_PRUNE_SEEN] = "DELETE FROM seen_key WHERE epoch<?1 OR epoch>?2",
        [SQL_PRUNE_PROOFS] = "DELETE FROM proof WHERE epoch<?1",
        [SQL_PRUNE_PROOFS_AGE] = "DELETE FROM proof WHERE time_us<?1",
        [SQL_BOX_GET] = "SELECT box,first,next,bytes,heard_us FROM mailbox WHERE id=?1",
        [SQL_BOX_OF] = "SELECT box,first,next,bytes,heard_us FROM mailbox WHERE box=?1",
        [SQL_BOX_OLD] =
                "SELECT box,first,next,bytes,heard_us FROM mailbox WHERE heard_us<?1 LIMIT 1",
        [SQL_BOX_MAKE] = "INSERT INTO mailbox(id,first,next,bytes,heard_us) VALUES(?1,?2,?2,0,?2)",
        [SQL_BOX_PUT] = "UPDATE mailbox SET first=?2,next=?3,bytes=?4,heard_us=?5 WHERE box=?1",
        [SQL_BOX_DELETE] = "DELETE FROM mailbox WHERE box=?1",
        [SQL_BOXES] = "SELECT count(*),total(next-first),total(bytes),"
                      "(SELECT count(*) FROM mail_answer) FROM mailbox",
        [SQL_MAIL_PUT] = "INSERT INTO mail VALUES(?1,?2,?3,?4)",
        [SQL_MAIL_GET] = "SELECT data FROM mail WHERE box=?1 AND number=?2",
        [SQL_MAIL_WEIGHT] = "SELECT coalesce(sum(length(data)),0),count(*) FROM mail"
                            " WHERE box=?1 AND number<=?2",
        [SQL_MAIL_FORGET] = "DELETE FROM mail WHERE box=?1 AND number<=?2",
        // Of the box with the oldest mail as much as is old, up to a limit.
        [SQL_MAIL_OLD] = "SELECT box,max(number) FROM (SELECT box,number FROM mail WHERE time_us<?1"
                         " ORDER BY time_us LIMIT 1000) GROUP BY box LIMIT 1",
        [SQL_MAIL_ANSWER_PUT] = "INSERT INTO mail_answer(type,first_hop,packet,epoch)"
                                " VALUES(?1,?2,?3,?4)",
        [SQL_MAIL_ANSWER_NEXT] = "SELECT id,type,first_hop,packet,epoch FROM mail_answer"
                                 " WHERE id>?1 ORDER BY id LIMIT 1",
        [SQL_MAIL_ANSWERS_DONE] = "DELETE FROM mail_answer WHERE id<=?1",
        [SQL_MAIL_ANSWERS_LAST] = "SELECT coalesce(max(id),0) FROM mail_answer",
};

int store_error(struct fog_store *s, const char *doing)
{
	int code = sqlite3_errcode(s->db);

	LOG_ERR("store: %s failed: %s%s", doing, sqlite3_errmsg(s->db),
	        code == SQLITE_FULL ? ": free some space in the state directory" : "");
	return code == SQLITE_FULL ? -ENOSPC : -EIO;
}

sqlite3_stmt *store_statement(struct fog_store *s, enum store_sql which)
{
	sqlite3_reset(s->sql[which]);
	sqlite3_clear_bindings(s->sql[which]);
	return s->sql[which];
}

int store_run(struct fog_store *s, sqlite3_stmt *st, const char *doing)
{
	int r = sqlite3_step(st) == SQLITE_DONE ? 0 : store_error(s, doing);

	sqlite3_reset(st);
	return r;
}

int fog_store_begin(struct fog_store *s)
{
	pthread_mutex_lock(&s->lock);
	int r = store_run(s, store_statement(s, SQL_BEGIN), "starting a transaction");
	if (r < 0)
		pthread_mutex_unlock(&s->lock);
	return r;
}

int fog_store_end(struct fog_store *s, int commit)
{
	int r = 0;

	if (commit)
		r = store_run(s, store_statement(s, SQL_COMMIT), "writing a transaction");
	// Some errors have rolled back already.
	if ((!commit || r < 0) && !sqlite3_get_autocommit(s->db))
		store_run(s, store_statement(s, SQL_ROLLBACK), "undoing a transaction");
	pthread_mutex_unlock(&s->lock);
	return r;
}

int store_meta_get(struct fog_store *s, const char *key, void *value, int len)
{
	sqlite3_stmt *st = store_statement(s, SQL_META_GET);
	int r = -ENOENT;

	sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC);
	if (sqlite3_step(st) == SQLITE_ROW && sqlite3_column_bytes(st, 0) == len) {
		memcpy(value, sqlite3_column_blob(st, 0), (size_t)len);
		r = 0;
	}
	sqlite3_reset(st);
	return r;
}

int store_meta_put(struct fog_store *s, const char *key, const void *value, int len)
{
	sqlite3_stmt *st = store_statement(s, SQL_META_PUT);

	sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC);
	sqlite3_bind_blob(st, 2, value, len, SQLITE_STATIC);
	return store_run(s, st, "writing the state");
}

struct store_generation {
	uint64_t generation;
	uint8_t content[32];
};

int fog_store_generation(
        struct fog_store *s, const uint8_t content[32], uint64_t floor, uint64_t *generation
)
{
	struct store_generation last = {0};

	store_meta_get(s, "generation", &last, sizeof(last));
	if (last.generation > 0 && last.generation >= floor &&
	    memcmp(last.content, content, 32) == 0) {
		*generation = last.generation;
		return 0;
	}
	last.generation = (last.generation > floor ? last.generation : floor) + 1;
	memcpy(last.content, content, 32);
	*generation = last.generation;
	return store_meta_put(s, "generation", &last, sizeof(last));
}

// SURB keys under a secret that is gone can never be read again.
static int store_check_secret(struct fog_store *s)
{
	uint8_t id[16], old[16];
	int r = fog_store_begin(s);

	if (r < 0)
		return r;
	crypto_generichash(
	        id, sizeof(id), (const uint8_t *)"fogline store", 13, s->secret->key, 32
	);
	if (store_meta_get(s, "secret", old, sizeof(old)) < 0 || memcmp(id, old, sizeof(id)) != 0) {
		r = store_run(s, store_statement(s, SQL_KEYS_CLEAR), "deleting old SURB keys");
		if (r == 0)
			r = store_meta_put(s, "secret", id, sizeof(id));
	}
	int e = fog_store_end(s, r == 0);
	return r < 0 ? r : e;
}

static int store_migrate(struct fog_store *s, const char *path)
{
	sqlite3_stmt *st = NULL;
	int version = -1;

	if (sqlite3_exec(s->db, store_pragmas, NULL, NULL, NULL) != SQLITE_OK)
		return store_error(s, "opening the database");
	if (sqlite3_prepare_v2(s->db, "PRAGMA user_version", -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW)
		version = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	if (version < 0)
		return store_error(s, "reading the schema's version");
	if (version > SCHEMA_VERSION) {
		LOG_ERR("%s: schema %d was written by a newer fog-controlplane than this one (%d): "
		        "upgrade it, or move the file away to start empty",
		        path, version, SCHEMA_VERSION);
		return -ENOTSUP;
	}
	for (; version < SCHEMA_VERSION; version++)
		if (sqlite3_exec(s->db, store_steps[version], NULL, NULL, NULL) != SQLITE_OK)
			return store_error(s, "creating the tables");
	return 0;
}

static int store_prepare(struct fog_store *s)
{
	for (int i = 0; i < SQL_COUNT; i++) {
		if (sqlite3_prepare_v3(
		            s->db, store_text[i], -1, SQLITE_PREPARE_PERSISTENT, &s->sql[i], NULL
		    ) != SQLITE_OK)
			return store_error(s, store_text[i]);
	}
	return 0;
}

// SQLite's side files take over the mode of the main file, so make that one first. One that is there is not opened:
// where another object of this process has it, closing it would end that one's locks (fcntl(2), "Record locking").
static int store_make_file(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd >= 0) {
		close(fd);
		return 0;
	}
	if (errno != EEXIST || lstat(path, &st) < 0)
		return -errno;
	return S_ISLNK(st.st_mode) ? -ELOOP : 0;
}

// What may only be read SQLite opens as well.
static int store_open_file(struct fog_store *s, const char *path)
{
	int r = store_make_file(path);

	if (r == 0 &&
	    sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
	            SQLITE_OK)
		r = s->db != NULL && sqlite3_system_errno(s->db) > 0 ? -sqlite3_system_errno(s->db)
		                                                     : -ENOMEM;
	if (r == 0 && sqlite3_db_readonly(s->db, "main") == 1)
		r = -EACCES;
	if (r < 0)
		LOG_ERR("%s: cannot open the message store: %s: give its folder and all in it to "
		        "the control plane's user (chown -R)",
		        path, strerror(-r));
	return r;
}

int fog_store_open(struct fog_store **out, const char *path, const uint8_t secret[32])
{
	struct fog_store *s = calloc(1, sizeof(*s));
	int r;

	if (s == NULL)
		return -ENOMEM;
	pthread_mutex_init(&s->lock, NULL);
	r = store_open_file(s, path);
	if (r < 0)
		goto err;
	r = -ENOMEM;
	s->secret = sodium_malloc(sizeof(*s->secret));
	if (s->secret == NULL)
		goto err;
	if (secret != NULL)
		memcpy(s->secret->key, secret, sizeof(s->secret->key));
	else
		randombytes_buf(s->secret->key, sizeof(s->secret->key));
	r = store_migrate(s, path);
	if (r == 0)
		r = store_prepare(s);
	if (r == 0 && secret != NULL)
		r = store_check_secret(s);
	if (r < 0)
		goto err;
	*out = s;
	return 0;
err:
	fog_store_close(s);
	return r;
}

void fog_store_close(struct fog_store *s)
{
	if (s == NULL)
		return;
	for (int i = 0; i < SQL_COUNT; i++)
		sqlite3_finalize(s->sql[i]);
	sqlite3_close(s->db);
	sodium_free(s->secret);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static int store_prune_before(struct fog_store *s, enum store_sql which, int64_t time_us)
{
	sqlite3_stmt *st = store_statement(s, which);

	sqlite3_bind_int64(st, 1, time_us);
	return store_run(s, st, "forgetting what is old");
}

void fog_store_prune(struct fog_store *s)
{
	int64_t now = fog_now_unix_us(), day = INT64_C(1000000) * FOG_STORE_DAY_S;

	if (fog_store_begin(s) < 0)
		return;
	int r = store_prune_before(s, SQL_PRUNE_ANSWERS, now - day);
	if (r == 0)
		r = store_prune_before(s, SQL_PRUNE_KEYS, now - 7 * day);
	if (r == 0)
		r = store_prune_before(s, SQL_PRUNE_MARKS, now - 7 * day);
	if (r == 0)
		r = store_run(s, store_statement(s, SQL_PRUNE_RECEIVED), "forgetting old messages");
	if (r == 0)
		r = store_run(s, store_statement(s, SQL_PRUNE_SENT), "forgetting old messages");
	fog_store_end(s, r == 0);
}
