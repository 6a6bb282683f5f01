// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The node's cover traffic: what mixnet/cover.h needs of keys, topology and data plane, and what its lost loops
// tell (mixnet/losses.h).
#pragma once

#include "mixnet/cover.h"
#include "mixnet/losses.h"
#include "node_config.h"
#include "services/services.h"

enum { NODE_COVER_ALERTS_MAX = 16 };

// Once, by start. Returns 0 or -ENOMEM, logged. Destroy accepts a node without and goes after the data-plane client.
int node_cover_create(struct fog_node *);
void node_cover_destroy(struct fog_node *);
// As the functions of a service. Stop goes before the data-plane client.
int node_cover_start(void *node); // 0 or -EAGAIN (no thread), logged
void node_cover_stop(void *node);
int node_cover_health(void *node, char text[FOG_SERVICE_TEXT_LEN]);
// Four times a second: judges what loops have shown, and says what is new. Control thread.
void node_cover_tick(struct fog_node *);

// For data-plane callbacks: as fog_cover_deliver and fog_cover_deliveries_wait.
bool node_cover_deliver(struct fog_node *, const struct fog_deliver *, const uint8_t *data);
void node_cover_deliveries_wait(struct fog_node *);

// What is the case, for who shows it. Any thread.
void node_cover_status(struct fog_node *, struct fog_cover_status *);
unsigned node_cover_alerts(struct fog_node *, struct fog_losses_alert *out, unsigned max);
unsigned node_cover_links(struct fog_node *, struct fog_losses_link *out, unsigned max);

unsigned node_warn_cover(struct fog_node *, node_say *warn, void *ctx);
