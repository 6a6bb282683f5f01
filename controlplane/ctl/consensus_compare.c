// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What is different between two consensuses.
#include <string.h>

#include "consensus.h"

// Fields of a node that differ without anything having changed.
static bool compare_ignored(const char *field)
{
	return strcmp(field, "sequence") == 0 || strcmp(field, "mix_keys") == 0 ||
	        strcmp(field, "node_id") == 0;
}

// {"FIELD": [before, after]} of what differs.
static json_t *compare_fields(const json_t *a, const json_t *b)
{
	json_t *out = json_object(), *value;
	const char *field;

	json_object_foreach((json_t *)a, field, value)
	{
		json_t *other = json_object_get(b, field);
		if (other != NULL && !compare_ignored(field) && !json_equal(value, other))
			json_object_set_new(out, field, json_pack("[O O]", value, other));
	}
	return out;
}

// A mix key of one epoch stays: another one means that the node has lost it. One at a time is enough to tell.
static json_t *compare_mix_keys(const json_t *a, const json_t *b)
{
	for (size_t i = 0; i < json_array_size(a); i++) {
		const json_t *one = json_array_get(a, i), *epoch = json_object_get(one, "epoch");
		for (size_t k = 0; k < json_array_size(b); k++) {
			const json_t *two = json_array_get(b, k);
			if (json_equal(epoch, json_object_get(two, "epoch")) &&
			    !json_equal(
			            json_object_get(one, "public_key"),
			            json_object_get(two, "public_key")
			    ))
				return json_pack("[O O]", one, two);
		}
	}
	return NULL;
}

static json_t *compare_node(const json_t *a, const json_t *b)
{
	json_t *fields = compare_fields(a, b);
	json_t *keys =
	        compare_mix_keys(json_object_get(a, "mix_keys"), json_object_get(b, "mix_keys"));

	if (keys != NULL)
		json_object_set_new(fields, "mix_key", keys);
	if (json_object_size(fields) == 0) {
		json_decref(fields);
		return NULL;
	}
	return json_pack(
	        "{s:O s:O s:o}", "name", json_object_get(b, "name"), "node_id",
	        json_object_get(b, "node_id"), "fields", fields
	);
}

static const char *compare_id(const json_t *node)
{
	const char *id = json_string_value(json_object_get(node, "node_id"));

	return id != NULL ? id : "";
}

// Nodes by ID.
static json_t *compare_index(const json_t *list)
{
	json_t *out = json_object();

	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *node = json_array_get(list, i);
		json_object_set(out, compare_id(node), node);
	}
	return out;
}

static json_t *compare_brief(const json_t *node)
{
	return json_pack(
	        "{s:O? s:O? s:O? s:O? s:O? s:O?}", "name", json_object_get(node, "name"), "node_id",
	        json_object_get(node, "node_id"), "role", json_object_get(node, "role"), "layer",
	        json_object_get(node, "layer"), "address", json_object_get(node, "address"),
	        "mix_port", json_object_get(node, "mix_port")
	);
}

// A node that left, with the reason, if the consensus without it has one.
static json_t *compare_left(const json_t *node, const json_t *left_out)
{
	json_t *out = compare_brief(node);
	const json_t *reason =
	        json_object_get(json_object_get(left_out, compare_id(node)), "reason");

	json_object_set(out, "reason", reason != NULL ? (json_t *)reason : json_null());
	return out;
}

json_t *consensus_compare(const json_t *a, const json_t *b)
{
	const json_t *from = json_object_get(a, "nodes"), *to = json_object_get(b, "nodes");
	json_t *before = compare_index(from), *after = compare_index(to);
	json_t *left_out = compare_index(json_object_get(b, "left_out"));
	json_t *joined = json_array(), *left = json_array(), *changed = json_array();

	for (size_t i = 0; i < json_array_size(to); i++) {
		const json_t *node = json_array_get(to, i);
		const json_t *old = json_object_get(before, compare_id(node));
		json_t *news = old != NULL ? compare_node(old, node) : NULL;
		if (old == NULL)
			json_array_append_new(joined, compare_brief(node));
		else if (news != NULL)
			json_array_append_new(changed, news);
	}
	for (size_t i = 0; i < json_array_size(from); i++) {
		const json_t *node = json_array_get(from, i);
		if (json_object_get(after, compare_id(node)) == NULL)
			json_array_append_new(left, compare_left(node, left_out));
	}
	json_decref(before);
	json_decref(after);
	json_decref(left_out);
	return json_pack(
	        "{s:[O? O?] s:b s:o s:o s:o s:o s:o s:[O? O?] s:[O? O?]}", "epochs",
	        json_object_get(a, "epoch"), json_object_get(b, "epoch"), "same",
	        json_equal(json_object_get(a, "digest"), json_object_get(b, "digest")), "joined",
	        joined, "left", left, "changed", changed, "parameters",
	        compare_fields(json_object_get(a, "parameters"), json_object_get(b, "parameters")),
	        "rates", compare_fields(json_object_get(a, "rates"), json_object_get(b, "rates")),
	        "layers", json_object_get(a, "layers"), json_object_get(b, "layers"), "threshold",
	        json_object_get(a, "threshold"), json_object_get(b, "threshold")
	);
}
