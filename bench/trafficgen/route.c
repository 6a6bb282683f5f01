// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "route.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <testnet_topology.h> // made from config/testnet/topology.yaml during the build

#include "tell.h"

// The only node that fits, when no name was given.
static const struct fog_topology_node *route_only(
        const struct fog_topology *t, unsigned role, unsigned layer, const char *option
)
{
	const struct fog_topology_node *found = NULL;
	unsigned count = 0;

	for (unsigned i = 0; i < t->node_count; i++)
		if (t->node[i].role == role && t->node[i].layer == layer) {
			found = &t->node[i];
			count++;
		}
	if (count == 1)
		return found;
	tell_error(
	        "%s: %u nodes are a %s%s: name one with %s", t->file, count, fog_role_name(role),
	        layer ? " of layer 1" : "", option
	);
	return NULL;
}

static const struct fog_topology_node *route_end(
        const struct fog_topology *t, const char *name, unsigned role, unsigned layer,
        const char *option
)
{
	if (name == NULL)
		return route_only(t, role, layer, option);
	const struct fog_topology_node *node = fog_topology_find_name(t, name);
	if (node == NULL)
		tell_error(
		        "%s: no node is called '%s': give a name that stands there", t->file, name
		);
	return node;
}

// The way as the topology gives it, with the appliance under test in its layer's place.
static int route_nodes(const struct route *r, const struct fog_topology_node **node)
{
	const struct fog_topology_node *from = r->first->layer == 0 ? r->first : NULL;
	const struct fog_topology_node *all[FOG_SPHINX_SLOTS_MAX];
	unsigned skip = r->first->layer > 0 ? r->first->layer - 1u : 0;

	const struct fog_path_wish wish = {
	        .from = from, .to = r->last, .with_from = true, .max = FOG_SPHINX_SLOTS_MAX};

	int n = fog_path_choose(r->topology, &wish, NULL, all);
	if (n < 0)
		return n;
	if (from == NULL)
		all[skip] = r->first;
	memcpy(node, all + skip, ((unsigned)n - skip) * sizeof(node[0]));
	return n - (int)skip;
}

int route_open(struct route *r, const char *file, const char *first, const char *last)
{
	const struct fog_topology_node *node[FOG_SPHINX_SLOTS_MAX];
	struct fog_report report = {0};
	int ret;

	memset(r, 0, sizeof(*r));
	if (file != NULL)
		ret = fog_topology_load(file, &r->topology, &report);
	else
		ret = fog_topology_load_text(
		        "config/testnet/topology.yaml", testnet_topology,
		        sizeof(testnet_topology) - 1, &r->topology, &report
		);
	fputs(report.text, stderr);
	if (ret < 0)
		return ret;
	r->first = route_end(r->topology, first, FOG_ROLE_MIX, 1, "--first");
	r->last = route_end(r->topology, last, FOG_ROLE_SERVICE, 0, "--last");
	if (r->first == NULL || r->last == NULL)
		goto err;
	if (r->first == r->last) {
		tell_error("%s is both ends of the path: choose another --first", r->first->name);
		goto err;
	}
	if ((ret = route_nodes(r, node)) < 0) {
		tell_error(
		        "%s: no path from %s to %s: %s: correct the topology", r->topology->file,
		        r->first->name, r->last->name,
		        ret == -E2BIG           ? "more layers than a packet has slots"
		                : ret == -EXDEV ? "each has two nodes of one operator, family or "
		                                  "autonomous system"
		                                : "a layer has no other mix"
		);
		goto err;
	}
	r->hops = (unsigned)ret;
	return 0;
err:
	route_close(r);
	return -EINVAL;
}

void route_close(struct route *r)
{
	fog_topology_free(r->topology);
	r->topology = NULL;
}

int route_pick(const struct route *r, struct fog_sphinx_path_hop path[FOG_SPHINX_SLOTS_MAX])
{
	const struct fog_topology_node *node[FOG_SPHINX_SLOTS_MAX];
	int n = route_nodes(r, node);

	if (n < 0)
		return n;
	memset(path, 0, r->hops * sizeof(path[0]));
	for (unsigned i = 0; i < r->hops; i++) {
		memcpy(path[i].id, node[i]->id, sizeof(path[i].id));
		memcpy(path[i].public_key, node[i]->mix_key, sizeof(path[i].public_key));
	}
	path[n - 1].has_recipient = 1;
	memcpy(path[n - 1].recipient, r->last->id, sizeof(r->last->id));
	return 0;
}
