// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the files of this folder share.
#pragma once

#include <pthread.h>

#include "order.h"

enum service_work {
	WORK_CHECK,
	WORK_START,
	WORK_STOP,
};

// A function of a service, at work in a thread of its own.
struct service_job {
	struct fog_services *services;
	unsigned number; // of the service
	enum service_work work;
	pthread_t thread;
	bool busy; // there is a thread, to be joined
	bool done; // it has ended
	bool late; // it was given up
	uint64_t began_ms;
	struct fog_service_check check; // what came of it
};

struct service {
	enum fog_service_state state;
	int64_t since_us;
	struct service_job change; // start or stop
	struct service_job check;
	bool down; // to be stopped, and then started
	int error; // of its last start
	uint64_t due_ms; // of its next start
	bool again; // it has failed before: its next start is told of
	unsigned attempts; // starts after illness or failure, for back-off
	unsigned restarts;

	bool checked, ill;
	unsigned failures, recoveries;
	uint64_t check_ms; // next check
	uint64_t well_ms; // since when it has been well
	char text[FOG_SERVICE_TEXT_LEN];
	unsigned history_count; // all that ever were
	struct fog_service_check history[FOG_SERVICE_HISTORY];
};

struct fog_services {
	const struct fog_service *table; // constant, as what follows
	void *ctx;
	struct fog_services_clock clock;
	struct services_graph graph;
	fog_services_note *note; // may be NULL

	pthread_mutex_t lock; // everything below
	pthread_cond_t news;
	bool awake; // since the last wait
	bool stopping; // all of them
	bool quit; // the thread
	bool running; // the thread; who starts and stops
	pthread_t thread;
	struct service service[FOG_SERVICES_MAX];
};

uint64_t services_now_ms(struct fog_services *);

// Under the lock. Begin to start, stop or check. Returns false without a thread: it comes again by itself.
bool services_begin(struct fog_services *, unsigned i, enum service_work);
// One round, under the lock. Returns as fog_services_step.
unsigned services_round(struct fog_services *);
// Under the lock: whether nothing is to come by itself but checks and starts after back-off; or, when all are to stop,
// whether nothing is left that would.
bool services_settled(const struct fog_services *);
// Under the lock.
enum fog_service_health services_health(const struct fog_services *, unsigned i);
