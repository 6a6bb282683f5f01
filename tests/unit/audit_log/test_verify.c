// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Whatever is done to rows or heads is found, where it was done.
#include <errno.h>
#include <fcntl.h>

#include "../../../controlplane/audit/head.h"
#include "chain_rig.h"

enum { ROWS = 20 }; // after the row audit.start

static void start(struct chain_rig *rig)
{
	chain_rig_start(rig);
	for (int i = 0; i < ROWS; i++)
		append(rig, "user.create");
}

static void test_good(void)
{
	struct chain_rig rig;

	start(&rig);
	struct found f = verify(&rig);
	CU_ASSERT_EQUAL(f.verdict.findings, 0);
	CU_ASSERT_EQUAL(f.verdict.chains, 1);
	CU_ASSERT_EQUAL(f.verdict.rows, ROWS + 1);
	CU_ASSERT_EQUAL(f.verdict.signed_heads, 1); // of the start
	CU_ASSERT_EQUAL(f.verdict.unwatched, 0);
	chain_close(&rig);
	chain_open(&rig);
	f = verify(&rig);
	CU_ASSERT_EQUAL(f.verdict.findings, 0);
	CU_ASSERT_EQUAL(f.verdict.signed_heads, 3);
	CU_ASSERT_EQUAL(f.verdict.rows, ROWS + 3); // stop, start
	chain_rig_stop(&rig);
}

static void test_refused(void)
{
	struct chain_rig rig;

	start(&rig);
	CU_ASSERT_EQUAL(
	        raw(rig.db, "UPDATE audit SET actor_name = 'mallory' WHERE sequence = 5"), -EPERM
	);
	CU_ASSERT_EQUAL(raw(rig.db, "DELETE FROM audit WHERE sequence = 5"), -EPERM);
	if (rig_is_shared()) {
		CU_ASSERT_EQUAL(raw(rig.db, "TRUNCATE audit"), -EPERM);
	} else {
		CU_ASSERT_EQUAL(
		        raw(rig.db,
		            "INSERT OR REPLACE INTO audit SELECT id, chain, sequence, 0, status,"
		            " duration_us, body_digest, actor_kind, actor_id, actor_name, action,"
		            " object, source, request_id, correlation_id, method, path, outcome,"
		            " details, previous, hash FROM audit WHERE sequence = 5"),
		        -EPERM
		);
		CU_ASSERT_EQUAL(
		        raw(rig.db, "UPDATE OR REPLACE audit SET sequence = 6 WHERE sequence = 5"),
		        -EPERM
		);
	}
	CU_ASSERT_EQUAL(verify(&rig).verdict.findings, 0);
	chain_rig_stop(&rig);
}

// Of the rig's chain: an old store has the first numbers, too.
#define OURS " AND request_id NOT LIKE 'old-%'"

static void spoil_start(struct chain_rig *rig)
{
	start(rig);
	triggers_drop(rig->db);
	CU_ASSERT_TRUE_FATAL(raw(rig->db, "CREATE TABLE kept AS SELECT * FROM audit") >= 0);
}

// One statement by whom no trigger stops, and what verify says to it; then all is put back.
static void spoil(
        struct chain_rig *rig, const char *sql, enum fog_audit_fault fault, int64_t from, int64_t to
)
{
	CU_ASSERT_TRUE_FATAL(raw(rig->db, sql) > 0);
	struct found f = verify(rig);
	CU_ASSERT_TRUE(found_only(&f, fault, from, to));
	CU_ASSERT_TRUE_FATAL(raw(rig->db, "DELETE FROM audit") >= 0);
	CU_ASSERT_TRUE_FATAL(raw(rig->db, "INSERT INTO audit SELECT * FROM kept") > 0);
}

