// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fogline.yaml into struct fog_config, with every check that needs nothing but the file.
#include <errno.h>
#include <pwd.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keys.h"
#include "prefix.h"
#include "schema.h"

// What the rows of a section fill in.
typedef struct fog_config OUT_root;
typedef struct fog_config_port OUT_port;
typedef struct fog_config_neighbour OUT_neighbour;
#define SECTION_OUT(name, keys, lists) typedef struct fog_config_##name OUT_##name;
CONFIG_SECTIONS(SECTION_OUT)

struct raw_neighbour {
	CONFIG_NEIGHBOUR_KEYS(CONFIG_RAW)
};

struct raw_port {
	CONFIG_PORT_KEYS(CONFIG_RAW)
	char **addresses;
	unsigned addresses_count;
	struct raw_neighbour *neighbours;
	unsigned neighbours_count;
};

#define LIST_RAW(section, key, most) \
	char **key; \
	unsigned key##_count;
#define SECTION_RAW(name, keys, lists) \
	struct raw_##name { \
		keys(CONFIG_RAW) lists(LIST_RAW) \
	};
CONFIG_SECTIONS(SECTION_RAW)

#define SECTION_MEMBER(name, keys, lists) struct raw_##name name;

struct raw_root {
	CONFIG_ROOT_KEYS(CONFIG_RAW)
	CONFIG_SECTIONS(SECTION_MEMBER)
	struct raw_port *ports;
	unsigned ports_count;
};

static const cyaml_schema_value_t text_entry = {
        CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, CYAML_UNLIMITED)};

static const cyaml_schema_field_t neighbour_fields[] = {CONFIG_NEIGHBOUR_KEYS(CONFIG_CYAML)
                                                                CYAML_FIELD_END};
static const cyaml_schema_value_t neighbour_entry = {
        CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_neighbour, neighbour_fields)};

#define LIST(key, type, member, entry, max) \
	CYAML_FIELD_SEQUENCE( \
	        key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, &entry, 0, max \
	)

static const cyaml_schema_field_t port_fields[] = {
        CONFIG_PORT_KEYS(CONFIG_CYAML)
                LIST("addresses", struct raw_port, addresses, text_entry, FOG_ADDRESSES_MAX),
        LIST("neighbours", struct raw_port, neighbours, neighbour_entry, FOG_NEIGHBOURS_MAX),
        CYAML_FIELD_END};
static const cyaml_schema_value_t port_entry = {
        CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_port, port_fields)};

#define LIST_CYAML(section, key, most) LIST(#key, struct raw_##section, key, text_entry, most),
#define SECTION_FIELDS(name, keys, lists) \
	static const cyaml_schema_field_t name##_fields[] = {lists(LIST_CYAML) keys(CONFIG_CYAML) \
	                                                             CYAML_FIELD_END};
CONFIG_SECTIONS(SECTION_FIELDS)

#define SECTION_FIELD(name, keys, lists) \
	CYAML_FIELD_MAPPING(#name, CYAML_FLAG_OPTIONAL, struct raw_root, name, name##_fields),
static const cyaml_schema_field_t root_fields[] = {
        CONFIG_ROOT_KEYS(CONFIG_CYAML) CONFIG_SECTIONS(SECTION_FIELD)
                LIST("ports", struct raw_root, ports, port_entry, FOG_PORTS_MAX),
        CYAML_FIELD_END};
static const cyaml_schema_value_t root_schema = {
        CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw_root, root_fields)};

static const struct config_key root_keys[] = {CONFIG_ROOT_KEYS(CONFIG_ROW)};
static const struct config_key port_keys[] = {CONFIG_PORT_KEYS(CONFIG_ROW)};
static const struct config_key neighbour_keys[] = {CONFIG_NEIGHBOUR_KEYS(CONFIG_ROW)};
#define SECTION_KEYS(name, keys, lists) \
	static const struct config_key name##_keys[] = {keys(CONFIG_ROW)};
CONFIG_SECTIONS(SECTION_KEYS)

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SECTION_ROW(name, keys, lists) \
	{#name, name##_keys, COUNT(name##_keys), offsetof(struct raw_root, name), \
	 offsetof(struct fog_config, name)},

