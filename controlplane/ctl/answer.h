// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Answers of any route, for people.
#pragma once

#include <jansson.h>

// All of an object: single values as lines "name  value", objects inside as "outer.inner", lists of objects (and objects
// that hold nothing but alike ones) as tables below.
void ctl_answer_object(const json_t *answer);
// A table of the list 'list' of the answer, whose columns are the fields 'columns', separated by blanks.
void ctl_answer_list(const json_t *answer, const char *list, const char *columns);
