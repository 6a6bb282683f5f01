// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What writing and reading a dump share. What fails notes it in the transaction.
#pragma once

#include <jansson.h>

#include "db_private.h"
#include "dump.h"

json_t *db_columns(struct fog_tx *, const char *table); // names
// First column of all rows of a query, but for 'except' (or NULL).
json_t *db_names(struct fog_tx *, const char *query, const char *except);