// The mappings that stand once, in the order in which they are converted.
static const struct {
	const char *path;
	const struct config_key *keys;
	unsigned count;
	size_t raw, out;
} sections[] = {{"", root_keys, COUNT(root_keys), 0, 0}, CONFIG_SECTIONS(SECTION_ROW)};

static void load_workers(
        const struct config_source *s, const struct raw_workers *raw, struct fog_config *c
)
{
	static const struct config_key cpu = {
	        .kind = KIND_COUNT, .out_len = sizeof(uint32_t), .max = FOG_CONFIG_CPUS_MAX - 1};
	char path[48], why[256];

	if (raw->cpus_count == 0)
		config_error(s, "workers.cpus", "is missing: name one CPU per worker, such as [1]");
	for (unsigned i = 0; i < raw->cpus_count; i++) {
		snprintf(path, sizeof(path), "workers.cpus[%u]", i);
		if (config_value(&cpu, raw->cpus[i], &c->workers.cpu[i], why, sizeof(why)) < 0) {
			config_error(s, path, "%s", why);
			c->workers.cpu[i] = FOG_CONFIG_CPUS_MAX + i; // equal to no other
		}
		for (unsigned k = 0; k < i; k++)
			if (c->workers.cpu[k] == c->workers.cpu[i])
				config_error(
				        s, path, "CPU %u has a worker already: name each CPU once",
				        c->workers.cpu[i]
				);
	}
	c->workers.cpu_count = raw->cpus_count;
}

// One entry of the deny list, and where it stood in the file.
struct load_deny {
	struct fog_prefix prefix;
	unsigned at;
};

static int load_deny_compare(const void *a, const void *b)
{
	const struct load_deny *x = a, *y = b;
	int order = fog_prefix_compare(&x->prefix, &y->prefix);

	return order != 0 ? order : (x->at > y->at) - (x->at < y->at);
}

static void load_deny(
        const struct config_source *s, const struct raw_filter *raw, struct fog_config_filter *f
)
{
	struct load_deny *list = calloc(raw->deny_count + 1, sizeof(*list));
	char path[48], why[256];
	unsigned count = 0;

	if (list == NULL) {
		config_error(s, "filter.deny", "no memory for it");
		return;
	}
	for (unsigned i = 0; i < raw->deny_count; i++) {
		snprintf(path, sizeof(path), "filter.deny[%u]", i);
		list[count].at = i;
		if (fog_prefix_parse(raw->deny[i], &list[count].prefix, why, sizeof(why)) < 0)
			config_error(s, path, "%s", why);
		else
			count++;
	}
	qsort(list, count, sizeof(*list), load_deny_compare);
	for (unsigned i = 0; i < count; i++) {
		f->deny[i] = list[i].prefix;
		snprintf(path, sizeof(path), "filter.deny[%u]", list[i].at);
		if (i > 0 && fog_prefix_compare(&f->deny[i - 1], &f->deny[i]) == 0)
			config_error(s, path, "stands twice: remove one");
	}
	f->deny_count = count;
	free(list);
}

static void load_origins(
        const struct config_source *s, const struct raw_rest *raw, struct fog_config_rest *rest
)
{
	static const struct config_key origin = {
	        .kind = KIND_ORIGIN, .out_len = FOG_ORIGIN_LEN, .max = FOG_ORIGIN_LEN - 1};
	char path[48], why[256];

	for (unsigned i = 0; i < raw->cors_origins_count; i++) {
		const char *text = raw->cors_origins[i];
		snprintf(path, sizeof(path), "rest.cors_origins[%u]", i);
		if (config_value(&origin, text, rest->origin[i], why, sizeof(why)) < 0)
			config_error(s, path, "%s", why);
		for (unsigned k = 0; k < i; k++)
			if (strcmp(raw->cors_origins[k], text) == 0)
				config_error(s, path, "stands twice: remove one");
	}
	rest->origin_count = raw->cors_origins_count;
}

