// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The rows of keys.h as documentation, and what a change of each key takes.
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "keys.h"
#include "schema.h"

// Where a section's keys stand, if not at "section.key".
struct describe_section {
	const char *section, *path;
};

struct describe_row {
	const char *section, *key;
	enum config_kind kind;
	const char *fallback;
	uint64_t min, max;
	unsigned reload;
	const char *text;
};

#define ROW(section, key, member, kind, def, lo, hi, class, text) \
	{#section, key, KIND_##kind, def, lo, hi, FOG_RELOAD_##class, text},

#define SECTION_ROWS(name, keys, lists) keys(ROW)

static const struct describe_row rows_config[] = {CONFIG_ROOT_KEYS(ROW) CONFIG_SECTIONS(SECTION_ROWS
) CONFIG_PORT_KEYS(ROW) CONFIG_NEIGHBOUR_KEYS(ROW)};
static const struct describe_row rows_topology[] = {
        TOPOLOGY_NETWORK_KEYS(ROW) TOPOLOGY_GEOMETRY_KEYS(ROW) TOPOLOGY_CUSTOM_KEYS(ROW)
                TOPOLOGY_DELAY_KEYS(ROW) TOPOLOGY_MIX_KEY_KEYS(ROW) TOPOLOGY_LINK_KEYS(ROW)
                        TOPOLOGY_COVER_KEYS(ROW) TOPOLOGY_DIRECTORY_KEYS(ROW)
                                TOPOLOGY_AUTHORITY_KEYS(ROW) TOPOLOGY_NODE_KEYS(ROW)};

// Lists, which are no scalar rows.
static const struct describe_row rows_lists[] = {
        {"workers", "cpus", KIND_COUNT, NULL, 0, FOG_CONFIG_CPUS_MAX - 1, FOG_RELOAD_LAUNCH,
         "list of CPUs, one worker each"},
        {"port", "addresses", KIND_IP, "[]", 0, 0, FOG_RELOAD_LAUNCH,
         "list of our addresses on this port, with the prefix length of the link (192.0.2.1/24) or "
         "without: everything is on link; [] on an afxdp port = all of the interface"},
        {"filter", "deny", KIND_PREFIX, "[]", 0, 0, FOG_RELOAD_RUN,
         "list of up to 4096 prefixes that nothing is taken from"},
        {"rest", "cors_origins", KIND_ORIGIN, "[]", 0, 0, FOG_RELOAD_CONTROL,
         "list of up to 16 origins whose pages may ask the API from a browser"},
};

// The files have sections of one name with other keys.
static const struct describe_section sections_config[] = {
        {"root", ""},
        {"port", "ports[]."},
        {"neighbour", "ports[].neighbours[]."},
        {NULL, NULL},
};
static const struct describe_section sections_topology[] = {
        {"geometry", "network."},
        {"custom", "network.custom."},
        {"delay", "network.delay."},
        {"rotation", "network.mix_key."},
        {"link", "network.link."},
        {"cover", "network.cover."},
        {"authority", "directory.authorities[]."},
        {"node", "nodes[]."},
        {NULL, NULL},
};

struct describe_text {
	char *text;
	size_t len, at;
};

__attribute__((format(printf, 2, 3))) static void describe_add(
        struct describe_text *d, const char *format, ...
)
{
	size_t room = d->at < d->len ? d->len - d->at : 0;
	va_list args;

	va_start(args, format);
	int n = vsnprintf(room > 0 ? d->text + d->at : NULL, room, format, args);
	va_end(args);
	d->at += n > 0 ? (size_t)n : 0;
}

static void describe_range(struct describe_text *d, const struct describe_row *r)
{
	const char *const say[KIND_END] = {
	        [KIND_TEXT] = "text",
	        [KIND_NAME] = "name",
	        [KIND_PATH] = "absolute path",
	        [KIND_IP] = "IPv4 or IPv6 address",
	        [KIND_MAC] = "MAC address",
	        [KIND_KEY] = "64 hexadecimal digits",
	        [KIND_SOCKET] = "address:port",
	        [KIND_PREFIX] = "IPv4 or IPv6 prefix",
	        [KIND_ORIGIN] = "scheme://host[:port]",
	};
	const char *const unit[KIND_END] = {
	        [KIND_MIB] = " MiB",
	        [KIND_US] = " us",
	        [KIND_MS] = " ms",
	        [KIND_SECONDS] = " s",
	};

	if (say[r->kind] != NULL)
		describe_add(d, "%s", say[r->kind]);
	else if (config_words(r->kind)[0] != '\0')
		describe_add(d, "%s", config_words(r->kind));
	else
		describe_add(
		        d, "%" PRIu64 " to %" PRIu64 "%s", r->min, r->max,
		        unit[r->kind] != NULL ? unit[r->kind] : ""
		);
}

static void describe_rows(
        struct describe_text *d, const struct describe_row *rows, size_t count,
        const struct describe_section *sections
)
{
	static const char *const reload[] = {
	        "at once", "restart data plane", "restart control plane"};

	for (size_t i = 0; i < count; i++) {
		const struct describe_row *r = &rows[i];
		const char *path = NULL;
		for (size_t k = 0; sections[k].section != NULL && path == NULL; k++)
			if (strcmp(sections[k].section, r->section) == 0)
				path = sections[k].path;
		if (path != NULL)
			describe_add(d, "%s%s", path, r->key);
		else
			describe_add(d, "%s.%s", r->section, r->key);
		if (r->fallback == NULL)
			describe_add(d, "\trequired");
		else
			describe_add(d, "\t%s", r->fallback[0] != '\0' ? r->fallback : "\"\"");
		describe_add(d, "\t");
		describe_range(d, r);
		describe_add(d, "\t%s\t%s\n", reload[r->reload], r->text);
	}
}

size_t fog_config_describe(char *text, size_t len)
{
	struct describe_text d = {.text = text, .len = len};

	if (len > 0)
		text[0] = '\0';
	describe_rows(
	        &d, rows_config, sizeof(rows_config) / sizeof(rows_config[0]), sections_config
	);
	describe_rows(&d, rows_lists, sizeof(rows_lists) / sizeof(rows_lists[0]), sections_config);
	describe_rows(
	        &d, rows_topology, sizeof(rows_topology) / sizeof(rows_topology[0]),
	        sections_topology
	);
	return d.at;
}