static void test_edited(void)
{
	static const char *const edits[] = {
	        "UPDATE audit SET time_us = time_us + 1 WHERE sequence = 9",
	        "UPDATE audit SET status = 200 WHERE sequence = 9",
	        "UPDATE audit SET duration_us = 1 WHERE sequence = 9",
	        "UPDATE audit SET body_digest = previous WHERE sequence = 9",
	        "UPDATE audit SET actor_kind = 'key' WHERE sequence = 9",
	        "UPDATE audit SET actor_id = '18' WHERE sequence = 9",
	        "UPDATE audit SET actor_name = 'mallory' WHERE sequence = 9",
	        "UPDATE audit SET action = 'user.delete' WHERE sequence = 9",
	        "UPDATE audit SET object = 'user/19' WHERE sequence = 9",
	        "UPDATE audit SET source = '192.0.2.8' WHERE sequence = 9",
	        "UPDATE audit SET request_id = '' WHERE sequence = 9",
	        "UPDATE audit SET correlation_id = 'c2' WHERE sequence = 9",
	        "UPDATE audit SET method = 'PUT' WHERE sequence = 9",
	        "UPDATE audit SET path = '/' WHERE sequence = 9",
	        "UPDATE audit SET outcome = 'refused' WHERE sequence = 9",
	        "UPDATE audit SET details = '{}' WHERE sequence = 9",
	        // The same bytes in other fields.
	        "UPDATE audit SET request_id = request_id || correlation_id, correlation_id = ''"
	        " WHERE sequence = 9",
	};

	struct chain_rig rig;

	spoil_start(&rig);
	for (unsigned i = 0; i < sizeof(edits) / sizeof(edits[0]); i++)
		spoil(&rig, edits[i], FOG_AUDIT_CHANGED, 9, 9);
	spoil(&rig, "UPDATE audit SET action = 'x' WHERE sequence = 1" OURS, FOG_AUDIT_CHANGED, 1,
	      1);
	spoil(&rig, "UPDATE audit SET action = 'x' WHERE sequence = 21", FOG_AUDIT_CHANGED, 21, 21);
	CU_ASSERT_EQUAL(verify(&rig).verdict.findings, 0);
	chain_rig_stop(&rig);
}

static void test_deleted(void)
{
	struct chain_rig rig;

	spoil_start(&rig);
	spoil(&rig, "DELETE FROM audit WHERE sequence = 9", FOG_AUDIT_GAP, 9, 9);
	spoil(&rig, "DELETE FROM audit WHERE sequence BETWEEN 9 AND 12", FOG_AUDIT_GAP, 9, 12);
	spoil(&rig, "DELETE FROM audit WHERE sequence > 15", FOG_AUDIT_CUT, 16, ROWS + 1);
	spoil(&rig, "DELETE FROM audit WHERE sequence = 21", FOG_AUDIT_CUT, 21, 21);
	spoil(&rig, "DELETE FROM audit", FOG_AUDIT_CUT, 1, ROWS + 1);
	// The head of the start names row 1.
	spoil(&rig, "DELETE FROM audit WHERE sequence < 4" OURS, FOG_AUDIT_GAP, 1, 3);
	CU_ASSERT_EQUAL(verify(&rig).verdict.findings, 0);
	chain_rig_stop(&rig);
}

static void test_swapped(void)
{
	struct chain_rig rig;

	start(&rig);
	triggers_drop(rig.db);
	CU_ASSERT_TRUE_FATAL(
	        raw(rig.db, "UPDATE audit SET sequence = 1000 WHERE sequence = 7") > 0
	);
	CU_ASSERT_TRUE_FATAL(raw(rig.db, "UPDATE audit SET sequence = 7 WHERE sequence = 12") > 0);
	CU_ASSERT_TRUE_FATAL(
	        raw(rig.db, "UPDATE audit SET sequence = 12 WHERE sequence = 1000") > 0
	);
	struct found f = verify(&rig);
	CU_ASSERT_TRUE(f.count >= 2 && f.list[0].sequence == 7);
	chain_rig_stop(&rig);
}

static int put_hash(struct fog_tx *tx, void *ctx)
{
	const struct fog_audit_row *row = ctx;

	return fog_db_run(
	        tx, "UPDATE audit SET previous = $1, hash = $2, action = $3 WHERE sequence = $4",
	        FOG_BIND(
	                FOG_BYTES(row->previous, 32), FOG_BYTES(row->hash, 32),
	                FOG_TEXT(row->text[FOG_AUDIT_TEXT_action]), FOG_INT(row->sequence)
	        )
	);
}

