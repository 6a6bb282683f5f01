// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The part of a node that writes down which configuration was in force (config_history/), and takes a change back that nobody has
// confirmed. A thread of its own does both, so that neither waits for the control thread nor it for the store.
#pragma once

#include "config_history/history.h"
#include "config_history/pending.h"
#include "node.h"
#include "services/services.h"

struct node_history;

// Once, by start, when the configuration is loaded and the platform is made. Returns 0 or -errno, logged.
int node_history_create(struct fog_node *);
void node_history_destroy(struct fog_node *); // after stop; accepts a node without
// The thread; as the functions of a service. A pending change whose time is over is taken back as soon as it runs.
int node_history_start(void *node);
void node_history_stop(void *node);
int node_history_health(void *node, char text[FOG_SERVICE_TEXT_LEN]);

// A change by REST, in its order: turn, begin, done; done is due after turn. Not under 'change'; one caller at a time gets past
// turn.
void node_history_turn(struct fog_node *);
// Before anything is changed. Returns 0, -EBUSY (another change waits for its confirmation), -EINVAL (confirm_s is out of range, or a text too long), or what the store says: nothing
// may be changed then. A text that is in force already is no revision.
int node_history_begin(
        struct fog_node *, const struct fog_config_origin *, const char *text, size_t len
);
void node_history_done(struct fog_node *, bool in_force);
// What was in force before, for who could not go through with it; NULL: not known. Between turn and done, under 'change'.
const char *node_history_text(const struct fog_node *, size_t *len);
// The file was read again. Under 'change'.
void node_history_reloaded(struct fog_node *);

// Where the revisions are. Returns 0 or -EAGAIN (the store has not answered yet). Any thread.
int node_history_rows(const struct fog_node *, struct fog_history *out);

unsigned node_warn_history(
        struct fog_node *, void (*warn)(void *ctx, const char *code, const char *text), void *ctx
);
