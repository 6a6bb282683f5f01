// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "topology.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../dataplane/api/link.h"
#include "../config/keys.h"
#include "../config/schema.h"

struct topology_geometry {
	char name[16];
};

struct topology_custom {
	uint32_t slots, payload;
};

#define OUT_network struct fog_topology
#define OUT_geometry struct topology_geometry
#define OUT_custom struct topology_custom
#define OUT_delay struct fog_topology
#define OUT_rotation struct fog_topology
#define OUT_link struct fog_topology
#define OUT_directory struct fog_topology
#define OUT_authority struct fog_authority
#define OUT_cover struct fog_cover_rates
#define OUT_node struct fog_topology_node

struct raw_custom {
	TOPOLOGY_CUSTOM_KEYS(CONFIG_RAW)
};

struct raw_delay {
	TOPOLOGY_DELAY_KEYS(CONFIG_RAW)
};

struct raw_rotation {
	TOPOLOGY_MIX_KEY_KEYS(CONFIG_RAW)
};

struct raw_link {
	TOPOLOGY_LINK_KEYS(CONFIG_RAW)
};

struct raw_cover {
	TOPOLOGY_COVER_KEYS(CONFIG_RAW)
};

struct raw_geometry {
	TOPOLOGY_GEOMETRY_KEYS(CONFIG_RAW)
};

struct raw_network {
	TOPOLOGY_NETWORK_KEYS(CONFIG_RAW)
	struct raw_geometry geometry;
	struct raw_custom *custom;
	struct raw_delay delay;
	struct raw_rotation mix_key;
	struct raw_link link;
	struct raw_cover cover;
};

struct raw_authority {
	TOPOLOGY_AUTHORITY_KEYS(CONFIG_RAW)
};

struct raw_directory {
	TOPOLOGY_DIRECTORY_KEYS(CONFIG_RAW)
	struct raw_authority *authorities;
	unsigned authorities_count;
};

struct raw_node {
	TOPOLOGY_NODE_KEYS(CONFIG_RAW)
};

struct raw_topology {
	struct raw_network network;
	struct raw_directory *directory;
	struct raw_node *nodes;
	unsigned nodes_count;
};

static const cyaml_schema_field_t custom_fields[] = {TOPOLOGY_CUSTOM_KEYS(CONFIG_CYAML)
                                                             CYAML_FIELD_END};
static const cyaml_schema_field_t delay_fields[] = {TOPOLOGY_DELAY_KEYS(CONFIG_CYAML)
                                                            CYAML_FIELD_END};
static const cyaml_schema_field_t mix_key_fields[] = {TOPOLOGY_MIX_KEY_KEYS(CONFIG_CYAML)
                                                              CYAML_FIELD_END};
static const cyaml_schema_field_t link_fields[] = {TOPOLOGY_LINK_KEYS(CONFIG_CYAML)
                                                           CYAML_FIELD_END};
static const cyaml_schema_field_t cover_fields[] = {TOPOLOGY_COVER_KEYS(CONFIG_CYAML)
                                                            CYAML_FIELD_END};
static const cyaml_schema_field_t network_fields[] = {
        TOPOLOGY_NETWORK_KEYS(CONFIG_CYAML) CYAML_FIELD_STRING_PTR(
                "geometry", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_network,
                geometry.name, 0, CYAML_UNLIMITED
        ),
        CYAML_FIELD_MAPPING_PTR(
                "custom", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_network, custom,
                custom_fields
        ),
        CYAML_FIELD_MAPPING("delay", CYAML_FLAG_OPTIONAL, struct raw_network, delay, delay_fields),
        CYAML_FIELD_MAPPING(
                "mix_key", CYAML_FLAG_OPTIONAL, struct raw_network, mix_key, mix_key_fields
        ),
        CYAML_FIELD_MAPPING("link", CYAML_FLAG_OPTIONAL, struct raw_network, link, link_fields),
        CYAML_FIELD_MAPPING("cover", CYAML_FLAG_OPTIONAL, struct raw_network, cover, cover_fields),
        CYAML_FIELD_END};
