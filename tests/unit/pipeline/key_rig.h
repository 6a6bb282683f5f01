// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A rig whose mix keys are the manager's: its own functions install and destroy them. The manager's
// session with the control plane is real, with nobody at the other end.
#pragma once

#include "../../../dataplane/manager.h"
#include "../run.h"
#include "rig.h"

enum { KEY_PACKET = 1408, KEY_CAPACITY = 4096 };

struct key_rig {
	struct rig *rig;
	struct fog_manager *m;
	char dir[64]; // of the replay tables
};

struct key_rig *key_rig_create(uint64_t replay_capacity);
void key_rig_destroy(struct key_rig *);
// The key of an epoch, the same for the program's life.
struct fog_msg_key key_rig_key(uint64_t epoch);
// Begin to install it: what manager_on_key_install returns.
int key_rig_begin(struct key_rig *, uint64_t epoch);
// Install it to the end. Returns the slices that it took.
unsigned key_rig_install(struct key_rig *, uint64_t epoch);
// Keep 'n' of them; 'withhold' as in the message. Frees what no worker sees any more.
void key_rig_keep(struct key_rig *, unsigned n, const uint64_t *epoch, bool withhold);
// Free what no worker sees any more. Returns whether something has to wait.
bool key_rig_retire(struct key_rig *);
// Name of the table's file, and whether a file of this name is there.
const char *key_rig_table(uint64_t epoch);
bool key_rig_file(const struct key_rig *, const char *name, const char *suffix);
// A packet over us to node 1, made for the key of an epoch.
void key_rig_packet(struct key_rig *, uint64_t epoch, uint8_t packet[KEY_PACKET]);
// Put it into the inject ring with this epoch beside it. Returns false while the ring is full.
bool key_rig_inject(struct key_rig *, uint64_t epoch, const uint8_t packet[KEY_PACKET]);
