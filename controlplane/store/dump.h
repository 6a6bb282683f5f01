// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A platform's store as a file, the same whichever store it comes from, for backups and for moving between stores.
//
// One JSON value a line. The first is an object with "fogline": "store", "version": 1 and the steps of the schema that
// had run, [number, name, digest]. Then, for each table, an object with "table", "columns" and "sequence" (the last id
// given, or null), and its rows as arrays: numbers, texts, null, and bytes as {"b": base64}. The last is an object with
// the number of rows and the BLAKE2b-256 of all lines before. Secrets stand in it as they stand in the store: hashes,
// and what is sealed under the platform's key, which is not in it.
#pragma once

#include <stdio.h>

#include "db.h"

enum { FOG_DUMP_LINE_MAX = 128 << 20 };

// Write all that is in 'db', as it is at one moment; others may go on. Returns the number of rows, -ESTALE (steps of
// 'schema' are missing), -errno of 'out', or an error of db.h; said in 'error'.
int64_t fog_db_dump(
        struct fog_db *, const struct fog_schema *, FILE *out, char *error, size_t error_len
);

// Make 'db' what a dump says, in one transaction: the steps that it names, its rows. Steps that are newer than the dump
// are for fog_db_migrate. 'in' must be able to rewind. Returns the number of rows, -EEXIST (something is in the store, and
// 'force' is not set), -ENOTEMPTY (tables of something else are; nothing replaces those), -EBADMSG (damaged, cut, or of a
// schema with other texts), -ENOTSUP (of a newer version), or an error of db.h; said in 'error'.
int64_t fog_db_undump(
        struct fog_db *, const struct fog_schema *, FILE *in, bool force, char *error,
        size_t error_len
);
