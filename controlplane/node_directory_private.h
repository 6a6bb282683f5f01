// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the files of node_directory share.
#pragma once

#include <pthread.h>

#include "directory/clocks.h"
#include "directory/fetch_many.h"
#include "directory/serve.h"
#include "node_directory.h"

struct directory_peer {
	uint64_t due_ms; // when it is given our descriptor, or again
	uint64_t gap_ms; // between the last two tries
	bool asked; // it has not answered yet
	struct node_directory_authority said;
};

struct node_directory {
	struct fog_node *node; // constant
	uint16_t port; // of the listener, 0: there is none; constant

	// Who starts and stops it as a service.
	struct fog_serve *serve; // NULL: it is stopped
	int serve_fd; // its socket while it is stopped, or -1

	pthread_mutex_t lock; // what follows
	struct fog_topology *network; // NULL: the file lists the nodes
	struct fog_schedule schedule;
	struct fog_view *view;
	unsigned serial; // grows with each news in the view
	bool stop;
	bool withdrawn;
	struct directory_peer peer[FOG_AUTHORITIES_MAX];
	struct fog_clocks clocks; // of authorities
	unsigned breakers; // in front of each authority
	struct fog_breaker breaker[FOG_AUTHORITIES_MAX];
	uint64_t stepped_ms; // when the thread last moved
	uint64_t sequence; // of the descriptor, 0 = none yet
	size_t descriptor_len;
	uint8_t descriptor[FOG_DESCRIPTOR_MAX];
	uint64_t figures_epoch; // that is over, 0 = none
	uint64_t figures_packets; // rounded

	// Under the node's 'change', and written under 'lock', too.
	struct fog_fetch_many *fetch; // the thread's; NULL: there is none
	pthread_t thread;

	// Control thread.
	uint64_t seen_sequence;
	// What a topology was made of last, and whether it is in force; if not, when that is tried again.
	struct fog_view_moment seen_moment;
	unsigned seen_serial;
	bool installed;
	uint64_t retry_ms, retry_gap_ms;
	uint64_t counted_epoch, counted; // packets when this epoch began, 0 = not known
};

uint64_t directory_epoch(const struct node_directory *); // by now

// Control thread, and not under 'lock' unless said otherwise.
bool directory_was_withdrawn(const struct fog_node *); // in an earlier life, and it still counts
// What this node says of itself. Under node->lock and 'lock'.
void directory_about(const struct node_directory *, struct fog_descriptor *about);
// What the consensus waits for before it takes us again.
void directory_owe(struct node_directory *);
// What the epochs have signed last goes to the authorities.
void directory_announce(struct node_directory *);
// Keep the proofs that nodes have put into their descriptors, for audits; forget consensuses that are over.
void directory_proofs(struct node_directory *);
// Under 'lock': proofs that an authority lied, as another one has them (false: it has not answered); and who has
// lied, into the view.
bool directory_take_proofs(struct node_directory *, const struct fog_fetch_done *);
void directory_liars(const struct node_directory *, struct node_directory_view *);
// At an epoch's end, how many packets there were in it, if the data plane was the same all along.
void directory_figures(struct node_directory *, uint64_t epoch);

// The thread's life; 'arg' is the object.
void *directory_run(void *arg);
extern const struct fog_serve_ops directory_serve_ops;
