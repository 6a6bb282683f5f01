// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the files of the service share. Inside of this folder.
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "../directory/serve.h"
#include "../epoch/clock.h"
#include "agreement.h"
#include "service.h"

struct service_peer {
	struct service *service;
	unsigned number; // its place in the network file
	pthread_t thread;
	bool running;
	bool silent; // the last attempt failed, and was logged
	atomic_bool answers; // the last attempt did not
};

struct service {
	struct service_params p;
	struct fog_clock *clock;
	int dir;

	pthread_mutex_t lock; // what follows
	pthread_cond_t wake; // there may be something to send
	struct fog_view *view;
	struct fog_agreement *agreement;
	uint8_t (*denied)[FOG_ID_LEN];
	unsigned denied_count;
	uint64_t pruned; // epoch in which files were last removed
	bool stop;

	struct fog_serve *serve; // main thread
	struct service_peer peer[FOG_AUTHORITIES_MAX];
};

// For the listener; 'ctx' is the service.
void service_request(void *ctx, const char *method, const char *path, const uint8_t *body, size_t len, struct fog_serve_answer *);
// A peer's thread, which sends it what it lacks, and asks it for what we lack; 'user' is a service_peer.
void *service_peer_run(void *user);
