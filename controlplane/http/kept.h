// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Where answers to requests with an Idempotency-Key are kept: where the effects of their route lie, in the node's own store, or
// in the platform's, for all control planes that share it.
#pragma once

#include "../../dataplane/api/abi.h"
#include "../store/answers.h"
#include "dispatch.h"

enum { KEPT_CALLER_LEN = 128 };

// A request whose key this control plane holds in the platform's store.
struct kept_held {
	struct fog_db *db; // NULL: holds none
	uint64_t since_ms;
	char caller[KEPT_CALLER_LEN];
	char key[HTTP_KEY_MAX + 1];
	char control_plane[2 * FOG_ID_LEN + 1];
	uint8_t digest[32];
};

struct kept_keeper;

// A thread that says of requests that take long that they are still at work, and forgets what is over. Returns 0, -ENOMEM, -errno.
int kept_keeper_start(struct http_dispatcher *, struct kept_keeper **);
void kept_keeper_stop(struct kept_keeper *); // accepts NULL

// Who asks, unique where the answer is kept: users of a host are others' namesakes elsewhere.
void kept_caller(const struct http_exchange *, char caller[KEPT_CALLER_LEN]);
// As fog_answers_begin; -EAGAIN, -EBUSY: the platform's store does not answer. The key is held from 0 on until one of those below.
int kept_begin(struct http_exchange *, struct fog_answer *);
int kept_keep(struct http_exchange *, const struct fog_answer *);
void kept_drop(struct http_exchange *);
