// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What commands change in the platform's store leaves rows in its audit, as what the API changes does. They are a chain of this
// host's own (../audit), so it can be written beside a control plane: STATE_DIR/control/audit-host.key names and signs
// it, audit-host-head.jsonl is its file of heads. One command at a time writes it; the next one waits.
//
// One thread. Functions that return int: CTL_OK, or CTL_REFUSED after having said why.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct fog_audit_chain;
struct ctl_platform;
struct fog_db;

struct ctl_trail {
	struct fog_audit_chain *chain;
	const struct ctl_platform *platform;
	uint8_t *secret_key; // NULL: not prepared
	int key_fd; // locked while prepared
	char actor_id[16], actor_name[128], request_id[17];
	const char *action;
	char object[256];
};

// Who calls: whom sudo names, else the real user. Before root becomes somebody else.
void ctl_trail_who(struct ctl_trail *);
// Read the key, or make it, and wait for the others. Nothing may be changed when it fails.
int ctl_trail_prepare(struct ctl_trail *, const struct ctl_platform *);
// 'action' (constant) is about to be done to 'object' in 'db'; 'details' is the text of a JSON object, or NULL. Nothing may be changed
// when it fails.
int ctl_trail_begin(
        struct ctl_trail *, struct fog_db *db, const char *action, const char *object,
        const char *details
);
// No row from here on, until end: the store is replaced by another one.
void ctl_trail_pause(struct ctl_trail *);
// What came of it, in 'db': 'code' is the command's exit code. 'object' NULL: the same. Returns 'code', or CTL_REFUSED.
int ctl_trail_end(
        struct ctl_trail *, struct fog_db *db, int code, const char *object, const char *details
);
// Something was done that nobody could say before. Returns as end does.
int ctl_trail_done(
        struct ctl_trail *, struct fog_db *db, const char *action, const char *object,
        const char *details
);
void ctl_trail_close(struct ctl_trail *); // accepts one that is all zeros
