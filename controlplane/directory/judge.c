// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include <inttypes.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../vrf/delay.h"
#include "../vrf/vrf.h"
#include "consensus_form.h"

__attribute__((format(printf, 3, 4))) static enum fog_refusal refuse(
        enum fog_refusal reason, char *text, const char *format, ...
)
{
	va_list args;

	if (text == NULL)
		return reason;
	va_start(args, format);
	vsnprintf(text, FOG_JUDGE_TEXT_LEN, format, args);
	va_end(args);
	return reason;
}

void judge_init(
        struct judge *j, const struct fog_topology *network, const struct fog_consensus *previous,
        uint64_t epoch
)
{
	*j = (struct judge){.network = network, .previous = previous, .epoch = epoch};
	fog_network_hash(network, j->hash);
	// Of the epochs that are over when it is made, the last one; a previous consensus that wasn't
	// good for it any more says nothing about who was at work in it.
	j->owes = previous != NULL && epoch >= 3 && epoch - 2 < previous->until;
	if (!j->owes)
		return;
	j->owed = epoch - 2;
	fog_consensus_beacon(previous, j->hash, j->owed - 1, j->owed_beacon);
}

// Of what is known of the node itself, it may only be a successor.
static enum fog_refusal judge_sequence(uint64_t sequence, uint64_t known, bool same, char *text)
{
	if (sequence < known)
		return refuse(
		        FOG_REFUSAL_ROLLBACK, text,
		        "descriptor %" PRIu64 " is older than number %" PRIu64 " of the same node: "
		        "is a copy of it running, or was its state folder restored?",
		        sequence, known
		);
	if (sequence == known && !same)
		return refuse(
		        FOG_REFUSAL_EQUIVOCATION, text,
		        "another descriptor %" PRIu64 " of the same node is known: stop the second "
		        "process that uses its identity",
		        sequence
		);
	return FOG_REFUSAL_NONE;
}

static const uint8_t mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

static bool reachable4(const uint8_t *a)
{
	return a[0] != 0 && a[0] != 127 && a[0] < 224 && !(a[0] == 169 && a[1] == 254);
}

// Unicast of more than one link. Private networks may be whole mixnets, so theirs count.
static bool reachable6(const uint8_t *a)
{
	static const uint8_t loopback[16] = {[15] = 1};

	return !sodium_is_zero(a, 16) && memcmp(a, loopback, 16) != 0 && a[0] != 0xff &&
	        !(a[0] == 0xfe && (a[1] & 0xc0) == 0x80) &&
	        memcmp(a, mapped_prefix, sizeof(mapped_prefix)) != 0;
}

static enum fog_refusal judge_address(const struct fog_descriptor *d, char *text)
{
	if (!(d->address.family == 4 ? reachable4(d->address.addr) : reachable6(d->address.addr)))
		return refuse(
		        FOG_REFUSAL_ADDRESS, text,
		        "nobody can be reached at its address (loopback, link-local, multicast or "
		        "none): set 'node.address' to the one that others send to"
		);
	if (d->mix_port == 0)
		return refuse(FOG_REFUSAL_ADDRESS, text, "its mix port is 0: set 'node.port'");
	if ((d->directory_port == 0) != (bool)sodium_is_zero(d->tls_key, 32))
		return refuse(
		        FOG_REFUSAL_ADDRESS, text,
		        "of its public listener it says the port or the TLS key, but not both"
		);
	return FOG_REFUSAL_NONE;
}

// With a point of low order nobody can make a packet: every path over the node would be in vain.
static bool judge_mix_key(const uint8_t key[32])
{
	static const uint8_t any[32] = {8};
	uint8_t shared[32];

	return crypto_scalarmult(shared, any, key) == 0;
}

static enum fog_refusal judge_mix_keys(
        const struct judge *j, const struct fog_descriptor *d, char *text
)
{
	for (uint64_t epoch = j->epoch; epoch < j->epoch + FOG_CONSENSUS_LIFE; epoch++) {
		unsigned i = 0;
		while (i < d->mix_count &&
		       (d->mix[i].epoch != epoch || !judge_mix_key(d->mix[i].public_key)))
			i++;
		if (i == d->mix_count)
			return refuse(
			        FOG_REFUSAL_MIX_KEYS, text,
			        "it has no usable mix key for epoch %" PRIu64
			        ", but needs those of %" PRIu64 " to %" PRIu64
			        ": is its clock right?",
			        epoch, j->epoch, j->epoch + FOG_CONSENSUS_LIFE - 1
			);
	}
	return FOG_REFUSAL_NONE;
}

