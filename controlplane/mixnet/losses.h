// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What lost loops say of the network: an estimate of the loss at each node and link that they passed, and an
// alarm when one of them looks like the place of an (n-1) attack, where somebody keeps all others'
// packets away from a mix and sends his own, to follow the one that is left (Serjantov, Dingledine,
// Syverson 2002; loops against it: Danezis and Sassaman 2003, Loopix 2017).
//
// What it does not see: an attack that is short. It judges by whole epochs and lets a node lose 15 % more than others, so
// with epochs of 20 minutes and a loop a second over three mixes of each layer one that stays is found after 2 to 8
// minutes, one of 7 minutes at its end or at the end of its epoch, one of 5 minutes seldom, and one of a few seconds, which is
// what it takes to follow one packet, never. The end of an epoch is no blind spot of its own: its last loops, whose
// loss is known in the next epoch only, are judged with that one.
//
// Formulas, thresholds and their false alarms: README.md. Pure: it is told everything, times too. One thread at
// a time.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../dataplane/api/abi.h"
#include "../../dataplane/sphinx/sphinx.h"

struct fog_losses;

enum { FOG_LOSSES_KEEP = 4 }; // epochs that an estimate looks back on

int fog_losses_create(struct fog_losses **); // 0 or -ENOMEM
void fog_losses_destroy(struct fog_losses *); // wipes; accepts NULL

// One loop that was sent in 'epoch' is over. 'hop': the nodes that it passed, in order, without us at both ends.
// Loops of epochs that are no longer kept, and those beyond 65,536 of an epoch, are not counted.
void fog_losses_add(
        struct fog_losses *, uint64_t epoch, const uint8_t (*hop)[FOG_ID_LEN], unsigned hops,
        bool lost
);

struct fog_losses_link {
	uint8_t from[FOG_ID_LEN], to[FOG_ID_LEN]; // zeros: we
	uint64_t sent, lost; // loops that passed it, and those of them that were lost somewhere
	double loss; // estimated of this link alone: 0..1. What a node itself loses can't be told from
	        // what is lost on all links to it or on all links from it, and is shared among them.
};

struct fog_losses_alert {
	uint8_t node
	        [FOG_ID_LEN]; // that packets don't get through: kept away, dropped, or it is dead
	uint64_t epoch; // with which it began
	uint64_t sent, lost;
	double loss,
	        p; // there, beyond that of the others; bound of the probability of so many losses
};

// Judge what 'now_epoch' and the epochs before it have shown, as often as you like: it looks again at the
// start of an epoch and when the number of its loops has doubled, and has a false alarm in an epoch with a
// probability of 1e-6 at most, all nodes together. Nodes that the same loops pass are alerted together.
// Alerts that began earlier and still hold are reported again with their first epoch. They end when none of
// the last 1, 2 and 4 epochs shows them any more. Returns their number ('max' at most are written).
unsigned fog_losses_judge(
        struct fog_losses *, uint64_t now_epoch, struct fog_losses_alert *out, unsigned max
);
// The number of links ('max' at most are written); 0 also when there is no memory.
unsigned fog_losses_links(const struct fog_losses *, struct fog_losses_link *out, unsigned max);
