// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the files of the agreement share. Inside of this folder.
#pragma once

#include "agreement.h"

// Numbers of eighths of an epoch, from its start.
enum { AT_BEGIN = 1, AT_VOTE = 5, AT_RELAY = 6, AT_FIXED = 7 };

enum { AGREEMENT_SAID_MAX = 2 }; // things that one authority said; two prove that it lies

struct agreement_vote {
	struct fog_vote *vote;
	bool relay; // it came from its author in time, so we pass it on
	bool counts; // it came in time
	uint16_t told; // bits of authorities that have it
};

struct agreement_signature {
	bool there;
	uint8_t digest[32], signature[64];
	uint16_t told;
};

struct agreement_node {
	struct fog_descriptor descriptor;
	uint32_t len;
	uint8_t data[FOG_DESCRIPTOR_MAX];
};

// Everything about one consensus that is being made.
struct agreement_round {
	uint64_t epoch;
	bool fixed; // votes are
	bool voted, tried; // what is done once
	uint16_t lied;
	struct agreement_vote vote[FOG_AUTHORITIES_MAX][AGREEMENT_SAID_MAX];
	struct agreement_signature signature[FOG_AUTHORITIES_MAX][AGREEMENT_SAID_MAX];
	struct fog_consensus *consensus; // as we computed it; NULL: not yet, or there is none
	bool published;
	uint64_t publish_ns; // not tried before, from the round's start
};

struct fog_agreement {
	struct fog_agreement_params p;
	uint8_t network[32];
	struct agreement_round round;
	unsigned node_count;
	struct agreement_node *node[FOG_NODES_MAX]; // in no order
};

// Where 'now' is, counted from the start of round.epoch - 1.
struct agreement_time {
	uint64_t epoch; // the one that is at work
	uint64_t target; // the one whose consensus is made
	uint64_t now_ns, eighth_ns;
	uint64_t at_ns; // since the start of the epoch before the target
};

struct agreement_time agreement_time(const struct fog_agreement *, uint64_t now_ns);
// The newest consensus before the target.
const struct fog_consensus *agreement_previous(const struct fog_agreement *, uint64_t target);
// Two things that an authority said of one epoch: a proof for the view.
void agreement_prove(
        struct fog_agreement *, enum fog_statement_kind, unsigned authority,
        const uint8_t *digest[2], const uint8_t *signature[2]
);

void votes_make(struct fog_agreement *, const struct agreement_time *);
void votes_clear(struct agreement_round *);
bool votes_next(const struct fog_agreement *, unsigned to, const struct agreement_time *, struct fog_agreement_message *);

// Compute once, then publish as soon as there are signatures.
void signatures_make(struct fog_agreement *);
void signatures_publish(struct fog_agreement *, const struct agreement_time *);
bool signatures_next(const struct fog_agreement *, unsigned to, struct fog_agreement_message *);

// Forget nodes that have said nothing for two epochs.
void descriptors_prune(struct fog_agreement *, uint64_t now_ns);

// kind, epoch and place of what was sent.
uint64_t token_of(enum fog_statement_kind, uint64_t epoch, unsigned authority, unsigned which);