// Row 9 says something else, and the hashes of rows 9 to 'last' are made anew.
static void rewrite(struct chain_rig *rig, int64_t last)
{
	const struct fog_audit_filter all = {.limit = 100};
	uint8_t hash[32];
	struct fog_audit_list l;

	triggers_drop(rig->db);
	CU_ASSERT_EQUAL_FATAL(fog_audit_search(rig->db, &all, &l), 0);
	for (unsigned i = 8; i < l.count && l.row[i].sequence <= last; i++) {
		struct fog_audit_row *row = &l.row[i];
		if (i == 8)
			row->text[FOG_AUDIT_TEXT_action] = "user.delete";
		else
			memcpy(row->previous, hash, sizeof(hash));
		fog_audit_row_hash(row, row->hash);
		memcpy(hash, row->hash, sizeof(hash));
		CU_ASSERT_EQUAL_FATAL(fog_db_write(rig->db, put_hash, row), 1);
	}
	fog_audit_list_free(&l);
}

static void test_rewritten(void)
{
	struct chain_rig rig;
	struct found f;

	start(&rig);
	rewrite(&rig, 9);
	f = verify(&rig);
	CU_ASSERT_TRUE(found_only(&f, FOG_AUDIT_UNLINKED, 10, 10));
	chain_rig_stop(&rig);
	start(&rig);
	rewrite(&rig, ROWS + 1);
	f = verify(&rig);
	CU_ASSERT_TRUE(found_only(&f, FOG_AUDIT_REWRITTEN, ROWS + 1, ROWS + 1));
	// Another start does not cover it up.
	chain_close(&rig);
	chain_open(&rig);
	f = verify(&rig);
	CU_ASSERT_TRUE(f.verdict.findings > 0);
	chain_rig_stop(&rig);
}

static void test_added(void)
{
	struct chain_rig rig;

	start(&rig);
	CU_ASSERT_TRUE_FATAL(
	        raw(rig.db,
	            "INSERT INTO audit(chain, sequence, time_us, status, duration_us, actor_kind,"
	            " actor_id, actor_name, action, object, source, request_id, correlation_id,"
	            " method, path, outcome, details, previous, hash) SELECT chain, 22, time_us,"
	            " status, duration_us, actor_kind, actor_id, actor_name, action, object,"
	            " source, request_id, correlation_id, method, path, outcome, details, hash,"
	            " hash FROM audit WHERE sequence = 21") > 0
	);
	struct found f = verify(&rig);
	CU_ASSERT_TRUE(found_only(&f, FOG_AUDIT_CHANGED, 22, 22));
	// The writer notices and says so.
	append(&rig, "user.create");
	const struct fog_audit_filter foreign = {.action = "audit.foreign", .limit = 10};
	struct fog_audit_list l;
	CU_ASSERT_EQUAL_FATAL(fog_audit_search(rig.db, &foreign, &l), 0);
	CU_ASSERT_EQUAL(l.count, 1);
	if (l.count == 1)
		CU_ASSERT_STRING_EQUAL(
		        l.row[0].text[FOG_AUDIT_TEXT_details], "{\"rows\":1,\"to\":22}"
		);
	fog_audit_list_free(&l);
	chain_rig_stop(&rig);
}

// The gap stays when the writer goes on, at once and after a start.
static void test_cut_and_on(void)
{
	struct chain_rig rig;
	struct found f;

	start(&rig);
	triggers_drop(rig.db);
	CU_ASSERT_TRUE_FATAL(raw(rig.db, "DELETE FROM audit WHERE sequence > 15") > 0);
	append(&rig, "user.create");
	f = verify(&rig);
	CU_ASSERT_TRUE(found_only(&f, FOG_AUDIT_GAP, 16, 21));
	chain_close(&rig);
	CU_ASSERT_TRUE_FATAL(raw(rig.db, "DELETE FROM audit WHERE sequence > 10") > 0);
	chain_open(&rig);
	append(&rig, "user.create");
	f = verify(&rig);
	CU_ASSERT_TRUE(found_only(&f, FOG_AUDIT_GAP, 11, 23)); // 22, and 23 of the stop
	const struct fog_audit_filter starts = {
	        .action = "audit.start", .limit = 10, .newest_first = true};
	struct fog_audit_list l;
	CU_ASSERT_EQUAL_FATAL(fog_audit_search(rig.db, &starts, &l), 0);
	CU_ASSERT_STRING_EQUAL(
	        l.row[0].text[FOG_AUDIT_TEXT_details],
	        "{\"ahead\":0,\"missing\":13,\"head\":\"read\"}"
	);
	fog_audit_list_free(&l);
	chain_rig_stop(&rig);
}

