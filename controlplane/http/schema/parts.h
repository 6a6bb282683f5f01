// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the schemas of several routes share, and short ways to write one. Schemas say exactly what handlers
// answer: objects have no other fields, what is not known is null and not missing. Texts are sentences
// without their end, as in the tables of dataplane/api.
#pragma once

#include <stddef.h>

#include "schema.h"

// Rows of a struct api_field[], which FIELDS_END ends.
#define FIELD(name, schema, text) \
	{ \
		name, &(schema), false, text \
	}
#define FIELD_OPTIONAL(name, schema, text) \
	{ \
		name, &(schema), true, text \
	}
#define FIELDS_END \
	{ \
		NULL, NULL, false, NULL \
	}

// Schemas in place. What stands behind the named arguments sets further members: '.nullable = true'.
#define SCHEMA(kind, ...) ((const struct api_schema){.type = kind, __VA_ARGS__})
#define INTEGER(low, high, ...) SCHEMA(API_INTEGER, .min = (low), .max = (high), ##__VA_ARGS__)
#define TEXT(shortest, longest, ...) \
	SCHEMA(API_STRING, .min = (shortest), .max = (longest), ##__VA_ARGS__)
#define ONE_OF(...) SCHEMA(API_STRING, .values = (const char *const[]){__VA_ARGS__, NULL})
#define ONE_OF_OR_NULL(...) \
	SCHEMA(API_STRING, .nullable = true, .values = (const char *const[]){__VA_ARGS__, NULL})
#define ARRAY_OF(schema, most, ...) \
	SCHEMA(API_ARRAY, .item = &(schema), .max = (most), ##__VA_ARGS__)
#define MAP_OF(schema, ...) SCHEMA(API_MAP, .item = &(schema), ##__VA_ARGS__)
#define OBJECT_OF(fields, ...) SCHEMA(API_OBJECT, .field = (fields), ##__VA_ARGS__)

// The same value, and the same or null.
#define SCHEMA_BOTH(name) extern const struct api_schema schema_##name, schema_##name##_or_null

SCHEMA_BOTH(flag);
SCHEMA_BOTH(count); // u64 that JSON has as a signed one
SCHEMA_BOTH(epoch);
SCHEMA_BOTH(number); // JSON's, with a point
SCHEMA_BOTH(ratio); // 0..1
SCHEMA_BOTH(time); // RFC 3339, UTC, with microseconds
SCHEMA_BOTH(text); // a sentence for people
SCHEMA_BOTH(code); // a word for programs
SCHEMA_BOTH(name); // of a node, network, appliance
SCHEMA_BOTH(id); // 32 bytes in hexadecimal: node ID, key, digest
SCHEMA_BOTH(boot_id); // of a data plane
SCHEMA_BOTH(ip);
SCHEMA_BOTH(label); // of a drop reason (drops.def)
SCHEMA_BOTH(role);

SCHEMA_BOTH(histogram);
SCHEMA_BOTH(peers); // of a worker
SCHEMA_BOTH(drops); // packets by reason

// Rows of what the packets of a worker, or of all of them, became; 'count' is schema_count, or _or_null.
#define BOOK_FIELDS(count) \
	FIELD("rx", count, "frames taken from ports"), \
	        FIELD("injected", count, "packets taken from the control plane"), \
	        FIELD("made", count, "packets made by workers themselves"), \
	        FIELD("tx", count, "packets handed to ports"), \
	        FIELD("delivered", count, "packets handed to the control plane as messages"), \
	        FIELD("punted", count, "frames passed on unopened to who answers them"), \
	        FIELD("answered", count, "frames answered, or meant for nobody but the worker"), \
	        FIELD("drops", count, "packets dropped, all reasons together"), \
	        FIELD("parked", count, "packets that wait for their delay"), \
	        FIELD("in_batch", count, "packets inside the pipeline just now"), \
	        FIELD("cover_stock", count, "cover packets that wait for their turn")
extern const struct api_schema schema_config_state; // what became of a generation
extern const struct api_schema
        schema_config_pending; // a change that waits for its confirmation, or null
