// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The platform of a node: its store, which other control planes may share, and what lies in it. Packets don't wait for
// it: a control plane whose store is away starts, keeps the mix going, and lets nobody in but over the UNIX socket.
#pragma once

#include <stdbool.h>

#include "accounts/accounts.h"
#include "audit/chain.h"
#include "limits/rates.h"
#include "limits/usage.h"
#include "store/db.h"

struct fog_node;
struct node_platform;

// Open the store and bring it up to date. One that doesn't answer is tried again each second by a thread.
// Sets n->platform. Returns 0 or -errno, logged with its mend. Once, by start.
int node_platform_create(struct fog_node *n);
void node_platform_destroy(struct fog_node *n); // accepts a node without one

// NULL while the store hasn't answered yet. What it returned once stays until destroy. Any thread.
struct fog_accounts *node_platform_accounts(const struct fog_node *n);
// The store itself, and who uses how much of his day, or NULL likewise.
struct fog_db *node_platform_store(const struct fog_node *n);
struct fog_usage *node_platform_usage(const struct fog_node *n);
// The audit; always there after create, and away until the store takes rows.
struct fog_audit_chain *node_platform_audit(const struct fog_node *n);
// What the node does by itself is noted as done by 'system'; the rest of the event is the caller's. Waits as
// fog_audit_chain_post does.
void node_platform_note(const struct fog_node *n, const struct fog_audit_event *, int wait_ms);
// How often somebody may ask; always there after create.
struct fog_rates *node_platform_rates(const struct fog_node *n);

// What of the platform an operator should know, as fog_node_warnings calls it. Returns how many there were.
unsigned node_platform_warnings(
        const struct fog_node *n, void (*warn)(void *ctx, const char *code, const char *text),
        void *ctx
);
