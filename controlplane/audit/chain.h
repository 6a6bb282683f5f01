// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Writing this control plane's chain of the audit (row.h). A thread of its own writes the rows of all who wait in one
// transaction; between them it writes what refusals of strangers it has counted, and signs heads (head.h).
//
// Rows of its own have the actor 'system' and these actions: audit.start ("ahead": rows that the heads' file did not
// know of; "missing": rows that it knew of and that are not in the store), audit.stop, audit.back (the store takes
// rows again; "lost": rows that there was no place for meanwhile), audit.foreign ("rows" up to number "to" that this process did not
// write), audit.anonymous.
//
// What changes something is noted twice: as begun, before, and with what came of it. What a process that died has left
// begun is noted as unknown by the next one, with its actor and correlation id, in the transaction of audit.start.
//
// Any thread, all functions but create, start, open and close.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "row.h"

struct fog_db;
struct fog_audit_chain;

enum {
	FOG_AUDIT_HEAD_S = 3600,
	FOG_AUDIT_SOURCES_MAX = 256,
	FOG_AUDIT_ACTIONS_MAX = 120,
	FOG_AUDIT_WAITING_MAX = 1024
};

enum fog_audit_outcome {
	FOG_AUDIT_DONE,
	FOG_AUDIT_REFUSED,
	FOG_AUDIT_FAILED,
	FOG_AUDIT_BEGUN, // it may be done from now on; another row with its request_id says what came of it
	FOG_AUDIT_UNKNOWN, // begun by a process that died
};

// Who did it. Constant texts, stored as they are here.
#define FOG_AUDIT_ANONYMOUS "anonymous"
#define FOG_AUDIT_USER "user"
#define FOG_AUDIT_KEY "key"
#define FOG_AUDIT_TOKEN "token" // the static one
#define FOG_AUDIT_LOCAL "local" // over the UNIX socket; the id is the uid
#define FOG_AUDIT_SYSTEM "system"

// Texts may be NULL for "". What is longer than texts.def allows is cut at a character; control characters and what is
// no UTF-8 become '?'.
struct fog_audit_event {
	const char *actor_kind, *actor_id, *actor_name;
	const char *action, *object;
	const char *source; // address
	const char *request_id, *correlation_id;
	const char *method, *path;
	unsigned status; // of the answer
	enum fog_audit_outcome outcome;
	int64_t time_us; // since 1970, 0: now
	uint64_t duration_us;
	const uint8_t *body_digest; // FOG_AUDIT_HASH_LEN bytes (BLAKE2b-256 of the body), or NULL
	const char *
	        details; // text of a JSON object, or NULL; a longer one is left out, and that is said
};

struct fog_audit_params {
	struct fog_db *db; // outlives the chain
	const uint8_t *secret_key; // Ed25519, 64 bytes; outlives the chain
	const char *head_path; // of the heads' file, outside of the store
	bool brief; // of a command: its starts and stops are no rows, unless they have something to tell
	const char *
	        begun; // request_id of what the caller has begun by another chain of this name; NULL: nothing
};

// A chain that takes what is posted and counted, and keeps it until start. Nothing may be appended before.
// Returns 0, -ENOMEM, or what the heads' file has against it (logged).
int fog_audit_chain_create(struct fog_audit_chain **, const struct fog_audit_params *);
// The thread, once the store has its tables. A store that does not answer is no error: rows are refused until it does.
// Waits for the first attempt. Returns 0 or -errno.
int fog_audit_chain_start(struct fog_audit_chain *);
// Both.
int fog_audit_chain_open(struct fog_audit_chain **, const struct fog_audit_params *);
// Writes what waits, the counts, and a signed head. Nobody may append any more. Accepts NULL.
void fog_audit_chain_close(struct fog_audit_chain *);

const char *fog_audit_chain_id(const struct fog_audit_chain *);

// Not inside of a transaction: the row is written in another one, which would wait for it.
// Returns 0 when the row is durable; 'sequence' (may be NULL) gets its number. -EINVAL: no action. Any other error is the
// store's (store/db.h): the row may be there all the same, but nobody may rely on it.
int fog_audit_chain_append(
        struct fog_audit_chain *, const struct fog_audit_event *, int64_t *sequence
);

// The same without waiting for a store that is away: the row stands in a queue of FOG_AUDIT_WAITING_MAX at the most, and is
// written when the store takes rows again. Inside of a transaction only with 'wait_ms' 0.
// Returns 0: durable within 'wait_ms'; 1: it waits; -EINVAL; -ENOBUFS: there is no place, or -ENOMEM: it is lost, which is counted,
// logged, and said in audit.back.
int fog_audit_chain_post(struct fog_audit_chain *, const struct fog_audit_event *, int wait_ms);

struct fog_audit_state {
	bool away; // as below
	unsigned waiting; // rows that were posted and are not in the store yet
	uint64_t lost; // that there was no place for, since create
};

void fog_audit_chain_state(struct fog_audit_chain *, struct fog_audit_state *);

// Whether the store took no rows when it was last tried, which it is once a second, or has not been tried. Whoever is about to change something
// asks this first, and changes nothing when it is so. One atomic load.
bool fog_audit_chain_away(const struct fog_audit_chain *);

// Count a refusal of somebody who has not said who he is. 'action' must live as long as the chain. Per source and minute
// one row says how many there were, of which actions and with which statuses; of more than FOG_AUDIT_SOURCES_MAX
// sources in a minute the rest is counted as "others", and so are actions beyond FOG_AUDIT_ACTIONS_MAX.
void fog_audit_chain_anonymous(
        struct fog_audit_chain *, const char *source, const char *action, unsigned status
);
// Write these counts now, and a signed head. Returns 0 or an error as append does.
int fog_audit_chain_flush(struct fog_audit_chain *);
