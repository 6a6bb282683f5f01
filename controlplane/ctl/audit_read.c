// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Answers of the API to numbers. What is not as it must be is refused by its name: a hole that is
// filled with zeros would speak against a node or for it.
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit.h"

static int read_bad(const char *field)
{
	fprintf(stderr,
	        "fogctl: the answer has no proper '%s': use the fogctl of the node's version\n",
	        field);
	return -EPROTO;
}

static int read_number(const json_t *o, const char *field, uint64_t max, uint64_t *out)
{
	const json_t *value = json_object_get(o, field);
	json_int_t n = json_integer_value(value);

	if (!json_is_integer(value) || n < 0 || (uint64_t)n > max)
		return read_bad(field);
	*out = (uint64_t)n;
	return 0;
}

static int read_u32(const json_t *o, const char *field, uint32_t *out)
{
	uint64_t n = 0;
	int r = read_number(o, field, UINT32_MAX, &n);

	*out = (uint32_t)n;
	return r;
}

static int read_hex(const json_t *o, const char *field, uint8_t *out, size_t len)
{
	const char *text = json_string_value(json_object_get(o, field));
	size_t got = 0;

	if (text == NULL || strlen(text) != 2 * len ||
	    sodium_hex2bin(out, len, text, 2 * len, NULL, &got, NULL) != 0 || got != len)
		return read_bad(field);
	return 0;
}

static int read_node(const json_t *o, struct audit_node *node)
{
	const char *name = json_string_value(json_object_get(o, "name"));
	const json_t *layer = json_object_get(o, "layer");
	uint8_t id[32];

	if (name == NULL)
		return read_bad("name");
	snprintf(node->name, sizeof(node->name), "%s", name);
	node->self = json_is_true(json_object_get(o, "self"));
	node->layer = (unsigned)json_integer_value(layer);
	node->has_vrf_key = json_is_string(json_object_get(o, "vrf_public_key"));
	int r = read_hex(o, "node_id", id, sizeof(id));
	if (r == 0 && node->has_vrf_key)
		r = read_hex(o, "vrf_public_key", node->vrf_key, sizeof(node->vrf_key));
	sodium_bin2hex(node->id, sizeof(node->id), id, sizeof(id));
	return r;
}

static int read_network(struct audit *a, const json_t *o)
{
	uint32_t mean = 0, max = 0, cap = 0;
	int r = read_hex(o, "hash", a->hash, sizeof(a->hash));

	if (r == 0)
		r = read_u32(o, "delay_mean_us", &mean);
	if (r == 0)
		r = read_u32(o, "delay_max_us", &max);
	if (r == 0)
		r = read_u32(o, "delay_cap_ms", &cap);
	if (r == 0)
		r = read_u32(o, "delay_tick_max_us", &a->tick_us);
	if (r == 0)
		r = read_u32(o, "mix_key_epoch_s", &a->epoch_s);
	if (r == 0)
		r = read_u32(o, "mix_key_overlap_s", &a->overlap_s);
	if (r == 0 && fog_delay_law_init(&a->law, mean, max, cap) < 0)
		r = read_bad("delay_mean_us");
	return r;
}

int audit_read_nodes(struct audit *a, const json_t *answer)
{
	const json_t *list = json_object_get(answer, "nodes");
	size_t n = json_array_size(list);
	int r;

	if (n == 0 || n > FOG_JUDGE_NODES_MAX) {
		fprintf(stderr, "fogctl: the node has no topology yet: see fogctl ready\n");
		return -EPROTO;
	}
	r = read_network(a, json_object_get(answer, "network"));
	a->node = calloc(n, sizeof(*a->node));
	if (a->node == NULL)
		return -ENOMEM;
	a->node_count = (unsigned)n;
	for (size_t i = 0; i < n && r == 0; i++)
		r = read_node(json_array_get(list, i), &a->node[i]);
	return r;
}

static int read_hop(const struct audit *a, const json_t *o, struct audit_loop *l)
{
	const char *id = json_string_value(json_object_get(o, "node_id"));
	unsigned i = 0;

	while (i < a->node_count && (id == NULL || strcmp(a->node[i].id, id) != 0))
		i++;
	if (i == a->node_count) {
		fprintf(stderr,
		        "fogctl: a loop passed a node that has left the network since: begin a new "
		        "audit\n");
		return -EPROTO;
	}
	if (a->node[i].self) // where it ends: nothing is owed
		return 0;
	if (l->hops == FOG_JUDGE_HOPS_MAX)
		return read_bad("path");
	l->node[l->hops] = i;
	int r = read_hex(o, "tag", l->tag[l->hops], sizeof(l->tag[0]));
	l->hops++;
	return r;
}

static int read_loop(const struct audit *a, const json_t *o, struct audit_loop *l)
{
	const char *fate = json_string_value(json_object_get(o, "fate"));
	const json_t *path = json_object_get(o, "path");
	int r = read_number(o, "epoch", INT64_MAX, &l->epoch);

	if (r == 0)
		r = read_number(o, "departure_us", INT64_MAX, &l->departure_us);
	if (r == 0 && fate == NULL)
		r = read_bad("fate");
	if (r < 0)
		return r;
	l->fate = strcmp(fate, "arrived") == 0 ? AUDIT_ARRIVED
	        : strcmp(fate, "lost") == 0    ? AUDIT_LOST
	                                       : AUDIT_UNKNOWN;
	if (l->fate == AUDIT_ARRIVED)
		r = read_number(o, "travel_us", INT64_MAX, &l->travel_us);
	for (size_t i = 0; i < json_array_size(path) && r == 0; i++)
		r = read_hop(a, json_array_get(path, i), l);
	return r == 0 && l->hops == 0 ? read_bad("path") : r;
}

int audit_read_loops(struct audit *a, const json_t *answer)
{
	const json_t *list = json_object_get(answer, "records");
	size_t n = json_array_size(list);

	if (!json_is_array(list))
		return read_bad("records");
	if (a->loop_count + n > a->loop_room) {
		size_t room = (a->loop_count + n) * 2;
		struct audit_loop *grown = realloc(a->loop, room * sizeof(*grown));
		if (grown == NULL)
			return -ENOMEM;
		a->loop = grown;
		a->loop_room = room;
	}
	for (size_t i = 0; i < n; i++) {
		struct audit_loop *l = &a->loop[a->loop_count];
		memset(l, 0, sizeof(*l));
		int r = read_loop(a, json_array_get(list, i), l);
		if (r < 0)
			return r;
		if (l->fate == AUDIT_UNKNOWN)
			a->unknown++;
		else
			a->loop_count++;
	}
	return 0;
}