static size_t heads_get(const struct chain_rig *rig, char *text, size_t room)
{
	int fd = open(rig->heads, O_RDONLY);
	ssize_t n = read(fd, text, room - 1);

	close(fd);
	CU_ASSERT_TRUE_FATAL(n > 0);
	text[n] = '\0';
	return (size_t)n;
}

static void heads_put(const struct chain_rig *rig, const char *text, size_t len)
{
	int fd = open(rig->heads, O_WRONLY | O_TRUNC);

	CU_ASSERT_EQUAL_FATAL(write(fd, text, len), (ssize_t)len);
	close(fd);
}

static void test_forged_heads(void)
{
	uint8_t seed[32] = {2}, public_key[32], secret_key[64];
	struct fog_audit_head h;
	struct chain_rig rig;
	char text[4096];
	struct found f;

	start(&rig);
	size_t len = heads_get(&rig, text, sizeof(text));
	char *line = text + FOG_AUDIT_NEWEST_LEN;
	CU_ASSERT_EQUAL_FATAL(fog_audit_head_read(line, strlen(line) - 1, &h), 0);
	CU_ASSERT_TRUE(fog_audit_head_good(&h));
	h.time_us++;
	CU_ASSERT_FALSE(fog_audit_head_good(&h));
	// Another number, signed by nobody.
	char *number = strstr(line, "\"sequence\":1,");
	CU_ASSERT_PTR_NOT_NULL_FATAL(number);
	memcpy(number, "\"sequence\":2,", 13);
	heads_put(&rig, text, len);
	f = verify(&rig);
	CU_ASSERT_EQUAL(f.verdict.findings, 2);
	CU_ASSERT_TRUE(
	        f.list[0].fault == FOG_AUDIT_BAD_HEAD && f.list[1].fault == FOG_AUDIT_REWRITTEN
	);
	// Signed by another key.
	struct audit_head_file file = {.fd = open(rig.heads, O_RDWR), .secret_key = secret_key};
	crypto_sign_seed_keypair(public_key, secret_key, seed);
	memcpy(file.public_key, public_key, 32);
	memcpy(number, "\"sequence\":1,", 13);
	heads_put(&rig, text, len);
	h.time_us--;
	CU_ASSERT_EQUAL(audit_head_append(&file, &h), 0);
	f = verify(&rig);
	CU_ASSERT_TRUE(found_only(&f, FOG_AUDIT_BAD_HEAD, 1, 1));
	close(file.fd);
	// A line that is none, and one that is being written.
	memcpy(text + len, "{}\n{\"chain\"", 11);
	heads_put(&rig, text, len + 11);
	f = verify(&rig);
	CU_ASSERT_TRUE(found_only(&f, FOG_AUDIT_UNREADABLE, 3, 3));
	// The start cuts that rest off, and keeps the others.
	heads_put(&rig, text, len + 11);
	chain_close(&rig);
	chain_open(&rig);
	len = heads_get(&rig, text, sizeof(text));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\n{}\n{\"chain\""));
	f = verify(&rig);
	CU_ASSERT_TRUE(f.verdict.findings <= 2 && f.list[0].fault == FOG_AUDIT_UNREADABLE);
	chain_rig_stop(&rig);
}

// A store whose audit knew no rows of what is begun keeps its rows, their numbers, and that nobody changes them.
static void test_older_store(void)
{
	struct fog_db *db = rig_open_empty();
	char error[256];
	struct chain_rig rig;
	struct fog_audit_event e = event_of("user.create");

	CU_ASSERT_TRUE_FATAL(fog_db_migrate(db, &fog_schema_platform, 6, error, sizeof(error)) > 0);
	chain_rig_start_on(&rig, db);
	for (int i = 0; i < 5; i++)
		append(&rig, "user.create");
	chain_close(&rig);
	CU_ASSERT_TRUE_FATAL(fog_db_migrate(db, &fog_schema_platform, 0, error, sizeof(error)) > 0);
	CU_ASSERT_EQUAL(raw(db, "DELETE FROM audit WHERE sequence = 3"), -EPERM);
	CU_ASSERT_EQUAL(raw(db, "UPDATE audit SET action = 'x'"), -EPERM);
	CU_ASSERT_EQUAL(raw(db, "UPDATE audit SET outcome = 'good'"), -EPERM);
	chain_open(&rig);
	e.outcome = FOG_AUDIT_BEGUN;
	int64_t sequence = 0;
	CU_ASSERT_EQUAL(fog_audit_chain_append(rig.chain, &e, &sequence), 0);
	CU_ASSERT_EQUAL(sequence, 9);
	const struct fog_audit_filter all = {.limit = 10};
	struct fog_audit_list l;
	CU_ASSERT_EQUAL_FATAL(fog_audit_search(db, &all, &l), 0);
	for (unsigned i = 0; i < l.count; i++)
		CU_ASSERT_TRUE(l.row[i].id == i + 1 && l.row[i].sequence == i + 1);
	CU_ASSERT_EQUAL(l.count, 9);
	fog_audit_list_free(&l);
	CU_ASSERT_EQUAL(verify(&rig).verdict.findings, 0);
	chain_rig_stop(&rig);
}

