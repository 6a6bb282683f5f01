// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Supervision: parts of a process that are declared in one table start in the order of their dependencies, are asked for
// their health, are started again with back-off when they are not well, and stop in reverse.
//
// What a part does (start, stop, health) runs in a thread of its own each time, so that one that hangs holds up nobody; of
// one part no two of them run at once, but for a check that hangs. Apart from that: any thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	FOG_SERVICES_MAX = 32,
	FOG_SERVICE_NAME_LEN = 32,
	FOG_SERVICE_TEXT_LEN = 160,
	FOG_SERVICE_CHECK_MS = 30 * 1000, // between two checks
	FOG_SERVICE_CHECK_MAX_MS = 5 * 1000, // one that takes longer has failed
	FOG_SERVICE_FAILURES = 3, // in a row: unhealthy
	FOG_SERVICE_RECOVERIES = 2, // in a row: healthy again
	FOG_SERVICE_START_MAX_MS = 30 * 1000, // then the next ones no longer wait for it
	FOG_SERVICE_STOP_MAX_MS = 30 * 1000,
	FOG_SERVICE_BACKOFF_MS = 1000, // doubled each time ..
	FOG_SERVICE_BACKOFF_MAX_MS = 60 * 1000, // .. up to here
	FOG_SERVICE_STEADY_MS = 10 * 60 * 1000, // of health: the next back-off is the first again
	FOG_SERVICE_HISTORY = 100, // checks that are remembered
};

// A row of the table; static storage.
struct fog_service {
	const char *name; // lower case, digits, '_'
	const char *text; // what it is, for people
	const char *const *needs; // services that it can't do without, ended by NULL; or NULL
	const char *const *uses; // services that it starts after, but can do without; likewise
	bool critical; // without it the process doesn't start, and the node is not ready
	bool told; // readiness knows by other means when it isn't well
	// Returns 0 or -errno, logged with its mend. It may find the service at work already. NULL: it lives as long as the
	// process and is only checked; 'stop' is NULL then, too.
	int (*start)(void *ctx);
	// Afterwards nothing of it runs. It may find the service stopped already.
	void (*stop)(void *ctx);
	// Returns 0, or -errno with a sentence in 'text' (empty before). NULL: always healthy.
	int (*health)(void *ctx, char text[FOG_SERVICE_TEXT_LEN]);
};

enum fog_service_state {
	FOG_SERVICE_STOPPED,
	FOG_SERVICE_STARTING,
	FOG_SERVICE_RUNNING,
	FOG_SERVICE_STOPPING,
	FOG_SERVICE_WAITING, // it could not be started, or was not well: it waits for its next start
};

enum fog_service_health {
	FOG_HEALTH_UNKNOWN, // not checked since its start
	FOG_HEALTH_HEALTHY,
	FOG_HEALTH_DEGRADED, // well itself, but something that it uses or needs isn't
	FOG_HEALTH_UNHEALTHY,
};

struct fog_services_clock {
	uint64_t (*now_ms)(void *ctx); // never goes back
	uint32_t (*dice)(void *ctx); // a random number, for jitter
	void *ctx;
};

struct fog_services;

// Take over 'table' (static) and make an order. 'ctx' goes to its functions. 'clock' NULL: the host's.
// Returns 0, -ENOMEM, or with a sentence in 'error' -EINVAL (a name that is malformed, twice there or unknown; a service
// that can't be started again needs one that can; the table is too long), -ELOOP (a cycle, with its names).
int fog_services_create(
        const struct fog_service *table, unsigned count, void *ctx,
        const struct fog_services_clock *clock, struct fog_services **, char *error,
        size_t error_len
);
// After stop has returned 0. Accepts NULL.
void fog_services_destroy(struct fog_services *);

// What the supervisor does by itself, before start: 'what' is "restart" (it is not well), "start", "unhealthy", "healthy";
// 'result' 0 or -errno, 'text' why. Under the lock of the services: it must neither wait nor call them.
typedef void fog_services_note(
        void *ctx, const char *name, const char *what, int result, const char *text
);
void fog_services_watch(struct fog_services *, fog_services_note *note);

// Start all, one after the other, and the thread that looks after them. Returns 0, -errno of a critical one that did not
// start (its name is logged; the others may run: stop is due), -ETIMEDOUT (it hangs), -EAGAIN (no thread).
int fog_services_start(struct fog_services *);
// Stop all in reverse, each within FOG_SERVICE_STOP_MAX_MS. Returns 0, or -ETIMEDOUT: a thread hangs inside one (logged), so nothing
// that it may touch can be freed. Accepts NULL.
int fog_services_stop(struct fog_services *);

// One round of what the thread does. Never blocks. Returns after how many milliseconds to come again, sooner when wait says so.
// For tests, instead of start; one thread at a time.
unsigned fog_services_step(struct fog_services *);
// Until something has ended, 'ms' at most.
void fog_services_wait(struct fog_services *, unsigned ms);

// Stop it and start it again, now. 'force': what needs it is stopped before and started after. Returns 0 (it goes on by
// itself), -ENOENT, -EOPNOTSUPP (it can't be restarted on its own), -EBUSY (others need it: see its dependents, or force),
// -EALREADY (it is being started or stopped).
int fog_services_restart(struct fog_services *, const char *name, bool force);
// Check it now (NULL: all) rather than when it is due. Returns 0 or -ENOENT.
int fog_services_check(struct fog_services *, const char *name);

struct fog_service_check {
	int64_t time_us; // since 1970
	uint32_t took_ms;
	int result; // 0 or -errno
	char text[FOG_SERVICE_TEXT_LEN];
};

struct fog_service_view {
	const struct fog_service *service;
	unsigned place; // in the order of start, from 0
	unsigned layer; // 0: depends on nothing; else one more than what it depends on
	enum fog_service_state state;
	enum fog_service_health health;
	bool hangs; // a check, start or stop has not come back in time
	unsigned checks; // since the process began
	unsigned failures, recoveries; // checks in a row
	unsigned restarts; // since the process began, those that were asked for too
	uint64_t retry_ms; // until its next start, 0: none is due
	int64_t since_us; // it is in this state, since 1970
	char text[FOG_SERVICE_TEXT_LEN]; // why it isn't well; "" = it is
};

// In the order of start. Returns how many there are.
unsigned fog_services_list(struct fog_services *, struct fog_service_view *out, unsigned max);
// One of them and its last checks, newest first. Returns how many checks, or -ENOENT.
int fog_services_get(
        struct fog_services *, const char *name, struct fog_service_view *,
        struct fog_service_check *out, unsigned max
);
// Names of those that need it ('uses' false) or use it. Returns how many, or -ENOENT.
int fog_services_dependents(
        struct fog_services *, const char *name, bool uses, const char **out, unsigned max
);
// Of all together: unhealthy when a critical one is, degraded when any is, unknown while one hasn't been checked.
enum fog_service_health fog_services_health(struct fog_services *);

// Call 'say' with a code and a sentence for every service that isn't well and that readiness doesn't know of by other
// means: the critical ones, or the others. Returns how many.
unsigned fog_services_reasons(
        struct fog_services *, bool critical,
        void (*say)(void *ctx, const char *code, const char *text), void *ctx
);

const char *fog_service_state_name(enum fog_service_state);
const char *fog_service_health_name(enum fog_service_health);
