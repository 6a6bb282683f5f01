// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The part of a node that ties mailboxes (mixnet/mailbox.h) and the ways of its inbox to links, sender and
// epochs.
#pragma once

#include "node.h"
#include "services/services.h"

// After sender and inbox are made. Returns 0 or -errno, logged.
int node_mail_create(struct fog_node *);
// Before the sender goes: answers are handed to it by a thread. Accepts a node without mail.
void node_mail_destroy(struct fog_node *);
// As the functions of a service: the thread that answers senders.
int node_mail_start(void *node);
void node_mail_stop(void *node);
int node_mail_health(void *node, char text[FOG_SERVICE_TEXT_LEN]);
// As the links' callback; ctx is the node. Control thread.
void node_mail_notice(void *ctx, const uint8_t static_key[32], const uint8_t *data, size_t len);