static void load_port_lists(
        const struct config_source *s, const char *path, const struct raw_port *raw,
        struct fog_config_port *p
)
{
	char child[64], why[256];

	for (unsigned i = 0; i < raw->addresses_count; i++) {
		snprintf(child, sizeof(child), "%s.addresses[%u]", path, i);
		if (config_value_address(
		            raw->addresses[i], &p->address[i], &p->prefix[i], why, sizeof(why)
		    ) < 0)
			config_error(s, child, "%s", why);
		for (unsigned k = 0; k < i; k++)
			if (memcmp(&p->address[k], &p->address[i], sizeof(struct fog_ip)) == 0)
				config_error(s, child, "stands twice: remove one");
	}
	p->address_count = raw->addresses_count;
	for (unsigned i = 0; i < raw->neighbours_count; i++) {
		snprintf(child, sizeof(child), "%s.neighbours[%u]", path, i);
		config_convert(
		        s, child, neighbour_keys, COUNT(neighbour_keys), &raw->neighbours[i],
		        &p->neighbour[i]
		);
		for (unsigned k = 0; k < i; k++)
			if (memcmp(&p->neighbour[k].address, &p->neighbour[i].address,
			           sizeof(struct fog_ip)) == 0)
				config_error(s, child, "its address stands twice: remove one");
	}
	p->neighbour_count = raw->neighbours_count;
}

static void load_port(
        const struct config_source *s, unsigned i, const struct raw_port *raw, struct fog_config *c
)
{
	struct fog_config_port *p = &c->port[i];
	char path[32];

	snprintf(path, sizeof(path), "ports[%u]", i);
	config_convert(s, path, port_keys, COUNT(port_keys), raw, p);
	load_port_lists(s, path, raw, p);
	if (p->queues == 0)
		p->queues = c->workers.cpu_count;
	for (unsigned k = 0; k < i && p->name[0] != '\0' && p->device[0] != '\0'; k++) {
		if (strcmp(c->port[k].name, p->name) == 0)
			config_error(
			        s, path, "name '%s' is ports[%u]'s: choose another", p->name, k
			);
		if (strcmp(c->port[k].device, p->device) == 0 && p->driver != FOG_DRIVER_LOOP)
			config_error(s, path, "device '%s' is ports[%u]'s already", p->device, k);
	}
}

// A user that this host doesn't know is a finding of check: the file may be for another host. A
// number needs no entry in the user database.
static bool load_user(const char *name, uid_t *uid, gid_t *gid)
{
	struct passwd entry, *found = NULL;
	char buf[4096], *end = NULL;
	unsigned long number = strtoul(name, &end, 10);

	if (*end == '\0' && number < UINT32_MAX && name[0] >= '0' && name[0] <= '9') {
		*uid = (uid_t)number;
		*gid = (gid_t)number;
		if (getpwuid_r(*uid, &entry, buf, sizeof(buf), &found) == 0 && found != NULL)
			*gid = entry.pw_gid;
		return true;
	}
	if (getpwnam_r(name, &entry, buf, sizeof(buf), &found) != 0 || found == NULL)
		return false;
	*uid = entry.pw_uid;
	*gid = entry.pw_gid;
	return true;
}

static void load_users(struct fog_config *c)
{
	if (c->user[0] == '\0') {
		c->uid = geteuid();
		c->gid = getegid();
		c->user_found = true;
	} else {
		c->user_found = load_user(c->user, &c->uid, &c->gid);
	}
	// Nobody: both processes compile the same file and must come to the same number.
	c->data_user_found = c->dataplane_user[0] == '\0' ||
	        load_user(c->dataplane_user, &c->data_uid, &c->data_gid);
}

static void load_convert(struct config_source *s, const struct raw_root *raw, struct fog_config *c)
{
	s->instance = c->instance;
	s->run_dir = c->run_dir;
	s->state_dir = c->state_dir;
	for (unsigned i = 0; i < COUNT(sections); i++)
		config_convert(
		        s, sections[i].path, sections[i].keys, sections[i].count,
		        (const char *)raw + sections[i].raw, (char *)c + sections[i].out
		);
	load_workers(s, &raw->workers, c);
	load_deny(s, &raw->filter, &c->filter);
	load_origins(s, &raw->rest, &c->rest);
	if (raw->ports_count == 0)
		config_error(s, "ports", "is missing: an appliance needs at least one port");
	for (unsigned i = 0; i < raw->ports_count; i++)
		load_port(s, i, &raw->ports[i], c);
	c->port_count = raw->ports_count;
	load_users(c);
}