// With heads of a log, too.
static struct found verify_logged(struct chain_rig *rig, unsigned heads, const char *log)
{
	const char *path = rig->heads;
	struct found all = {0};
	const struct fog_audit_verify v = {
	        .head_path = &path,
	        .heads = heads,
	        .log_path = log,
	        .own = rig->id,
	        .found = found_note,
	        .ctx = &all};

	CU_ASSERT_EQUAL_FATAL(fog_audit_verify(rig->db, &v, &all.verdict), 0);
	return all;
}

static void log_put(const char *path, const struct fog_audit_head *h, bool json)
{
	char hash[65], key[65], signature[129];
	FILE *f = fopen(path, "w");

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	sodium_bin2hex(hash, sizeof(hash), h->hash, sizeof(h->hash));
	sodium_bin2hex(key, sizeof(key), h->key, sizeof(h->key));
	sodium_bin2hex(signature, sizeof(signature), h->signature, sizeof(h->signature));
	fputs("fog-controlplane/main: info: started chain=x\n{\"chain\":1}\n", f);
	fprintf(f,
	        json ? "{\"text\":\"head of the audit\",\"chain\":\"%s\",\"sequence\":%lld,\"time_us\":%lld,"
	               "\"hash\":\"%s\",\"key\":\"%s\",\"signature\":\"%s\"}\n"
	             : "Nov 26 12:00:00 host fog-controlplane[7]: head of the audit chain=%s sequence=%lld "
	               "time_us=%lld hash=%s key=%s signature=%s\n",
	        h->chain, (long long)h->sequence, (long long)h->time_us, hash, key, signature);
	fclose(f);
}

// The newest rows are gone, and what the heads' file says of them.
static void test_cut_with_heads(void)
{
	char before[4096], after[4096], log[160];
	struct fog_audit_head h;
	struct chain_rig rig;
	struct found f;

	start(&rig);
	CU_ASSERT_EQUAL(fog_audit_chain_flush(rig.chain), 0); // signs a head of row 21
	size_t len = heads_get(&rig, before, sizeof(before));
	for (int i = 0; i < 5; i++)
		append(&rig, "user.create");
	CU_ASSERT_EQUAL(fog_audit_chain_flush(rig.chain), 0); // .. and of row 26
	heads_get(&rig, after, sizeof(after));
	CU_ASSERT_EQUAL_FATAL(fog_audit_head_read(after + len, strlen(after + len) - 1, &h), 0);
	CU_ASSERT_EQUAL_FATAL(h.sequence, 26);
	triggers_drop(rig.db);
	CU_ASSERT_TRUE_FATAL(raw(rig.db, "DELETE FROM audit WHERE sequence > 21") > 0);
	// Its last line is cut off: the first one tells.
	heads_put(&rig, after, len);
	f = verify(&rig);
	CU_ASSERT_TRUE(found_only(&f, FOG_AUDIT_CUT, 22, 26));
	// The first one is edited without the key.
	char *number = strstr(after, "\"sequence\":26,");
	CU_ASSERT_PTR_NOT_NULL_FATAL(number);
	memcpy(number, "\"sequence\":21,", 14);
	heads_put(&rig, after, len);
	f = verify(&rig);
	CU_ASSERT_TRUE(f.verdict.findings >= 1 && f.list[0].fault == FOG_AUDIT_BAD_HEAD);
	// It is taken out, all of it is.
	heads_put(&rig, after + FOG_AUDIT_NEWEST_LEN, len - FOG_AUDIT_NEWEST_LEN);
	CU_ASSERT_EQUAL(verify(&rig).verdict.findings, 0); // the log knows, below
	f = verify_logged(&rig, 0, NULL);
	CU_ASSERT_TRUE(found_only(&f, FOG_AUDIT_UNWATCHED, 1, 1));
	// An older copy is put back, as old as the store: only the log knows.
	heads_put(&rig, before, len);
	CU_ASSERT_EQUAL(verify(&rig).verdict.findings, 0);
	snprintf(log, sizeof(log), "%s/log", rig.folder);
	for (int json = 0; json < 2; json++) {
		log_put(log, &h, json);
		f = verify_logged(&rig, 1, log);
		CU_ASSERT_TRUE(found_only(&f, FOG_AUDIT_CUT, 22, 26));
		// Also when nothing is left of the chain and its file.
		f = verify_logged(&rig, 0, log);
		CU_ASSERT_TRUE(found_only(&f, FOG_AUDIT_CUT, 22, 26));
	}
	CU_ASSERT_TRUE_FATAL(raw(rig.db, "DELETE FROM audit") > 0);
	f = verify_logged(&rig, 0, log);
	CU_ASSERT_TRUE(found_only(&f, FOG_AUDIT_CUT, 1, 26));
	h.sequence = 25; // a forged line of the log
	log_put(log, &h, false);
	f = verify_logged(&rig, 0, log);
	CU_ASSERT_TRUE(f.count == 2 && f.list[0].fault == FOG_AUDIT_BAD_HEAD);
	chain_rig_stop(&rig);
}

