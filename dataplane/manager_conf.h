// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The manager's half that puts configurations and keys in force. For the files of the manager.
#pragma once

#include "manager.h"

// Session callback: check a blob, compare its launch part, build, publish.
// Returns 0, -EXDEV (launch part differs: restart), -EINVAL, -ENOMEM, with a sentence in 'text'.
int manager_on_config(void *ctx, const void *blob, size_t len, char *text, size_t text_len);
// Publish the configuration in force with the keys of m->keys. Returns 0 or -ENOMEM (the workers keep
// what they have).
int manager_conf_rebuild(struct fog_manager *);
// Whom to ask for ways.
struct fog_resolver manager_resolver(const struct fog_manager *);
// Free 'object' when no worker can see it any more, a part at a time: 'free_fn' returns whether there is
// more to do, and is called again in the next round then.
void manager_retire(struct fog_manager *, bool (*free_fn)(void *), void *object);
// Go on with that. The manager's housekeeping does.
void manager_retired_poll(struct fog_manager *);
// Log up to 'level' (enum fog_log_level) from now on, and say so in the statistics.
void manager_log_level(struct fog_manager *, uint32_t level);
// Free blob, configuration and keys; the replay tables stay for the next start.
void manager_conf_free(struct fog_manager *);
