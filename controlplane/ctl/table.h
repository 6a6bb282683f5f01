// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Tables for people: columns as wide as they need to be, numbers to the right.
#pragma once

#include <jansson.h>
#include <stdio.h>

struct ctl_table;

// 'titles' is a list separated by '|'. Returns NULL without memory; all functions take that.
struct ctl_table *ctl_table_new(const char *titles);
void ctl_table_text(struct ctl_table *, const char *text); // next cell; NULL = "-"
void ctl_table_value(struct ctl_table *, const json_t *value); // null and missing = "-"
// A value as a cell has it: lists with ',' between, control characters as \xNN. The caller frees it; NULL without memory.
char *ctl_value_text(const json_t *value);
// Cells of one row: the object's fields of these names, of which the last one is NULL.
void ctl_table_row(struct ctl_table *, const json_t *object, const char *const *keys);
// Rows of a list of objects; returns the table.
struct ctl_table *ctl_table_rows(struct ctl_table *, const json_t *list, const char *const *keys);
// A table of a list of objects, one in a row; what is no list has no rows.
struct ctl_table *ctl_table_list(const char *titles, const json_t *list, const char *const *keys);
void ctl_table_print(struct ctl_table *, FILE *); // and frees it; only that when FILE is NULL

// Print text that a stranger wrote: control characters, and those that change the direction of text, come out as \xNN; lines
// stay. Cells of tables are printed so, too, in one line.
void ctl_print_safe(FILE *, const char *text, size_t len);