// All hashes from row 9 on are made anew, and the first line of the heads' file says so, but nobody has the key.
static void test_rewritten_with_heads(void)
{
	struct fog_audit_list l;
	const struct fog_audit_filter newest = {.limit = 1, .newest_first = true};
	char text[4096], hash[65];
	struct chain_rig rig;

	start(&rig);
	size_t len = heads_get(&rig, text, sizeof(text));
	rewrite(&rig, ROWS + 1);
	CU_ASSERT_EQUAL_FATAL(fog_audit_search(rig.db, &newest, &l), 0);
	sodium_bin2hex(hash, sizeof(hash), l.row[0].hash, sizeof(l.row[0].hash));
	fog_audit_list_free(&l);
	char *at = strstr(text, "\"hash\":\"");
	CU_ASSERT_TRUE_FATAL(at != NULL && at < text + FOG_AUDIT_NEWEST_LEN);
	memcpy(at + strlen("\"hash\":\""), hash, 64);
	heads_put(&rig, text, len);
	struct found f = verify(&rig);
	CU_ASSERT_TRUE(found_only(&f, FOG_AUDIT_BAD_HEAD, ROWS + 1, ROWS + 1));
	// The next start does not believe it, says so, and does not cover it up.
	chain_close(&rig);
	heads_put(&rig, text, len);
	chain_open(&rig);
	const struct fog_audit_filter starts = {
	        .action = "audit.start", .limit = 1, .newest_first = true};
	CU_ASSERT_EQUAL_FATAL(fog_audit_search(rig.db, &starts, &l), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(l.row[0].text[FOG_AUDIT_TEXT_details], "unreadable"));
	fog_audit_list_free(&l);
	chain_rig_stop(&rig);
}

