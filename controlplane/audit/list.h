// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Rows of the store as a list in memory.
#pragma once

#include "../store/db.h"
#include "search.h"

// The columns that audit_list_read expects, in order.
#define AUDIT_COLUMNS \
	"id, chain, sequence, time_us, status, duration_us, body_digest, actor_kind, actor_id," \
	" actor_name, action, object, source, request_id, correlation_id, method, path, outcome," \
	" details, previous, hash"

// Read up to 'max' rows of a statement that selects AUDIT_COLUMNS. Empties the list first, so a transaction may run again.
// Returns 0, -ENOMEM or an error of the store.
int audit_list_read(
        struct fog_tx *, struct fog_audit_list *, unsigned max, const char *sql,
        const struct fog_value *, unsigned n
);
