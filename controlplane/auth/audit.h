// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The audit log: one JSON object a line for every request that may change something, refused ones
// included, appended before the answer leaves. Holds digests of bodies, never bodies.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct fog_audit;

struct fog_audit_entry {
	const char *request_id;
	const char *peer; // "uid 0", "token 12ab..", "none"
	const char *method, *path;
	int status; // HTTP
	const void *body;
	size_t body_len;
};

// Open or create 'path' (mode 0600) for appending. Before it would grow beyond 'file_max' bytes it
// becomes PATH.1, which becomes PATH.2 ..; 'files' (2 or more) are kept, this one included. Returns 0
// or -errno, logged with its mend.
int fog_audit_open(struct fog_audit **, const char *path, uint64_t file_max, unsigned files);
// Somebody has moved the file away: go on in a new one. Any thread. Returns 0, or -errno (logged; entries
// go on into the old file).
int fog_audit_reopen(struct fog_audit *);
void fog_audit_close(struct fog_audit *); // accepts NULL

// Append one line with one write, so that lines of several threads never mix. Any thread.
// Returns 0 or -errno (disk full ..): the caller then must not claim success.
int fog_audit_append(struct fog_audit *, const struct fog_audit_entry *);