static const cyaml_schema_field_t authority_fields[] = {TOPOLOGY_AUTHORITY_KEYS(CONFIG_CYAML)
                                                                CYAML_FIELD_END};
static const cyaml_schema_value_t authority_entry = {
        CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_authority, authority_fields)};
static const cyaml_schema_field_t directory_fields[] = {
        TOPOLOGY_DIRECTORY_KEYS(CONFIG_CYAML) CYAML_FIELD_SEQUENCE(
                "authorities", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_directory,
                authorities, &authority_entry, 0, FOG_AUTHORITIES_MAX
        ),
        CYAML_FIELD_END};
static const cyaml_schema_field_t node_fields[] = {TOPOLOGY_NODE_KEYS(CONFIG_CYAML)
                                                           CYAML_FIELD_END};
static const cyaml_schema_value_t node_entry = {
        CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_node, node_fields)};
static const cyaml_schema_field_t topology_fields[] = {
        CYAML_FIELD_MAPPING(
                "network", CYAML_FLAG_OPTIONAL, struct raw_topology, network, network_fields
        ),
        CYAML_FIELD_MAPPING_PTR(
                "directory", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_topology,
                directory, directory_fields
        ),
        CYAML_FIELD_SEQUENCE(
                "nodes", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_topology, nodes,
                &node_entry, 0, FOG_NODES_MAX
        ),
        CYAML_FIELD_END};
static const cyaml_schema_value_t topology_schema = {
        CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw_topology, topology_fields)};

static const struct config_key network_keys[] = {TOPOLOGY_NETWORK_KEYS(CONFIG_ROW)};
static const struct config_key geometry_keys[] = {TOPOLOGY_GEOMETRY_KEYS(CONFIG_ROW)};
static const struct config_key custom_keys[] = {TOPOLOGY_CUSTOM_KEYS(CONFIG_ROW)};
static const struct config_key delay_keys[] = {TOPOLOGY_DELAY_KEYS(CONFIG_ROW)};
static const struct config_key mix_key_keys[] = {TOPOLOGY_MIX_KEY_KEYS(CONFIG_ROW)};
static const struct config_key link_keys[] = {TOPOLOGY_LINK_KEYS(CONFIG_ROW)};
static const struct config_key directory_keys[] = {TOPOLOGY_DIRECTORY_KEYS(CONFIG_ROW)};
static const struct config_key authority_keys[] = {TOPOLOGY_AUTHORITY_KEYS(CONFIG_ROW)};
static const struct config_key cover_keys[] = {TOPOLOGY_COVER_KEYS(CONFIG_ROW)};
static const struct config_key node_keys[] = {TOPOLOGY_NODE_KEYS(CONFIG_ROW)};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void load_geometry(
        const struct config_source *s, const struct raw_network *raw, struct fog_topology *t
)
{
	struct topology_geometry chosen = {""};
	struct topology_custom custom = {0, 0};

	config_convert(s, "network", geometry_keys, COUNT(geometry_keys), &raw->geometry, &chosen);
	if (strcmp(chosen.name, "custom") != 0) {
		if (raw->custom != NULL)
			config_error(
			        s, "network.custom",
			        "counts only with 'geometry: custom': remove one of the two"
			);
		if (chosen.name[0] != '\0' && fog_geometry_named(&t->geometry, chosen.name) < 0)
			config_error(
			        s, "network.geometry", "'%s' is not one of mtu|mtu3|jumbo|custom",
			        chosen.name
			);
		return;
	}
	if (raw->custom == NULL) {
		config_error(
		        s, "network.geometry",
		        "custom needs 'custom: {slots: N, payload: N}' beside it"
		);
		return;
	}
	config_convert(s, "network.custom", custom_keys, COUNT(custom_keys), raw->custom, &custom);
	if (custom.slots != 0 && custom.payload != 0 &&
	    fog_geometry_init(&t->geometry, custom.slots, custom.payload) < 0)
		config_error(
		        s, "network.custom",
		        "a packet may have %d bytes at most: lower slots or payload",
		        FOG_SPHINX_PACKET_MAX
		);
}

