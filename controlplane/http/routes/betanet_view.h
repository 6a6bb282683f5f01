// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the handlers of managed nodes share.
#pragma once

#include "../../node_betanet.h"
#include "view.h"

struct http_response;

// A managed node; 's' may be NULL, as view_betanet_figures.
json_t *view_betanet_node(
        const struct fog_betanet_node *, const struct node_betanet *, const struct snapshot *s
);
// This appliance's own counters; all null without a snapshot.
json_t *view_betanet_figures(const struct snapshot *);

// The platform's store, or NULL after having answered 503.
struct fog_db *betanet_store(const struct fog_node *, struct http_response *);
// The store, and what this node knows, which the store has been told; else NULL after having answered.
struct node_betanet *betanet_begin(struct fog_node *, struct http_response *, struct fog_db **);
// Answer to an error of betanet/.
void betanet_refused(struct http_response *, int error);
// Answer with one node and its ETag.
void betanet_reply(struct fog_node *, struct http_response *, int status, const struct fog_betanet_node *, const struct node_betanet *);
