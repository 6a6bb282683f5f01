// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The manager's mix keys: they come and go by the control plane's word, each with its replay table.
// Tables are made while packets flow, a slice a round. Manager thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "api/msg.h"

struct fog_manager;
struct fog_mix_key;

struct manager_key {
	unsigned count;
	const struct fog_mix_key
	        *conf[FOG_MIX_KEYS_MAX]; // oldest epoch first, as configurations have it
	struct fog_mix_key *key[FOG_MIX_KEYS_MAX]; // the same
	unsigned alarm[FOG_MIX_KEYS_MAX]; // fill told last: 0, FOG_REPLAY_ALARM, 100
	struct fog_mix_key *making; // its table is not whole yet, or NULL
};

// Session callbacks. install returns 0 (it is in force already), -EINPROGRESS (answered by
// fog_session_key_done), -EEXIST, -ENOSPC, -EBUSY (a dead key's table
// is still being given back), or what fog_mix_key_begin does; keep 0 or -ENOMEM. With a sentence in 'text'.
int manager_on_key_install(void *ctx, const struct fog_msg_key *, char *text, size_t text_len);
int manager_on_keys_keep(void *ctx, const struct fog_msg_keys_keep *, char *text, size_t text_len);
// Go on with the table that is being made. Returns whether there is more to do, there or for a dead key's.
bool manager_key_poll(struct fog_manager *);
// Publish the keys and the fill of their tables, and tell when one is filling up.
void manager_key_report(struct fog_manager *);
// Close all; the tables stay for the next start. No worker runs any more.
void manager_key_close(struct fog_manager *);
