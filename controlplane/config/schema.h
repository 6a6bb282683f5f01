// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What a key of a YAML file is: one row a key, from which loading, defaults, range checks and the
// documentation follow. libcyaml loads every scalar as text into a raw struct; the rows say how the
// text becomes a value of the public struct.
#pragma once

#include <cyaml/cyaml.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "report.h"

enum config_kind {
	KIND_TEXT, // printable ASCII, min to max characters
	KIND_NAME, // letters, digits, '.', '_', '-', min to max characters, starts with letter or digit
	KIND_PATH, // absolute, no "..", at most max characters; empty when min is 0
	KIND_BOOL, // true, false
	KIND_COUNT, // whole number, with k, M or G for powers of 1,000
	KIND_MIB, // whole number of MiB, or with unit MiB or GiB
	KIND_US, // duration with unit us, ms or s, kept in microseconds
	KIND_MS, // duration with unit ms or s, kept in milliseconds
	KIND_SECONDS, // duration with unit s, min or h, kept in seconds
	KIND_IP, // IPv4 or IPv6 address; of one family when max says 4 or 6; empty when that is its default
	KIND_MAC, // six bytes in hexadecimal with colons
	KIND_KEY, // 32 bytes in hexadecimal, not all zero
	KIND_SOCKET, // literal address:port, or empty
	KIND_PREFIX, // address/length, bits beyond the length zero (prefix.h)
	KIND_ORIGIN, // scheme://host or scheme://host:port, as browsers say it (RFC 6454)
	KIND_DRIVER, // from here on: one word of a set
	KIND_XDP_MODE,
	KIND_IDLE,
	KIND_LINKS,
	KIND_ROLE,
	KIND_LOG_LEVEL,
	KIND_TLS,
	KIND_END,
};

struct config_key {
	const char *key;
	enum config_kind kind;
	uint16_t raw; // offset of the text (char *) in the raw struct
	uint32_t out; // offset of the value in the public struct
	uint32_t out_len; // its size
	const char *fallback; // default as it would stand in the file; NULL: the key is required
	uint64_t min, max; // range of the value, or of its length
	enum fog_reload reload;
	const char *text; // one sentence for the documentation
};

// Rows are written as X(section, "key", member, KIND, default, min, max, RELOAD, text); 'section'
// names the raw struct and, by the name OUT_section, the public one.
#define CONFIG_RAW(section, key, member, ...) char *member;
#define CONFIG_CYAML(section, key, member, ...) \
	CYAML_FIELD_STRING_PTR( \
	        key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_##section, member, 0, \
	        CYAML_UNLIMITED \
	),
#define CONFIG_ROW(section, name, member, k, def, lo, hi, class, sentence) \
	{ \
	        .key = name, \
	        .kind = KIND_##k, \
	        .raw = offsetof(struct raw_##section, member), \
	        .out = offsetof(OUT_##section, member), \
	        .out_len = sizeof(((OUT_##section *)NULL)->member), \
	        .fallback = def, \
	        .min = lo, \
	        .max = hi, \
	        .reload = FOG_RELOAD_##class, \
	        .text = sentence, \
	},

// One file while it is read. 'instance' and the folders complete default paths once they are known.
struct config_source {
	const char *file; // for findings
	struct fog_report *report;
	struct config_lines *lines;
	const char *instance, *run_dir, *state_dir;
};

// Read 'text' by 'schema' (a mapping) into 'raw', which the caller gives back to config_yaml_free.
// Refuses, each with its line: bad YAML, unknown, doubled and misplaced keys, anchors, aliases, a
// second document, deep nesting. s->lines is made here and belongs to the caller (also on error).
// Returns 0, -EINVAL, -E2BIG, -ENOMEM.
int config_yaml_load(
        struct config_source *s, const char *text, size_t len, const cyaml_schema_value_t *schema,
        void **raw
);
void config_yaml_free(const cyaml_schema_value_t *schema, void *raw); // accepts NULL

// Line of a key by its path ("ports[0].vlan"), or of the nearest part of the file around it.
unsigned config_line(const struct config_lines *, const char *path);
void config_lines_free(struct config_lines *); // accepts NULL

// Finding about the key at 'path'.
__attribute__((format(printf, 3, 4))) void config_error(
        const struct config_source *s, const char *path, const char *format, ...
);

// Convert the 'count' scalars of one mapping at 'path' ("" for the root) from 'raw' to 'out'.
// A text that was left out gives its default. Every bad value is a finding.
void config_convert(
        const struct config_source *s, const char *path, const struct config_key *keys,
        unsigned count, const void *raw, void *out
);
// Convert one text by its row. Returns 0 or -EINVAL with the reason in 'why'.
int config_value(const struct config_key *, const char *text, void *out, char *why, size_t why_len);
// "192.0.2.1/24": address and prefix length, 0 when there is none. Returns as config_value.
int config_value_address(
        const char *text, struct fog_ip *ip, uint8_t *prefix, char *why, size_t why_len
);
// Words of an enumerated kind joined by "|", for findings and documentation; "" for other kinds.
const char *config_words(enum config_kind);
// Word of a value of an enumerated kind; "?" when there is none.
const char *config_word(enum config_kind, uint64_t value);

// Read a file that is at most 'max' bytes long. Returns 0 and text that the caller frees, or -errno
// with a finding (-E2BIG too long).
int config_read(const char *path, size_t max, struct fog_report *, char **text, size_t *len);