bool judge_owes(const struct judge *j, const uint8_t *node_id, struct fog_consensus_owed *out)
{
	const struct fog_consensus_node *before;
	const struct fog_consensus_owed *known;

	if (j->previous == NULL)
		return false;
	if ((known = fog_consensus_owed(j->previous, node_id)) != NULL) {
		*out = *known;
		return j->epoch - known->epoch <= FOG_CONSENSUS_OWED;
	}
	before = fog_consensus_find(j->previous, node_id);
	if (!j->owes || before == NULL || before->since > j->owed ||
	    (j->owed < before->descriptor.vrf_from && j->owed < before->since + 2))
		return false;
	// By the key that counted then, which the previous consensus has.
	out->epoch = j->owed;
	memcpy(out->node_id, node_id, FOG_ID_LEN);
	memcpy(out->vrf_key, before->descriptor.vrf_key, 32);
	memcpy(out->beacon, j->owed_beacon, 32);
	return true;
}

bool judge_shows(
        const struct judge *j, const struct fog_consensus_owed *owed, const struct fog_descriptor *d
)
{
	uint8_t alpha[FOG_DELAY_ALPHA_LEN], beta[FOG_VRF_BETA_LEN];

	fog_delay_alpha(j->hash, owed->epoch, owed->beacon, alpha);
	for (unsigned i = 0; i < d->proof_count; i++)
		if (d->proof[i].epoch == owed->epoch &&
		    fog_vrf_verify(owed->vrf_key, alpha, sizeof(alpha), d->proof[i].proof, beta) ==
		            0)
			return true;
	return false;
}

static enum fog_refusal judge_proof(
        const struct judge *j, const struct fog_descriptor *d, char *text
)
{
	struct fog_consensus_owed owed;

	if (!judge_owes(j, d->node_id, &owed) || judge_shows(j, &owed, d))
		return FOG_REFUSAL_NONE;
	return refuse(
	        FOG_REFUSAL_VRF_PROOF, text,
	        "it lacks a valid proof of its delays of epoch %" PRIu64
	        ": the node makes one when that epoch's key is destroyed, and owes it for %d "
	        "epochs",
	        owed.epoch, FOG_CONSENSUS_OWED
	);
}

static enum fog_refusal judge_keys(const struct fog_descriptor *d, char *text)
{
	if (!sodium_is_zero(d->link_key, 32) && !sodium_is_zero(d->vrf_key, 32))
		return FOG_REFUSAL_NONE;
	return refuse(
	        FOG_REFUSAL_MALFORMED, text,
	        "its link key or its VRF key is zero: make an identity with 'fogctl identity'"
	);
}

static enum fog_refusal judge_network(
        const struct judge *j, const struct fog_descriptor *d, char *text
)
{
	if (memcmp(d->network, j->hash, 32) == 0)
		return FOG_REFUSAL_NONE;
	return refuse(
	        FOG_REFUSAL_NETWORK, text,
	        "it is of another network than '%s': give the node the same network file",
	        j->network->name
	);
}

// What comes before the question whether the node wants to be in at all.
static enum fog_refusal judge_first(
        const struct judge *j, const struct fog_consensus_node *before,
        const struct fog_descriptor *d, const uint8_t *data, size_t len, char *text
)
{
	enum fog_refusal r = judge_network(j, d, text);

	if (r != FOG_REFUSAL_NONE || before == NULL)
		return r;
	return judge_sequence(
	        d->sequence, before->descriptor.sequence,
	        before->len == len && memcmp(j->previous->data + before->at, data, len) == 0, text
	);
}

static enum fog_refusal judge_withdrawn(const struct fog_descriptor *d, char *text)
{
	if ((d->flags & FOG_DESCRIPTOR_WITHDRAWN) == 0)
		return FOG_REFUSAL_NONE;
	return refuse(FOG_REFUSAL_WITHDRAWN, text, "the node has asked to be left out");
}

static enum fog_refusal judge_rest(
        const struct judge *j, const struct fog_descriptor *d, char *text
)
{
	enum fog_refusal r;

	if ((r = judge_mix_keys(j, d, text)) != FOG_REFUSAL_NONE)
		return r;
	return judge_proof(j, d, text);
}

static const struct fog_consensus_node *judge_before(
        const struct judge *j, const struct fog_descriptor *d
)
{
	return j->previous != NULL ? fog_consensus_find(j->previous, d->node_id) : NULL;
}

enum fog_refusal judge_itself(
        const struct judge *j, const struct fog_descriptor *d, const uint8_t *data, size_t len,
        char *text
)
{
	const struct fog_consensus_node *before = judge_before(j, d);
	enum fog_refusal r;

	if ((r = judge_first(j, before, d, data, len, text)) != FOG_REFUSAL_NONE ||
	    (r = judge_withdrawn(d, text)) != FOG_REFUSAL_NONE ||
	    (r = judge_keys(d, text)) != FOG_REFUSAL_NONE ||
	    (r = judge_address(d, text)) != FOG_REFUSAL_NONE)
		return r;
	return judge_rest(j, d, text);
}

