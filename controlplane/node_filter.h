// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What operators set of the ports' filter at run time: kept in the store, merged with the file's,
// compiled into the next configuration.
#pragma once

#include "config/filter.h"
#include "node_config.h"

enum { FOG_NODE_FILTER_TEXT = 256 };

// Under node->lock; written under node->change too.
struct node_filter {
	struct fog_filter_own own;
	struct fog_config_filter wanted; // the file's with 'own' over it, as it was compiled last
	char denied[FOG_NODE_FILTER_TEXT]; // a node that 'wanted' denies, as a sentence; "" = none
};

// Read what the store holds. Returns 0 or -errno, logged with its mend. Before any other thread.
int node_filter_load(struct fog_node *);
// Whether the list of a new file has room beside what operators have denied. Under 'change'.
// Returns 0, -EINVAL (told in 'report'), -ENOMEM.
int node_filter_check(const struct fog_node *, const struct fog_config *fresh, struct fog_report *);
// A copy of the node's configuration with what operators have set in its filter, shallow: it lives as
// long as node->config and is freed with free. Under 'change'. Returns as node_filter_check.
int node_filter_effective(const struct fog_node *, struct fog_config **, struct fog_report *);
// 'effective' is compiled. Under 'change'.
void node_filter_compiled(struct fog_node *, const struct fog_config *effective);
// What an operator should know. Returns how many warnings there are. Under 'lock'.
unsigned node_filter_warnings(struct fog_node *, node_say *warn, void *ctx);

// Do what an operator asks for, all of it or nothing. Returns 0 with the generation of the
// configuration (0: there is none without a topology), -ENOENT (a prefix to remove is not denied by an
// operator), -EPERM (a prefix to deny holds another node of the network), -E2BIG (more than
// FOG_DENY_MAX), -EIO, -ENOSPC, -ENOMEM, with a sentence in 'text'. Any thread.
int fog_node_filter_change(
        struct fog_node *, const struct fog_filter_change *, uint64_t *generation,
        char text[FOG_NODE_FILTER_TEXT]
);