int fog_config_load_text(
        const char *name, const char *text, size_t len, struct fog_config **out,
        struct fog_report *report
)
{
	struct config_source s = {.file = name, .report = report};
	struct fog_config *c = calloc(1, sizeof(*c));
	unsigned before = report->errors;
	void *raw = NULL;
	int ret;

	*out = NULL;
	if (c == NULL)
		return -ENOMEM;
	ret = config_yaml_load(&s, text, len, &root_schema, &raw);
	c->lines = s.lines;
	if (ret < 0)
		goto err;
	load_convert(&s, raw, c);
	config_yaml_free(&root_schema, raw);
	ret = -EINVAL;
	if (report->errors > before)
		goto err;
	snprintf(c->file, sizeof(c->file), "%s", name);
	crypto_generichash(c->checksum, sizeof(c->checksum), (const uint8_t *)text, len, NULL, 0);
	*out = c;
	return 0;
err:
	fog_config_free(c);
	return ret;
}

int fog_config_load(const char *path, struct fog_config **out, struct fog_report *report)
{
	char *text;
	size_t len;
	int ret = config_read(path, FOG_CONFIG_TEXT_MAX, report, &text, &len);

	*out = NULL;
	if (ret < 0)
		return ret;
	ret = fog_config_load_text(path, text, len, out, report);
	free(text);
	return ret;
}

void fog_config_free(struct fog_config *c)
{
	if (c == NULL)
		return;
	config_lines_free(c->lines);
	free(c);
}

static enum fog_reload reload_port(const struct fog_config_port *a, const struct fog_config_port *b)
{
	struct fog_config_port x = *a, y = *b;

	// Neighbours are the only part of a port that a running data plane takes over.
	x.neighbour_count = y.neighbour_count = 0;
	memset(x.neighbour, 0, sizeof(x.neighbour));
	memset(y.neighbour, 0, sizeof(y.neighbour));
	return memcmp(&x, &y, sizeof(x)) != 0 ? FOG_RELOAD_LAUNCH : FOG_RELOAD_RUN;
}

static void reload_raise(enum fog_reload *class, enum fog_reload to)
{
	if (to > *class)
		*class = to;
}

static bool origins_same(const struct fog_config *a, const struct fog_config *b)
{
	return a->rest.origin_count == b->rest.origin_count &&
	        memcmp(a->rest.origin, b->rest.origin, sizeof(a->rest.origin)) == 0;
}

enum fog_reload fog_config_reload_class(const struct fog_config *a, const struct fog_config *b)
{
	enum fog_reload class = FOG_RELOAD_RUN;

	for (unsigned i = 0; i < COUNT(sections); i++) {
		for (unsigned k = 0; k < sections[i].count; k++) {
			const struct config_key *key = &sections[i].keys[k];
			size_t at = sections[i].out + key->out;
			if (memcmp((const char *)a + at, (const char *)b + at, key->out_len) != 0)
				reload_raise(&class, key->reload);
		}
	}
	if (a->workers.cpu_count != b->workers.cpu_count || a->port_count != b->port_count ||
	    memcmp(a->workers.cpu, b->workers.cpu, sizeof(a->workers.cpu)) != 0)
		reload_raise(&class, FOG_RELOAD_LAUNCH);
	if (!origins_same(a, b))
		reload_raise(&class, FOG_RELOAD_CONTROL);
	for (unsigned i = 0; i < a->port_count && i < b->port_count; i++)
		reload_raise(&class, reload_port(&a->port[i], &b->port[i]));
	return class;
}

// Keys whose change takes no restart of the control plane, but which decide what root opens at the
// next start, or what a mix may tell about single packets.
static const struct {
	const char *section, *key;
} local_keys[] = {
        {"", "dataplane_user"},
        {"replay", "dir"},
        {"trace", "allow"},
};

static bool key_is_local(const char *section, const struct config_key *key)
{
	for (unsigned i = 0; i < COUNT(local_keys); i++)
		if (strcmp(local_keys[i].section, section) == 0 &&
		    strcmp(local_keys[i].key, key->key) == 0)
			return true;
	return key->reload == FOG_RELOAD_CONTROL;
}

static void remote_refuse(
        const struct fog_config *fresh, struct fog_report *report, const char *path
)
{
	fog_report_error(
	        report, fresh->file, config_line(fresh->lines, path),
	        "%s: is not changed over REST: change it in the file as root, then restart what the key "
	        "belongs to",
	        path
	);
}

