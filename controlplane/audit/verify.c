// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "verify.h"
#include "head.h"
#include "list.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { VERIFY_BATCH = 500, HEADS_SIZE_MAX = 64 << 20 };

const char *const fog_audit_fault_name[FOG_AUDIT_FAULTS] = {
        [FOG_AUDIT_CHANGED] = "changed",
        [FOG_AUDIT_UNLINKED] = "unlinked",
        [FOG_AUDIT_GAP] = "gap",
        [FOG_AUDIT_CUT] = "cut",
        [FOG_AUDIT_REWRITTEN] = "rewritten",
        [FOG_AUDIT_BAD_HEAD] = "bad_head",
        [FOG_AUDIT_UNREADABLE] = "unreadable",
        [FOG_AUDIT_UNWATCHED] = "unwatched",
};

const char *const fog_audit_fault_text[FOG_AUDIT_FAULTS] = {
        [FOG_AUDIT_CHANGED] = "the row is not as it was written",
        [FOG_AUDIT_UNLINKED] = "the row does not follow the one before it",
        [FOG_AUDIT_GAP] = "rows are missing",
        [FOG_AUDIT_CUT] = "the newest rows are missing",
        [FOG_AUDIT_REWRITTEN] = "the row, or one before it, is not the one that a head names",
        [FOG_AUDIT_BAD_HEAD] = "the head is not signed by the node that the chain is named after",
        [FOG_AUDIT_UNREADABLE] = "the line of the heads' file is no head",
        [FOG_AUDIT_UNWATCHED] = "this node's file of heads is gone, or says nothing of this chain",
};

struct walk {
	struct fog_db *db;
	const struct fog_audit_verify *v;
	struct fog_audit_verdict *verdict;
	struct fog_audit_head *head; // by chain and sequence
	size_t head_count, head_room;
	char *chain; // whatever somebody may have called it
	int64_t after; // what has been read
	int64_t sequence; // of the last row
	uint8_t hash[FOG_AUDIT_HASH_LEN]; // of it
	size_t next_head; // first that this chain's rows have not reached
	unsigned told; // findings of this chain
	struct fog_audit_list list;
};

static void walk_found(struct walk *w, enum fog_audit_fault fault, int64_t sequence, int64_t last)
{
	const struct fog_audit_finding f = {fault, w->chain, sequence, last};

	w->verdict->findings++;
	if (w->told++ < FOG_AUDIT_FINDINGS_MAX && w->v->found != NULL)
		w->v->found(w->v->ctx, &f);
}

static int head_compare(const void *a, const void *b)
{
	const struct fog_audit_head *x = a, *y = b;
	int chain = strcmp(x->chain, y->chain);

	return chain != 0 ? chain : (x->sequence > y->sequence) - (x->sequence < y->sequence);
}

static int heads_keep(struct walk *w, const struct fog_audit_head *h)
{
	struct fog_audit_head *grown;

	if (w->head_count == w->head_room) {
		w->head_room = 2 * w->head_room + 64;
		grown = reallocarray(w->head, w->head_room, sizeof(*w->head));
		if (grown == NULL)
			return -ENOMEM;
		w->head = grown;
	}
	w->head[w->head_count++] = *h;
	return 0;
}

static int heads_line(struct walk *w, const char *line, size_t len, int64_t number)
{
	struct fog_audit_head h;

	if (fog_audit_head_read(line, len, &h) == 0)
		return heads_keep(w, &h);
	walk_found(w, FOG_AUDIT_UNREADABLE, number, number);
	return 0;
}

// Most lines of a log tell of something else.
static int heads_logged(struct walk *w, const char *path)
{
	bool standard = strcmp(path, "-") == 0;
	FILE *f = standard ? stdin : fopen(path, "re");
	struct fog_audit_head h;
	char *line = NULL;
	size_t room = 0;
	ssize_t n;
	int r = 0;

	if (f == NULL)
		return -errno;
	while (r == 0 && (n = getline(&line, &room, f)) > 0)
		if (fog_audit_head_logged(line, (size_t)n - (line[n - 1] == '\n'), &h) == 0)
			r = heads_keep(w, &h);
	if (r == 0 && ferror(f))
		r = -EIO;
	free(line);
	if (!standard)
		fclose(f);
	return r;
}

// A last line without an end belongs to a process that is writing it, or was killed then.
static int heads_lines(struct walk *w, const char *text, size_t len)
{
	const char *end = text + len;
	int64_t number = 1;
	int r = 0;

	for (; text < end && r == 0; number++) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		if (stop == NULL)
			break;
		r = heads_line(w, text, (size_t)(stop - text), number);
		text = stop + 1;
	}
	return r;
}

static int heads_read(struct walk *w, const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC), r = 0;
	char *text = NULL;
	ssize_t n = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		r = -errno;
	else if (st.st_size > HEADS_SIZE_MAX)
		r = -EFBIG;
	if (r == 0) {
		text = malloc((size_t)st.st_size + 1);
		n = text != NULL ? read(fd, text, (size_t)st.st_size) : -1;
		r = text == NULL ? -ENOMEM : n < 0 ? -errno : heads_lines(w, text, (size_t)n);
	}
	free(text);
	close(fd);
	return r;
}

static int batch_read(struct fog_tx *tx, void *ctx)
{
	struct walk *w = ctx;

	return audit_list_read(
	        tx, &w->list, VERIFY_BATCH,
	        "SELECT " AUDIT_COLUMNS
	        " FROM audit WHERE chain = $1 AND sequence > $2 ORDER BY sequence LIMIT $3",
	        FOG_BIND(FOG_TEXT(w->chain), FOG_INT(w->after), FOG_INT(VERIFY_BATCH))
	);
}