// A file of heads as an older version wrote it: its first line gets a signature, the others stay.
static void test_older_heads(void)
{
	char text[4096], old[4096], hash[65], line[256];
	struct fog_audit_head h;
	struct chain_rig rig;

	start(&rig);
	chain_close(&rig);
	size_t len = heads_get(&rig, text, sizeof(text));
	CU_ASSERT_EQUAL_FATAL(fog_audit_head_read(text, FOG_AUDIT_NEWEST_LEN - 1, &h), 0);
	sodium_bin2hex(hash, sizeof(hash), h.hash, sizeof(h.hash));
	memset(line, ' ', sizeof(line));
	int n = snprintf(
	        line, sizeof(line),
	        "{\"newest\":true,\"chain\":\"%s\",\"sequence\":%lld,\"hash\":\"%s\",\"time_us\":%lld}",
	        h.chain, (long long)h.sequence, hash, (long long)h.time_us
	);
	line[n] = ' ';
	line[sizeof(line) - 1] = '\n';
	memcpy(old, line, sizeof(line));
	memcpy(old + sizeof(line), text + FOG_AUDIT_NEWEST_LEN, len - FOG_AUDIT_NEWEST_LEN);
	heads_put(&rig, old, sizeof(line) + len - FOG_AUDIT_NEWEST_LEN);
	struct found f = verify(&rig);
	CU_ASSERT_TRUE(found_only(&f, FOG_AUDIT_UNREADABLE, 1, 1));
	chain_open(&rig);
	f = verify(&rig);
	CU_ASSERT_EQUAL(f.verdict.findings, 0);
	CU_ASSERT_EQUAL(f.verdict.signed_heads, 3); // of the first start, its end, and this one
	const struct fog_audit_filter starts = {
	        .action = "audit.start", .limit = 1, .newest_first = true};
	struct fog_audit_list l;
	CU_ASSERT_EQUAL_FATAL(fog_audit_search(rig.db, &starts, &l), 0);
	CU_ASSERT_STRING_EQUAL(
	        l.row[0].text[FOG_AUDIT_TEXT_details],
	        "{\"ahead\":0,\"missing\":0,\"head\":\"read\"}"
	);
	fog_audit_list_free(&l);
	chain_rig_stop(&rig);
}

// After a power cut the store may know more than the heads' file; that is no finding.
static void test_ahead(void)
{
	struct chain_rig rig;
	char text[4096];

	start(&rig);
	size_t len = heads_get(&rig, text, sizeof(text));
	for (int i = 0; i < 3; i++)
		append(&rig, "user.create");
	chain_close(&rig);
	heads_put(&rig, text, len);
	chain_open(&rig);
	append(&rig, "user.create");
	CU_ASSERT_EQUAL(verify(&rig).verdict.findings, 0);
	const struct fog_audit_filter starts = {
	        .action = "audit.start", .limit = 10, .newest_first = true};
	struct fog_audit_list l;
	CU_ASSERT_EQUAL_FATAL(fog_audit_search(rig.db, &starts, &l), 0);
	CU_ASSERT_STRING_EQUAL(
	        l.row[0].text[FOG_AUDIT_TEXT_details],
	        "{\"ahead\":4,\"missing\":0,\"head\":\"read\"}"
	);
	fog_audit_list_free(&l);
	chain_rig_stop(&rig);
}

// A file of heads that belongs to another node is put aside, and both chains are verified.
static void test_other_chain(void)
{
	struct chain_rig rig, other;
	char kept[192];
	struct stat st;

	start(&rig);
	other = rig;
	uint8_t seed[32] = {3};
	crypto_sign_seed_keypair(other.public_key, other.secret_key, seed);
	chain_close(&rig);
	chain_open(&other);
	append(&other, "user.create");
	snprintf(kept, sizeof(kept), "%s.%s", rig.heads, rig.id);
	CU_ASSERT_EQUAL(stat(kept, &st), 0);
	const char *paths[] = {kept, rig.heads};
	struct found f = verify_by(&rig, NULL, paths, 2);
	CU_ASSERT_EQUAL(f.verdict.findings, 0);
	CU_ASSERT_EQUAL(f.verdict.chains, 2);
	CU_ASSERT_EQUAL(f.verdict.unwatched, 0);
	CU_ASSERT_EQUAL(verify(&other).verdict.unwatched, 1);
	rig.chain = other.chain;
	chain_rig_stop(&rig);
}

int main(void)
{
	const CU_TestInfo tests[] = {
	        {"a good chain, over a start", test_good},
	        {"triggers refuse every change", test_refused},
	        {"each field that is edited", test_edited},
	        {"rows that are deleted", test_deleted},
	        {"rows that are swapped", test_swapped},
	        {"hashes that are made anew", test_rewritten},
	        {"a row that somebody else adds", test_added},
	        {"a cut stays to be found", test_cut_and_on},
	        {"forged and broken heads", test_forged_heads},
	        {"a store that knows more than the heads", test_ahead},
	        {"a store of an older version", test_older_store},
	        {"newest rows and heads that are gone", test_cut_with_heads},
	        {"hashes made anew, and a head for them", test_rewritten_with_heads},
	        {"heads of an older version", test_older_heads},
	        {"two chains", test_other_chain},
	        CU_TEST_INFO_NULL,
	};
	return sodium_init() < 0 ? 1 : check_run("audit verify", tests);
}
