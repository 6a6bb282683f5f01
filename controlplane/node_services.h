// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The parts of a node as services (services/services.h).
#pragma once

#include "node_config.h"
#include "services/breaker.h"
#include "services/services.h"

enum { NODE_BREAKERS_MAX = 32 };

// The last of start, and the first of destroy. Returns as fog_services_start and fog_services_stop.
int node_services_start(struct fog_node *);
int node_services_stop(struct fog_node *);
void node_services_destroy(struct fog_node *);

// The control thread is alive. By itself, four times a second.
void node_services_beat(struct fog_node *);

// Long work (operations/operations.h). NULL until the platform's store has answered; then it stays. Any thread.
struct fog_operations *node_operations(struct fog_node *);

// Reasons and warnings for readiness. Any thread.
unsigned node_unready_services(struct fog_node *, node_say *reason, void *ctx);
unsigned node_warn_services(struct fog_node *, node_say *warn, void *ctx);

// The circuit breakers there are. Returns how many. Any thread.
unsigned node_services_breakers(struct fog_node *, struct fog_breaker_view *out, unsigned max);