static void load_network(
        const struct config_source *s, const struct raw_network *raw, struct fog_topology *t
)
{
	config_convert(s, "network", network_keys, COUNT(network_keys), raw, t);
	load_geometry(s, raw, t);
	uint32_t frame_len = t->geometry.packet_len + FOG_LINK_OVERHEAD;
	if (t->links == FOG_LINKS_NOISE && t->geometry.packet_len != 0 &&
	    frame_len < FOG_INITIATION_LEN)
		config_error(
		        s, "network.custom",
		        "frames of %u bytes hold no handshake message of %d: raise payload to %u",
		        frame_len, FOG_INITIATION_LEN,
		        t->geometry.payload_len + FOG_INITIATION_LEN - frame_len
		);
	config_convert(s, "network.delay", delay_keys, COUNT(delay_keys), &raw->delay, t);
	if (t->delay_max_us < t->delay_mean_us)
		config_error(
		        s, "network.delay", "max %u us is less than mean %u us: raise max",
		        t->delay_max_us, t->delay_mean_us
		);
	config_convert(s, "network.mix_key", mix_key_keys, COUNT(mix_key_keys), &raw->mix_key, t);
	config_convert(s, "network.link", link_keys, COUNT(link_keys), &raw->link, t);
	config_convert(s, "network.cover", cover_keys, COUNT(cover_keys), &raw->cover, &t->cover);
	if (t->overlap_s > t->epoch_s && t->epoch_s != 0)
		config_error(
		        s, "network.mix_key",
		        "overlap %u s is longer than epoch %u s, more than two keys would be in "
		        "use: lower overlap",
		        t->overlap_s, t->epoch_s
		);
}

// A key that no two of a list share.
struct load_unique {
	const char *key;
	size_t at;
};

// Of nodes, where they are given.
static const struct load_unique unique[] = {
        {"mix_key", offsetof(struct fog_topology_node, mix_key)},
        {"identity", offsetof(struct fog_topology_node, identity)},
        {"link_key", offsetof(struct fog_topology_node, link_key)},
        {"vrf_key", offsetof(struct fog_topology_node, vrf_key)},
};

// What a node needs depends on the network's links.
static void load_node_keys(
        const struct config_source *s, const struct fog_topology *t,
        const struct fog_topology_node *n, const char *path
)
{
	uint8_t id[FOG_ID_LEN];

	if (t->links == FOG_LINKS_NONE && sodium_is_zero(n->mix_key, 32))
		config_error(s, path, "a node of a network with 'links: none' needs its mix_key");
	if (t->links == FOG_LINKS_NOISE && !sodium_is_zero(n->mix_key, 32))
		config_error(
		        s, path,
		        "mix_key counts only with 'links: none': nodes announce theirs by epoch; "
		        "remove it"
		);
	if (t->links == FOG_LINKS_NOISE &&
	    (sodium_is_zero(n->identity, 32) || sodium_is_zero(n->link_key, 32) ||
	     sodium_is_zero(n->vrf_key, 32)))
		config_error(
		        s, path,
		        "a node of a network with 'links: noise' needs identity, link_key and "
		        "vrf_key: take them from 'fogctl identity show'"
		);
	if (sodium_is_zero(n->identity, 32))
		return;
	crypto_generichash(id, sizeof(id), n->identity, sizeof(n->identity), NULL, 0);
	if (memcmp(id, n->id, sizeof(id)) != 0)
		config_error(s, path, "id is not the BLAKE2b-256 of identity: correct one of them");
}

static void load_node_unique(
        const struct config_source *s, const struct fog_topology *t, unsigned i
)
{
	const struct fog_topology_node *n = &t->node[i];
	char path[48];

	snprintf(path, sizeof(path), "nodes[%u]", i);
	for (unsigned k = 0; k < i; k++) {
		const struct fog_topology_node *o = &t->node[k];
		if (strcmp(n->name, o->name) == 0)
			config_error(s, path, "name '%s' is nodes[%u]'s already", n->name, k);
		if (memcmp(n->id, o->id, sizeof(n->id)) == 0)
			config_error(s, path, "id is that of nodes[%u], '%s'", k, o->name);
		for (unsigned u = 0; u < COUNT(unique); u++) {
			const uint8_t *key = (const uint8_t *)n + unique[u].at;
			if (!sodium_is_zero(key, 32) &&
			    memcmp(key, (const uint8_t *)o + unique[u].at, 32) == 0)
				config_error(
				        s, path, "%s is that of nodes[%u], '%s'", unique[u].key, k,
				        o->name
				);
		}
		if (memcmp(&n->address, &o->address, sizeof(n->address)) == 0)
			config_error(s, path, "address is that of nodes[%u], '%s'", k, o->name);
	}
}

