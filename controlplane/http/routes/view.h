// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Pieces of JSON that several views share. Every function returns a new reference, NULL without
// memory. What is not known is null, never 0.
#pragma once

#include <jansson.h>

#include "snapshot.h"
#include "view_value.h"

json_t *view_prefix(const struct fog_prefix *); // "192.0.2.0/24"
// The book fields and accounting_gap.
json_t *view_books(const struct fog_worker_counters *);
// Every reason with a count: {"replay": 3, ..}; zero counts stand there too.
json_t *view_drops(const struct fog_worker_counters *);
// {"count", "p50", "p99", "max"} in the histogram's unit; quantiles are null when it is empty.
json_t *view_hist(const struct fog_hist *);
// [{"name", "node_id", "tx", "rx"}] of the peers that had traffic. Under node->lock.
json_t *
view_peers(const struct fog_node *, const struct snapshot *, const struct fog_worker_counters *);
