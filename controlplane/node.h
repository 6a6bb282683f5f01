// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The state of one control plane: what the event loop changes and the REST handlers read.
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "auth/certificate.h"
#include "config/config.h"
#include "dpclient.h"
#include "epoch/clock.h"
#include "epoch/epochs.h"
#include "epoch/exchange.h"
#include "link/links.h"
#include "mixnet/identity.h"
#include "mixnet/inbox.h"
#include "mixnet/keys.h"
#include "mixnet/loops.h"
#include "mixnet/sender.h"
#include "mixnet/topology.h"
#include "store/store.h"
#include "timing/timing.h"
#include "tracer.h"

struct fog_operations;
struct fog_services;
struct node_betanet_watch;
struct node_directory;
struct node_cover;
struct node_filter;
struct node_history;
struct node_links;
struct node_platform;

enum { FOG_NODE_EPOCH = FOG_EPOCH_FOREVER }; // the one mix key of a network without key rotation

struct fog_node {
	// Set by create and start, constant afterwards unless said otherwise.
	char config_path[FOG_CONFIG_PATH_LEN];
	const char *run_dir, *state_dir; // given on the command line, or NULL
	struct fog_identity *identity;
	struct fog_epoch_key *key; // NULL: there is none, key_text says why
	char key_text[256];
	const struct fog_crypto_ops *ops;
	struct fog_certificate *certificate; // of rest.tcp; NULL: no TLS. Set before start
	struct fog_store *store;
	struct node_platform *platform; // set by start, constant (node_platform.h)
	struct fog_dpclient *dp;
	struct fog_inbox *inbox;
	struct fog_sender *sender;
	struct fog_tracer *tracer;
	struct stat topology_seen; // control thread: the file that was looked at last
	pthread_mutex_t change; // one configuration change at a time; taken before 'lock'
	bool key_withheld; // under 'change': the data plane is not fit for the mix key

	// Guarded by 'lock'; written under 'change' too.
	pthread_rwlock_t lock;
	struct fog_config *config; // never NULL
	struct fog_topology *topology; // NULL: none yet
	bool topology_held; // under 'change': nodes are off paths until the data plane knows them
	char topology_text[512]; // why there is none, or why the newest file was refused; "" = fine
	uint64_t generation; // of the wanted configuration, 0 = none yet
	uint8_t checksum[32]; // of its blob
	struct fog_config *started; // the one that this process was started with
	struct node_filter *filter; // what operators have set of it at run time (node_filter.h)

	struct fog_timing *timing; // constant after start
	struct fog_loops *loops; // set by start, constant
	struct fog_mailboxes *mail; // likewise; also where no clients are
	struct node_cover *cover; // likewise (node_cover.h)
	struct fog_links *links; // likewise; also in a network without links
	struct node_links *link_follow; // control thread
	int directory_fd; // listening socket of the public listener until start takes it, or -1
	struct node_directory *directory; // set by start, constant (node_directory.h)
	_Atomic(struct fog_operations *) operations; // long work (node_services.h)
	struct node_history *
	        history; // set by start, constant: configurations that were in force (node_history.h)
	struct node_betanet_watch *betanet_watch; // likewise (node_betanet.h)
	struct fog_services *services; // likewise, all that is supervised (node_services.h)
	atomic_uint_least64_t beat_ms; // when the control thread last moved, 0: not by itself yet

	// Set by start, constant: time, keys and descriptors of a network with epochs (node_epochs.h).
	struct fog_clock *clock;
	struct fog_exchange *exchange;
	struct fog_epochs *epochs;
};

// Load the configuration and everything that needs privileges: identity, state folder.
// 'run_dir' and 'state_dir' (may be NULL) override the file's and must outlive the node.
// Returns 0 or -errno, logged with its mend.
int fog_node_create(const char *config_path, const char *run_dir, const char *state_dir, struct fog_node **);
// The rest, after the privileges are gone: mix key, store, data-plane client, topology.
int fog_node_start(struct fog_node *);
void fog_node_destroy(struct fog_node *); // accepts NULL

// Load the topology again if its file has changed ('force': also if it looks the same).
// Control thread.
void fog_node_topology_poll(struct fog_node *, bool force);
// Load the configuration file again. Control thread. Returns 0 or -EINVAL, logged.
int fog_node_config_reload(struct fog_node *);

// Replace the configuration by 'text' (YAML or JSON): check it, write it to the file, apply it.
// 'expected' is the checksum that the caller has seen, NULL for any. Somebody on REST asks for it, so
// what fog_config_remote_check refuses is refused.
// Returns 0 with *generation and what the change takes in *change, -ESTALE (the configuration is another one), -EINVAL
// (findings in 'report'), -EPERM (likewise: not over REST), -EBUSY (a change before it waits for its confirmation), -EAGAIN (the
// platform's store, which writes it down, is away), -errno (the file cannot be written): nothing has changed then. Any thread.
struct fog_config_origin {
	const char *actor; // who asks for it: "uid 0"
	const char *comment; // why, or NULL
	const char *correlation; // of the request, for the audit of what follows by itself, or NULL
	uint32_t
	        confirm_s; // it is taken back after so long unless it is confirmed (config_history/pending.h); 0: it stays
	int64_t reverts; // revision whose text it is, 0: none
	bool rollback; // it takes back what waits for its confirmation
};

int fog_node_config_put(
        struct fog_node *, const char *text, size_t len, const uint8_t expected[32],
        const struct fog_config_origin *, uint64_t *generation, enum fog_reload *change,
        struct fog_report *report
);
// The text of an earlier revision again; of the one before a change that waits for its confirmation: the end of that. Returns as
// fog_node_config_put, or -ENOENT (no such revision).
int fog_node_config_revert(
        struct fog_node *, int64_t revision, const struct fog_config_origin *, uint64_t *generation,
        enum fog_reload *change, struct fog_report *report
);
// Keep the change that waits (revision 0: whichever it is). Returns 0, -ENOENT (none waits, or its time is over), -ESTALE (another one does).
// Any thread.
int fog_node_config_confirm(struct fog_node *, int64_t revision);

struct fog_node_pending {
	int64_t revision; // that waits for its confirmation
	uint64_t left_ms;
};

// Whether one waits. Any thread.
bool fog_node_config_pending(struct fog_node *, struct fog_node_pending *);

// Our own entry in the topology, or NULL. Under 'lock'.
const struct fog_topology_node *fog_node_self(const struct fog_node *);

// Call 'reason' with a stable code and a sentence for everything that keeps the node from being
// ready. Returns how many there are. Any thread, not under 'lock'.
enum { FOG_NODE_CODE_LEN = 32 };

unsigned fog_node_unready(
        struct fog_node *, void (*reason)(void *ctx, const char *code, const char *text), void *ctx
);
// The same for what an operator should know but what stops nothing.
unsigned fog_node_warnings(
        struct fog_node *, void (*warn)(void *ctx, const char *code, const char *text), void *ctx
);

// The timing figures under the topology's law (all zero without one). Returns whether the effective
// anonymity set is known and under timing.min_set. Any thread, not under 'lock'.
bool fog_node_timing(struct fog_node *, struct fog_timing_law *, struct fog_timing_figures *);

// Where the control plane keeps its own files: STATE_DIR/control.
int fog_node_state_path(const struct fog_node *, const char *file, char *path, size_t len);