static void load_node(
        const struct config_source *s, const struct raw_node *raw, unsigned i,
        struct fog_topology *t
)
{
	struct fog_topology_node *n = &t->node[i];
	unsigned before = s->report->errors;
	char path[48];

	snprintf(path, sizeof(path), "nodes[%u]", i);
	config_convert(s, path, node_keys, COUNT(node_keys), raw, n);
	if (n->port == 0)
		n->port = t->mix_port;
	if (s->report->errors > before)
		return; // half a node would only give findings that follow from these
	load_node_keys(s, t, n, path);
	if (n->role == FOG_ROLE_MIX && n->layer == 0)
		config_error(s, path, "a mix needs its layer, counted from 1");
	if (n->role != FOG_ROLE_MIX && n->layer != 0)
		config_error(s, path, "only a mix has a layer: remove it");
	if (n->layer > t->layers)
		t->layers = n->layer;
}

static const struct load_unique authority_unique[] = {
        {"identity", offsetof(struct fog_authority, identity)},
        {"vrf_key", offsetof(struct fog_authority, vrf_key)},
        {"tls_key", offsetof(struct fog_authority, tls_key)},
};

// Authorities that are one and the same would make its voice count twice.
static void load_authority_unique(
        const struct config_source *s, const struct fog_topology *t, unsigned i
)
{
	const struct fog_authority *a = &t->authority[i];
	char path[48];

	snprintf(path, sizeof(path), "directory.authorities[%u]", i);
	for (unsigned k = 0; k < i; k++) {
		const struct fog_authority *o = &t->authority[k];
		if (strcmp(a->name, o->name) == 0)
			config_error(s, path, "name '%s' is authorities[%u]'s already", a->name, k);
		for (unsigned u = 0; u < COUNT(authority_unique); u++)
			if (memcmp((const uint8_t *)a + authority_unique[u].at,
			           (const uint8_t *)o + authority_unique[u].at, 32) == 0)
				config_error(
				        s, path, "%s is that of authorities[%u], '%s'",
				        authority_unique[u].key, k, o->name
				);
		if (memcmp(&a->address, &o->address, sizeof(a->address)) == 0 && a->port == o->port)
			config_error(
			        s, path, "address and port are those of authorities[%u], '%s'", k,
			        o->name
			);
	}
}

// Two valid consensuses of one epoch have at least 2 x threshold - count signers in common, each of
// whom lied. Above two thirds that is more than a third of them, and from four on two at least.
static void load_threshold(const struct config_source *s, const struct fog_topology *t)
{
	unsigned least = 2 * t->authority_count / 3 + 1;

	if (t->threshold > t->authority_count)
		config_error(
		        s, "directory.threshold",
		        "%u signatures, but there are %u authorities: take %u", t->threshold,
		        t->authority_count, least
		);
	else if (t->threshold < least)
		config_error(
		        s, "directory.threshold",
		        "with %u of %u authorities, %u that lie could sign two consensuses of one "
		        "epoch: take more than two thirds, at least %u",
		        t->threshold, t->authority_count,
		        2 * t->threshold > t->authority_count
		                ? 2 * t->threshold - t->authority_count
		                : 0,
		        least
		);
}

