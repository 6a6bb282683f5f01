// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the view's files of this folder share.
#pragma once

#include "view.h"

struct fog_view {
	const struct fog_topology *network;
	struct fog_schedule schedule;
	uint64_t late_epoch, late_ns; // see fog_view_settled
	int dir; // descriptor of the folder
	unsigned count;
	struct fog_consensus *consensus[FOG_VIEW_MAX]; // ascending by epoch
	unsigned proof_count;
	uint8_t proof[FOG_VIEW_PROOFS_MAX][FOG_EQUIVOCATION_LEN];
};

enum { VIEW_NAME_MAX = 48 };

#define VIEW_TEMPORARY ".new" // what such a name ends with was not whole when a process ended

// Where these lie in a proof. All before what was said is the same for all proofs of one authority, kind and epoch.
enum { VIEW_PROOF_EPOCH_AT = 36, VIEW_PROOF_WHO_AT = 44, VIEW_PROOF_SAID_AT = 76 };

// Read everything that the folder has. Returns 0 or -errno.
int view_files_load(struct fog_view *);
// Write under a name that ends with VIEW_TEMPORARY, durably; then give it its own. Both return 0 or -errno, and
// remove it then.
int view_file_fresh(const struct fog_view *, const char *fresh, const uint8_t *data, size_t len);
int view_file_name(const struct fog_view *, const char *fresh, const char *name);
// Both. Returns 0 or -errno.
int view_file_write(const struct fog_view *, const char *name, const uint8_t *data, size_t len);
void view_file_remove(const struct fog_view *, const char *name);
// Up to 'max' bytes. Returns NULL (errno) when that isn't all, or it can't be read; else the caller frees it.
uint8_t *view_file_read(const struct fog_view *, const char *name, size_t max, size_t *len);
void view_consensus_name(uint64_t epoch, char name[VIEW_NAME_MAX]);
// Whether 'name' is what the epoch in it is called, so no file counts under two names.
bool view_name_epoch(const char *name, const char *prefix, uint64_t *epoch);

// Whether it is called like proofs, or the beginning of proofs.
bool view_proofs_are(const char *name);
// Read what a file of proofs has. Whatever isn't one is set aside with all of its file, and logged.
void view_proofs_load(struct fog_view *, const char *name);
// All proofs of an epoch, into its file. What is there and isn't known is set aside first: nothing that may be
// evidence is lost. Returns 0 or -errno, logged.
int view_proofs_write(const struct fog_view *, uint64_t epoch);

// Put in its place by epoch; when there is no room the oldest one goes, with its file, or 'c' itself when it
// is that. Takes 'c' over.
void view_insert(struct fog_view *, struct fog_consensus *c);
// Verify, and keep in memory. As fog_view_prove; 1: it is new.
int view_proof_add(struct fog_view *, const uint8_t *data, size_t len);
