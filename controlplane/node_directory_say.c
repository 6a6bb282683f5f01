// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What operators are told: what of the directory keeps the node from being ready, and what they should know.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "node_directory_private.h"

// What the authorities say to our descriptor, each in its own words.
static void directory_say_authorities(const struct node_directory_view *v, char *text, size_t len)
{
	size_t at = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < v->authorities && at < len; i++) {
		const struct node_directory_authority *a = &v->authority[i];
		const char *words = a->answer == NODE_DIRECTORY_TAKEN ? "has taken our descriptor"
		        : a->answer == NODE_DIRECTORY_WAITING         ? "has not been asked yet"
		                                                      : a->text;
		at += (size_t)snprintf(
		        text + at, len - at, "%s%s%s%s%s: %s", at > 0 ? "; " : "", a->name,
		        a->answer == NODE_DIRECTORY_REFUSED ? " (" : "", a->code,
		        a->answer == NODE_DIRECTORY_REFUSED ? ")" : "", words
		);
	}
}

// The consensus is here before what follows from it: links and next hops.
static unsigned directory_unready_topology(struct fog_node *n, node_say *reason, void *ctx)
{
	pthread_rwlock_rdlock(&n->lock);
	const struct fog_topology_node *self = fog_node_self(n);
	bool there = self != NULL, off_path = there && self->off_path;
	pthread_rwlock_unlock(&n->lock);
	if (there && !off_path)
		return 0;
	if (off_path)
		reason(ctx, "off_path",
		       "this node is new in this epoch: not everybody knows of it yet, so it neither sends nor is sent "
		       "to before nobody waits for this epoch's consensus any more");
	else
		reason(ctx, "topology_pending",
		       "the nodes of a new consensus are about to be taken over");
	return 1;
}

// Packets for us are made with the key that the consensus names. After a reboot it may be one that is gone,
// because what we announced since came too late for that consensus.
static unsigned directory_unready_key(
        struct fog_node *n, const struct node_directory_view *v, node_say *reason, void *ctx
)
{
	uint8_t ours[32], theirs[32];
	char text[384];

	if (!fog_epochs_live(n->epochs, v->epoch, ours) ||
	    node_directory_mix_key(n, n->identity->node_id, v->epoch, theirs) < 0 ||
	    memcmp(ours, theirs, 32) == 0)
		return 0;
	snprintf(
	        text, sizeof(text),
	        "for epoch %" PRIu64
	        " the consensus names a mix key that is gone with the last boot, and the one that "
	        "took its place came too late for it: this node takes packets again in %" PRIu64
	        " s, when the next epoch begins, if the authorities have taken its descriptor",
	        v->epoch, (v->left_ns + 999999999) / 1000000000
	);
	reason(ctx, "key_not_in_consensus", text);
	return 1;
}

unsigned node_unready_directory(struct fog_node *n, node_say *reason, void *ctx)
{
	char text[1024], said[800];
	struct node_directory_view v;

	if (!node_directory_look(n, &v))
		return 0;
	if (v.listed)
		return directory_unready_topology(n, reason, ctx) +
		        directory_unready_key(n, &v, reason, ctx);
	directory_say_authorities(&v, said, sizeof(said));
	if (v.consensus == 0) {
		snprintf(
		        text, sizeof(text),
		        "there is no consensus that is good for epoch %" PRIu64
		        ": is the clock right, and can enough authorities be reached? %s",
		        v.epoch, said
		);
		reason(ctx, "no_consensus", text);
	} else {
		snprintf(
		        text, sizeof(text),
		        "this node is not in the consensus of epoch %" PRIu64
		        "%s; authorities take descriptors until 5/8 of an epoch for the next one. %s",
		        v.consensus, v.withdrawn ? ", because it was withdrawn" : "", said
		);
		reason(ctx, "not_in_consensus", text);
	}
	return 1;
}

unsigned node_warn_directory(struct fog_node *n, node_say *warn, void *ctx)
{
	struct node_directory_view v;
	unsigned count = 0;
	char text[512];

	if (!node_directory_look(n, &v))
		return 0;
	if (v.late) {
		snprintf(
		        text, sizeof(text),
		        "no consensus of epoch %" PRIu64 " has come: that of epoch %" PRIu64
		        " counts for %" PRIu64
		        " more epoch(s); fogctl consensus show says what each authority answered",
		        v.epoch, v.consensus, v.until - v.epoch
		);
		warn(ctx, "consensus_old", text);
		count++;
	}
	if (v.withdrawn) {
		warn(ctx, "withdrawn",
		     "this node asks the authorities to leave it out: fogctl withdraw says when it "
		     "may go, fogctl withdraw --undo takes that back");
		count++;
	}
	if (v.clock_off) {
		fog_clocks_text(v.clock_ahead_ms, text);
		warn(ctx, "clock_off", text);
		count++;
	}
	for (unsigned i = 0; i < v.authorities; i++) {
		const struct node_directory_authority *a = &v.authority[i];
		if (a->lied == 0)
			continue;
		snprintf(
		        text, sizeof(text),
		        "authority %s has signed two different things of epoch %" PRIu64
		        ": fogctl consensus verify --network NETWORK equivocation-%" PRIu64
		        " (in control/consensus of the state folder) proves it; tell the others",
		        a->name, a->lied, a->lied
		);
		warn(ctx, "authority_lied", text);
		count++;
	}
	for (unsigned i = 0; i < v.authorities; i++) {
		const struct node_directory_authority *a = &v.authority[i];
		if (a->answer != NODE_DIRECTORY_REFUSED)
			continue;
		bool clock = strcmp(a->code, "clock") == 0;
		snprintf(text, sizeof(text), "authority %s (%s): %s", a->name, a->code, a->text);
		warn(ctx, clock ? "clock_off" : "descriptor_refused", text);
		count++;
	}
	return count;
}