static void load_directory(
        const struct config_source *s, const struct raw_directory *raw, struct fog_topology *t
)
{
	unsigned before = s->report->errors;
	char path[48];

	config_convert(s, "directory", directory_keys, COUNT(directory_keys), raw, t);
	if (raw->authorities_count == 0)
		config_error(s, "directory.authorities", "is missing: name those who agree");
	for (unsigned i = 0; i < raw->authorities_count; i++) {
		snprintf(path, sizeof(path), "directory.authorities[%u]", i);
		config_convert(
		        s, path, authority_keys, COUNT(authority_keys), &raw->authorities[i],
		        &t->authority[i]
		);
	}
	t->authority_count = raw->authorities_count;
	if (t->links == FOG_LINKS_NONE)
		config_error(
		        s, "directory",
		        "nodes of a directory have encrypted links: set network.links: noise, or "
		        "list the nodes"
		);
	if (t->geometry.slots > 0 && t->geometry.slots < 3)
		config_error(
		        s, "directory",
		        "%u slots have no room for a gateway, a mix and a service: take a geometry "
		        "with 3 at least",
		        t->geometry.slots
		);
	if (s->report->errors > before)
		return;
	for (unsigned i = 0; i < t->authority_count; i++)
		load_authority_unique(s, t, i);
	load_threshold(s, t);
}

static void load_layers(const struct config_source *s, const struct fog_topology *t)
{
	for (unsigned layer = 1; layer <= t->layers; layer++) {
		unsigned mixes = 0;
		for (unsigned i = 0; i < t->node_count; i++)
			mixes += t->node[i].layer == layer;
		if (mixes == 0)
			config_error(
			        s, "nodes",
			        "no mix in layer %u, but in layer %u: number layers without a gap",
			        layer, t->layers
			);
	}
	if (t->layers > t->geometry.slots && t->geometry.slots > 0)
		config_error(
		        s, "nodes",
		        "%u layers, but a packet has %u slots: take a geometry with more slots",
		        t->layers, t->geometry.slots
		);
}

// A packet may be made in the last moment of its epoch, by a sender whose clock is behind, and its
// reply by SURB has to come back: every hop of both ways must still have the key. And two keys at
// most live at once, with time to make the next replay table.
static void load_epochs(const struct config_source *s, const struct fog_topology *t)
{
	uint64_t hop_ms = (t->delay_max_us + 999) / 1000 + t->delay_cap_ms;
	unsigned layers = t->authority_count > 0 ? fog_topology_layers_most(t) : t->layers;
	uint64_t least_ms = 2 * (layers + 2) * hop_ms + t->tolerance_ms;

	if (t->links != FOG_LINKS_NOISE)
		return;
	if ((uint64_t)t->overlap_s * 1000 < least_ms)
		config_error(
		        s, "network.mix_key",
		        "overlap %u s is too short for a packet and its reply: 2 ways x (%u layers "
		        "+ 2) x (delay max + cap = %" PRIu64 " ms) + tolerance %u ms = %" PRIu64
		        " ms: raise overlap, or lower the delays",
		        t->overlap_s, layers, hop_ms, t->tolerance_ms, least_ms
		);
	if (t->overlap_s > t->epoch_s / 2)
		config_error(
		        s, "network.mix_key",
		        "overlap %u s is longer than half an epoch of %u s: lower overlap, or "
		        "raise epoch",
		        t->overlap_s, t->epoch_s
		);
}

unsigned fog_topology_layers_most(const struct fog_topology *t)
{
	unsigned room = t->geometry.slots > 2 ? t->geometry.slots - 2 : 0;

	return room < 3 ? room : 3;
}

static int load_convert(
        const struct config_source *s, const struct raw_topology *raw, struct fog_topology *t
)
{
	unsigned before = s->report->errors;

	load_network(s, &raw->network, t);
	if (raw->directory != NULL)
		load_directory(s, raw->directory, t);
	if (raw->directory != NULL && raw->nodes_count > 0)
		config_error(
		        s, "nodes",
		        "the authorities of 'directory' say which nodes there are: remove one of the two"
		);
	if (raw->directory == NULL && raw->nodes_count == 0)
		config_error(
		        s, "nodes", "is missing: a network lists its nodes, or has a directory"
		);
	t->node_count = raw->nodes_count;
	if ((t->node = calloc(raw->nodes_count + 1, sizeof(t->node[0]))) == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < raw->nodes_count; i++)
		load_node(s, &raw->nodes[i], i, t);
	if (s->report->errors > before)
		return -EINVAL;
	for (unsigned i = 0; i < t->node_count; i++)
		load_node_unique(s, t, i);
	load_layers(s, t);
	load_epochs(s, t);
	return s->report->errors > before ? -EINVAL : 0;
}

