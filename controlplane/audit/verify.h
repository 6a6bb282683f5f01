// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Whether all rows of the audit are there and as they were written. Reads only; a store that is in use may be verified:
// heads are read before rows. One thread.
//
// What a file of heads (head.h) can't show: rows that were changed or cut before it began, or when somebody has put back an
// older copy of it, too. Then the heads in the log show it.
#pragma once

#include <stdint.h>

#include "row.h"

struct fog_db;

enum fog_audit_fault {
	FOG_AUDIT_CHANGED, // the row's hash is not that of its contents
	FOG_AUDIT_UNLINKED, // it does not follow the row before it
	FOG_AUDIT_GAP, // rows are missing before it
	FOG_AUDIT_CUT, // the newest rows are missing: a head knows of them
	FOG_AUDIT_REWRITTEN, // a head names another hash for it
	FOG_AUDIT_BAD_HEAD, // signed by nobody whom the chain is named after
	FOG_AUDIT_UNREADABLE, // a line of the heads' file; 'sequence' is the line's number
	FOG_AUDIT_UNWATCHED, // a chain that must have a head has none
	FOG_AUDIT_FAULTS
};

extern const char *const fog_audit_fault_name[FOG_AUDIT_FAULTS]; // "changed", ..
extern const char *const fog_audit_fault_text[FOG_AUDIT_FAULTS]; // a sentence

struct fog_audit_finding {
	enum fog_audit_fault fault;
	const char *chain; // "" of an unreadable line
	int64_t sequence; // of the first row that is wrong or missing
	int64_t last; // of a gap or a cut: the last one that is missing
};

enum { FOG_AUDIT_FINDINGS_MAX = 100 }; // of a chain; more are counted

struct fog_audit_verify {
	const char *const *head_path; // files, as many as 'heads'
	unsigned heads;
	const char *
	        log_path; // a log of control planes, with heads among its lines; "-": the standard input; NULL: none
	const char *own; // the chain that must have a head; NULL: none
	void (*found
	)(void *ctx, const struct fog_audit_finding *); // in the order of chains and rows
	void *ctx;
};

struct fog_audit_verdict {
	uint64_t chains, rows, signed_heads;
	uint64_t findings; // 0: all is well
	uint64_t unwatched; // chains without a head: their newest rows could be missing
};

// Returns 0 when everything was looked at, whatever was found; -errno of a file that can't be read, -EFBIG (over 64 MiB),
// -ENOMEM, or an error of the store.
int fog_audit_verify(struct fog_db *, const struct fog_audit_verify *, struct fog_audit_verdict *);
