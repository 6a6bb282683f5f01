// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Looking into the record of what init changed.
#include <string.h>

#include "host.h"

static bool record_is(const json_t *change, const char *key, const char *value)
{
	const char *text = json_string_value(json_object_get(change, key));

	return strcmp(text != NULL ? text : "", value) == 0;
}

json_t *host_undo_find(const struct host *h, const char *kind, const char *key, const char *value)
{
	const json_t *changes = json_object_get(h->undo, "changes");

	for (size_t i = 0; i < json_array_size(changes); i++) {
		json_t *change = json_array_get(changes, i);
		if (record_is(change, "kind", kind) && record_is(change, key, value))
			return change;
	}
	return NULL;
}