int fog_topology_load_text(
        const char *name, const char *text, size_t len, struct fog_topology **out,
        struct fog_report *report
)
{
	struct config_source s = {.file = name, .report = report};
	struct fog_topology *t = calloc(1, sizeof(*t));
	void *raw = NULL;
	int ret;

	*out = NULL;
	if (t == NULL)
		return -ENOMEM;
	ret = config_yaml_load(&s, text, len, &topology_schema, &raw);
	t->lines = s.lines;
	if (ret == 0)
		ret = load_convert(&s, raw, t);
	config_yaml_free(&topology_schema, raw);
	if (ret < 0) {
		fog_topology_free(t);
		return ret;
	}
	snprintf(t->file, sizeof(t->file), "%s", name);
	crypto_generichash(t->checksum, sizeof(t->checksum), (const uint8_t *)text, len, NULL, 0);
	*out = t;
	return 0;
}

int fog_topology_load(const char *path, struct fog_topology **out, struct fog_report *report)
{
	char *text;
	size_t len;
	int ret = config_read(path, FOG_CONFIG_TEXT_MAX, report, &text, &len);

	*out = NULL;
	if (ret < 0)
		return ret;
	ret = fog_topology_load_text(path, text, len, out, report);
	free(text);
	return ret;
}

void fog_topology_free(struct fog_topology *t)
{
	if (t == NULL)
		return;
	config_lines_free(t->lines);
	free(t->node);
	free(t);
}

int fog_topology_changed(const char *path, const struct fog_topology *t)
{
	struct fog_report ignored = {0};
	uint8_t checksum[32];
	char *text;
	size_t len;
	int ret = config_read(path, FOG_CONFIG_TEXT_MAX, &ignored, &text, &len);

	if (ret < 0)
		return ret;
	crypto_generichash(checksum, sizeof(checksum), (const uint8_t *)text, len, NULL, 0);
	free(text);
	return t == NULL || memcmp(checksum, t->checksum, sizeof(checksum)) != 0;
}

const struct fog_topology_node *fog_topology_find(
        const struct fog_topology *t, const uint8_t id[FOG_ID_LEN]
)
{
	for (unsigned i = 0; i < t->node_count; i++)
		if (memcmp(t->node[i].id, id, FOG_ID_LEN) == 0)
			return &t->node[i];
	return NULL;
}

const struct fog_topology_node *fog_topology_find_name(
        const struct fog_topology *t, const char *name
)
{
	for (unsigned i = 0; i < t->node_count; i++)
		if (strcmp(t->node[i].name, name) == 0)
			return &t->node[i];
	return NULL;
}

bool fog_topology_mixes_off_path(const struct fog_topology *t)
{
	for (unsigned i = 0; i < t->node_count; i++)
		if (t->node[i].layer > 0 && t->node[i].off_path)
			return true;
	return false;
}

const char *fog_role_name(unsigned role)
{
	return config_word(KIND_ROLE, role);
}

void fog_network_hash(const struct fog_topology *t, uint8_t out[32])
{
	const uint16_t sizes[] = {
	        htobe16((uint16_t)t->geometry.slots), htobe16((uint16_t)t->geometry.payload_len)};
	const uint32_t times[] = {
	        htobe32(t->epoch_s), htobe32(t->delay_mean_us), htobe32(t->delay_max_us),
	        htobe32(t->delay_cap_ms)};
	uint8_t name[sizeof(t->name)] = {0};
	crypto_generichash_state state;

	memcpy(name, t->name, strnlen(t->name, sizeof(t->name)));
	crypto_generichash_init(&state, NULL, 0, 32);
	crypto_generichash_update(&state, name, sizeof(name));
	crypto_generichash_update(&state, (const uint8_t *)sizes, sizeof(sizes));
	crypto_generichash_update(&state, (const uint8_t *)times, sizeof(times));
	crypto_generichash_final(&state, out, 32);
}