static bool head_here(const struct walk *w)
{
	return w->next_head < w->head_count && strcmp(w->head[w->next_head].chain, w->chain) == 0;
}

static void walk_row(struct walk *w, const struct fog_audit_row *row)
{
	uint8_t hash[FOG_AUDIT_HASH_LEN];

	fog_audit_row_hash(row, hash);
	if (row->sequence != w->sequence + 1)
		walk_found(w, FOG_AUDIT_GAP, w->sequence + 1, row->sequence - 1);
	else if (memcmp(row->previous, w->hash, sizeof(w->hash)) != 0)
		walk_found(w, FOG_AUDIT_UNLINKED, row->sequence, row->sequence);
	if (memcmp(hash, row->hash, sizeof(hash)) != 0)
		walk_found(w, FOG_AUDIT_CHANGED, row->sequence, row->sequence);
	w->sequence = w->after = row->sequence;
	memcpy(w->hash, row->hash, sizeof(w->hash));
	// Heads of rows that are missing have nothing to be compared with; the gap has been told.
	for (; head_here(w) && w->head[w->next_head].sequence <= row->sequence; w->next_head++)
		if (w->head[w->next_head].sequence == row->sequence &&
		    memcmp(w->head[w->next_head].hash, row->hash, sizeof(row->hash)) != 0)
			walk_found(w, FOG_AUDIT_REWRITTEN, row->sequence, row->sequence);
	w->verdict->rows++;
}

static void walk_heads(struct walk *w)
{
	uint64_t before = w->verdict->signed_heads;
	bool newest = false;

	w->next_head = 0;
	while (w->next_head < w->head_count && strcmp(w->head[w->next_head].chain, w->chain) < 0)
		w->next_head++;
	for (size_t i = w->next_head; i < w->head_count && strcmp(w->head[i].chain, w->chain) == 0;
	     i++) {
		newest |= w->head[i].newest;
		w->verdict->signed_heads += !w->head[i].newest;
		if (!fog_audit_head_good(&w->head[i]))
			walk_found(w, FOG_AUDIT_BAD_HEAD, w->head[i].sequence, w->head[i].sequence);
	}
	bool watched = newest || w->verdict->signed_heads > before;
	w->verdict->unwatched += !watched;
	if (!watched && w->v->own != NULL && strcmp(w->chain, w->v->own) == 0)
		walk_found(w, FOG_AUDIT_UNWATCHED, 1, 1);
}

static int walk_chain(struct walk *w)
{
	int r;

	w->sequence = 0;
	w->after = INT64_MIN; // also what has a number that no row has
	w->told = 0;
	memset(w->hash, 0, sizeof(w->hash));
	w->verdict->chains++;
	walk_heads(w);
	do {
		r = fog_db_read(w->db, batch_read, w);
		for (unsigned i = 0; i < w->list.count && r >= 0; i++)
			walk_row(w, &w->list.row[i]);
	} while (r >= 0 && w->list.count == VERIFY_BATCH);
	int64_t last = w->sequence;
	for (; head_here(w); w->next_head++)
		last = w->head[w->next_head].sequence;
	if (r >= 0 && last > w->sequence)
		walk_found(w, FOG_AUDIT_CUT, w->sequence + 1, last);
	return r < 0 ? r : 0;
}

struct next_chain {
	const char *after;
	char *chain; // "" when there is none, NULL: no memory
};

static int next_read(struct fog_tx *tx, void *ctx)
{
	struct next_chain *n = ctx;
	struct fog_rows rows;
	int r = fog_db_one(
	        tx, &rows, "SELECT min(chain) FROM audit WHERE chain > $1",
	        FOG_BIND(FOG_TEXT(n->after))
	);

	free(n->chain);
	n->chain = r >= 0 ? strdup(fog_rows_text(&rows, 0)) : NULL;
	fog_rows_end(&rows);
	return r < 0 ? r : n->chain != NULL ? 0 : -ENOMEM;
}

// The next chain after w->chain, of the store or of the heads: one of which no row is left is no less cut. Returns 1 with
// it, 0: there is none, or an error.
static int walk_next(struct walk *w)
{
	struct next_chain n = {.after = w->chain};
	int r = fog_db_read(w->db, next_read, &n);

	for (size_t i = 0; i < w->head_count && r >= 0; i++) {
		if (strcmp(w->head[i].chain, w->chain) <= 0)
			continue;
		if (n.chain[0] == '\0' || strcmp(w->head[i].chain, n.chain) < 0) {
			free(n.chain);
			n.chain = strdup(w->head[i].chain);
			r = n.chain != NULL ? 0 : -ENOMEM;
		}
		break;
	}
	if (r < 0) {
		free(n.chain);
		return r;
	}
	free(w->chain);
	w->chain = n.chain;
	return w->chain[0] != '\0';
}

int fog_audit_verify(
        struct fog_db *db, const struct fog_audit_verify *v, struct fog_audit_verdict *verdict
)
{
	struct walk w = {.db = db, .v = v, .verdict = verdict, .chain = strdup("")};
	int r = w.chain != NULL ? 0 : -ENOMEM;

	*verdict = (struct fog_audit_verdict){0};
	for (unsigned i = 0; i < v->heads && r >= 0; i++)
		r = heads_read(&w, v->head_path[i]);
	if (r >= 0 && v->log_path != NULL)
		r = heads_logged(&w, v->log_path);
	if (w.head_count > 0)
		qsort(w.head, w.head_count, sizeof(w.head[0]), head_compare);
	while (r >= 0 && (r = walk_next(&w)) > 0)
		r = walk_chain(&w);
	fog_audit_list_free(&w.list);
	free(w.head);
	free(w.chain);
	return r < 0 ? r : 0;
}
