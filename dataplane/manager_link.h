// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The manager's end of encrypted links: sessions come and go by the control plane's word, the one to
// send with changes when a new one has proved itself, and the statistics say so. Manager thread.
#pragma once

#include <stdint.h>

#include "api/link.h"

struct fog_blob_launch;
struct fog_link_table;
struct fog_manager;

struct manager_link {
	struct fog_link_table *table; // NULL without links
	uint64_t stats_at; // TSC of the next look at what the sessions count
};

// Make the table where the network has links. After the session, before the workers are made. Returns
// 0 or -ENOMEM, logged.
int manager_link_open(struct fog_manager *, const struct fog_blob_launch *);
// Free it, and all sessions. No worker runs any more.
void manager_link_close(struct fog_manager *);

// Take a session in; the caller wipes the message. Returns 0, -EEXIST (the slot is in use, or a
// session with the same key to send with is present: its counters would come again), -EINVAL (what it
// says can't be, or this data plane has no links) or -ENOMEM.
int manager_link_install(struct fog_manager *, const struct fog_link_session *);
// Forget the session with this base. Returns 0 or -ENOENT.
int manager_link_remove(struct fog_manager *, uint32_t rx_index);
// Everything that is due: sessions that have proved themselves, keys that have to be replaced, the
// statistics once a second.
void manager_link_poll(struct fog_manager *, uint64_t now);