static enum fog_refusal judge_clock(
        const struct judge *j, const struct fog_descriptor *d, uint64_t now_ms, char *text
)
{
	uint64_t tolerance = j->network->tolerance_ms;
	uint64_t behind = tolerance + (uint64_t)j->network->epoch_s * 1000;

	if (now_ms == 0)
		return FOG_REFUSAL_NONE;
	if (d->time_ms > now_ms && d->time_ms - now_ms > tolerance)
		return refuse(
		        FOG_REFUSAL_CLOCK, text,
		        "it was signed %" PRIu64 " ms in the future, the network allows %" PRIu64
		        ": set the node's clock (timedatectl)",
		        d->time_ms - now_ms, tolerance
		);
	if (d->time_ms < now_ms && now_ms - d->time_ms > behind)
		return refuse(
		        FOG_REFUSAL_CLOCK, text,
		        "it was signed %" PRIu64 " ms ago, %" PRIu64
		        " are allowed: set the node's clock (timedatectl)",
		        now_ms - d->time_ms, behind
		);
	return FOG_REFUSAL_NONE;
}

static enum fog_refusal judge_beside(
        const struct judge *j, const struct fog_consensus_node *before,
        const struct fog_descriptor *d, const struct fog_descriptor *const *known, unsigned count,
        char *text
)
{
	for (unsigned i = 0; i < count; i++) {
		const struct fog_descriptor *other = known[i];
		bool same = memcmp(d->node_id, other->node_id, FOG_ID_LEN) == 0;
		// Who leaves claims nothing in the consensus that is made, either.
		bool leaves = (other->flags & FOG_DESCRIPTOR_WITHDRAWN) != 0;
		enum fog_refusal r = same || leaves ? FOG_REFUSAL_NONE : conflict_of(d, other);
		if (r != FOG_REFUSAL_NONE &&
		    conflict_order(before, d->node_id, judge_before(j, other), other->node_id) > 0)
			return refuse(
			        r, text, "%s: node '%s' was there first", fog_refusal_text(r),
			        other->name
			);
	}
	return FOG_REFUSAL_NONE;
}

static enum fog_refusal judge_own(
        const struct fog_descriptor *d, const struct fog_descriptor *const *known, unsigned count,
        char *text
)
{
	for (unsigned i = 0; i < count; i++) {
		if (memcmp(known[i]->node_id, d->node_id, FOG_ID_LEN) != 0)
			continue;
		enum fog_refusal r = judge_sequence(
		        d->sequence, known[i]->sequence, memcmp(d, known[i], sizeof(*d)) == 0, text
		);
		if (r != FOG_REFUSAL_NONE)
			return r;
	}
	return FOG_REFUSAL_NONE;
}

enum fog_refusal fog_descriptor_judge(
        const struct fog_topology *network, const struct fog_consensus *previous, uint64_t epoch,
        const uint8_t *data, size_t len, const struct fog_descriptor *const *known,
        unsigned known_count, uint64_t now_ms, char *text
)
{
	struct fog_descriptor d;
	enum fog_refusal r;
	struct judge j;

	if (text != NULL)
		text[0] = '\0';
	if (fog_descriptor_parse(data, len, &d) < 0)
		return refuse(
		        FOG_REFUSAL_MALFORMED, text,
		        "it is no descriptor of version 2: install the same version as the others"
		);
	if (fog_descriptor_verify(data, len, &d) < 0)
		return refuse(
		        FOG_REFUSAL_SIGNATURE, text,
		        "its signature is not that of its identity key: it was changed on the way"
		);
	judge_init(&j, network, previous, epoch);
	const struct fog_consensus_node *before = judge_before(&j, &d);
	if ((r = judge_first(&j, before, &d, data, len, text)) != FOG_REFUSAL_NONE ||
	    (r = judge_own(&d, known, known_count, text)) != FOG_REFUSAL_NONE ||
	    (r = judge_clock(&j, &d, now_ms, text)) != FOG_REFUSAL_NONE ||
	    (r = judge_withdrawn(&d, text)) != FOG_REFUSAL_NONE ||
	    (r = judge_keys(&d, text)) != FOG_REFUSAL_NONE ||
	    (r = judge_address(&d, text)) != FOG_REFUSAL_NONE ||
	    (r = judge_beside(&j, before, &d, known, known_count, text)) != FOG_REFUSAL_NONE)
		return r;
	return judge_rest(&j, &d, text);
}