static void remote_check_ports(
        const struct fog_config *old, const struct fog_config *fresh, struct fog_report *report
)
{
	char path[48];

	if (fresh->port_count != old->port_count)
		remote_refuse(fresh, report, "ports");
	for (unsigned i = 0; i < fresh->port_count && i < old->port_count; i++) {
		const struct fog_config_port *a = &old->port[i], *b = &fresh->port[i];
		snprintf(path, sizeof(path), "ports[%u].device", i);
		if (strcmp(a->device, b->device) != 0)
			remote_refuse(fresh, report, path);
		snprintf(path, sizeof(path), "ports[%u].driver", i);
		if (a->driver != b->driver)
			remote_refuse(fresh, report, path);
	}
}

// Call 'changed' for every scalar key outside of lists that differs.
static void keys_compare(
        const struct fog_config *old, const struct fog_config *fresh,
        void (*changed)(void *ctx, const char *path, bool local), void *ctx
)
{
	char path[64];

	for (unsigned i = 0; i < COUNT(sections); i++) {
		for (unsigned k = 0; k < sections[i].count; k++) {
			const struct config_key *key = &sections[i].keys[k];
			size_t at = sections[i].out + key->out;
			if (memcmp((const char *)old + at, (const char *)fresh + at,
			           key->out_len) == 0)
				continue;
			snprintf(
			        path, sizeof(path), "%s%s%s", sections[i].path,
			        sections[i].path[0] != '\0' ? "." : "", key->key
			);
			changed(ctx, path, key_is_local(sections[i].path, key));
		}
	}
}

struct remote_check {
	const struct fog_config *fresh;
	struct fog_report *report;
};

static void remote_changed(void *ctx, const char *path, bool local)
{
	const struct remote_check *c = ctx;

	if (local)
		remote_refuse(c->fresh, c->report, path);
}

// What is wrong in a file is told with the words that stand in it, so nobody names just any file.
static bool folder_same(const char *a, const char *b)
{
	size_t len = (size_t)(strrchr(a, '/') - a) + 1;

	return strncmp(a, b, len) == 0 && strchr(b + len, '/') == NULL;
}

int fog_config_remote_check(
        const struct fog_config *old, const struct fog_config *fresh, struct fog_report *report
)
{
	struct remote_check c = {fresh, report};
	unsigned before = report->errors;

	keys_compare(old, fresh, remote_changed, &c);
	// Else whoever may not trace in production would end production first.
	if (old->production && !fresh->production)
		remote_refuse(fresh, report, "production");
	if (!origins_same(old, fresh))
		remote_refuse(fresh, report, "rest.cors_origins");
	if (!folder_same(old->topology, fresh->topology))
		remote_refuse(fresh, report, "topology");
	remote_check_ports(old, fresh, report);
	return report->errors > before ? -EPERM : 0;
}

struct config_names {
	char *text;
	size_t len, at;
};

static void name_add(void *ctx, const char *path, bool local)
{
	struct config_names *n = ctx;
	size_t room = n->len - n->at;
	int added = snprintf(n->text + n->at, room, "%s%s", n->at > 0 ? " " : "", path);

	if (added > 0 && (size_t)added < room)
		n->at += (size_t)added;
	else
		n->text[n->at] = '\0'; // whole names only
}

void fog_config_changes(
        const struct fog_config *old, const struct fog_config *fresh, char *text, size_t len
)
{
	struct config_names names = {text, len, 0};

	text[0] = '\0';
	keys_compare(old, fresh, name_add, &names);
	if (old->port_count != fresh->port_count ||
	    memcmp(old->port, fresh->port, sizeof(old->port)) != 0)
		name_add(&names, "ports", false);
	if (old->workers.cpu_count != fresh->workers.cpu_count ||
	    memcmp(old->workers.cpu, fresh->workers.cpu, sizeof(old->workers.cpu)) != 0)
		name_add(&names, "workers.cpus", false);
	if (old->filter.deny_count != fresh->filter.deny_count ||
	    memcmp(old->filter.deny, fresh->filter.deny, sizeof(old->filter.deny)) != 0)
		name_add(&names, "filter.deny", false);
	if (!origins_same(old, fresh))
		name_add(&names, "rest.cors_origins", true);
}
