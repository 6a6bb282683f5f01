// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What holds of a consensus or of proofs of equivocation, and what doesn't, by its name and in words.
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consensus.h"

enum { DOCUMENT_VERSION = 1, THRESHOLD_AT = 2, NAMES_LEN = 360, HEX_DIGITS = 8 };

__attribute__((format(printf, 3, 4))) static void check_refuse(
        struct consensus_document *d, enum fog_refusal reason, const char *format, ...
)
{
	va_list list;

	d->refusal = fog_refusal_label(reason);
	va_start(list, format);
	vsnprintf(d->text, sizeof(d->text), format, list);
	va_end(list);
}

// The first digits of a number that is too long to be read.
static const char *check_short(const uint8_t *bytes, char out[2 * 32 + 1])
{
	sodium_bin2hex(out, 2 * 32 + 1, bytes, 32);
	out[HEX_DIGITS] = '\0';
	return out;
}

static const char *check_names(
        unsigned bits, const struct fog_topology *network, char out[NAMES_LEN]
)
{
	size_t at = 0;

	snprintf(out, NAMES_LEN, "nobody");
	for (unsigned a = 0; a < network->authority_count && at < NAMES_LEN; a++)
		if (bits >> a & 1)
			at += (size_t)snprintf(
			        out + at, NAMES_LEN - at, "%s%s", at > 0 ? ", " : "",
			        network->authority[a].name
			);
	return out;
}

enum consensus_kind consensus_kind_of(const uint8_t *data, size_t len)
{
	if (len <= THRESHOLD_AT || data[0] != DOCUMENT_VERSION)
		return CONSENSUS_UNKNOWN;
	return data[THRESHOLD_AT] == 0 ? CONSENSUS_PROOFS : CONSENSUS_CONSENSUS;
}

static void check_say_network(
        struct consensus_document *d, const uint8_t hash[32], const struct fog_topology *network
)
{
	char theirs[65], ours[65];
	uint8_t own[32];

	fog_network_hash(network, own);
	check_refuse(
	        d, FOG_REFUSAL_NETWORK,
	        "it is of network %s.., the network file's is %s..: take the network file that its nodes "
	        "have",
	        check_short(hash, theirs), check_short(own, ours)
	);
}

static void check_say_parameters(struct consensus_document *d, const struct fog_topology *network)
{
	const struct fog_consensus *c = d->consensus;
	struct fog_topology said;

	fog_consensus_parameters(c, &said);

	const struct {
		const char *name;
		uint64_t file, consensus;
	} row[] = {
	        {"directory.authorities", network->authority_count, c->authorities},
	        {"directory.threshold", network->threshold, c->threshold},
	        {"mix_key.overlap (s)", network->overlap_s, said.overlap_s},
	        {"clock_tolerance (ms)", network->tolerance_ms, said.tolerance_ms},
	        {"session.rekey (s)", network->rekey_s, said.rekey_s},
	        {"session.rekey_packets", network->rekey_packets, said.rekey_packets},
	};

	check_refuse(d, FOG_REFUSAL_PARAMETERS, "%s", fog_refusal_text(FOG_REFUSAL_PARAMETERS));
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		if (row[i].file == row[i].consensus)
			continue;
		check_refuse(
		        d, FOG_REFUSAL_PARAMETERS,
		        "it says %s %" PRIu64 ", the network file %" PRIu64
		        ": take the network file that its authorities have",
		        row[i].name, row[i].consensus, row[i].file
		);
		return;
	}
}

// Whose signature is wrong.
static void check_say_signature(struct consensus_document *d, const struct fog_topology *network)
{
	const struct fog_consensus *c = d->consensus;
	struct fog_statement s = fog_consensus_statement(c);
	struct fog_descriptor out;

	for (unsigned a = 0; a < c->authorities && a < network->authority_count; a++) {
		const uint8_t *signature = fog_consensus_signature(c, a);
		if (signature == NULL ||
		    fog_statement_verify(&s, network->authority[a].identity, signature) == 0)
			continue;
		check_refuse(
		        d, FOG_REFUSAL_SIGNATURE,
		        "the signature of authority %s is not its: somebody has changed it, or the "
		        "network file names other keys",
		        network->authority[a].name
		);
		return;
	}
	for (unsigned i = 0; i < c->node_count; i++) {
		if (fog_descriptor_verify(c->data + c->node[i].at, c->node[i].len, &out) == 0)
			continue;
		check_refuse(
		        d, FOG_REFUSAL_SIGNATURE,
		        "the descriptor of node %s in it is not signed by that node",
		        c->node[i].descriptor.name
		);
		return;
	}
	check_refuse(
	        d, FOG_REFUSAL_SIGNATURE,
	        "a share of the beacon in it is not its authority's: the network file names other keys, "
	        "or a threshold of authorities lies"
	);
}

static void check_say(
        struct consensus_document *d, enum fog_refusal reason, const struct fog_topology *network
)
{
	const struct fog_consensus *c = d->consensus;
	char names[NAMES_LEN];

	if (reason == FOG_REFUSAL_NETWORK)
		check_say_network(d, c->network, network);
	else if (reason == FOG_REFUSAL_PARAMETERS)
		check_say_parameters(d, network);
	else if (reason == FOG_REFUSAL_SIGNATURE)
		check_say_signature(d, network);
	else if (reason == FOG_REFUSAL_THRESHOLD)
		check_refuse(
		        d, reason, "it is signed by %s: %u of %u, the network asks for %u",
		        check_names(c->signers, network, names),
		        (unsigned)__builtin_popcount(c->signers), network->authority_count,
		        network->threshold
		);
	else
		check_refuse(
		        d, reason,
		        "its beacon does not follow from the shares in it, though a threshold "
		        "has signed it"
		);
}

static int check_consensus(
        struct consensus_document *d, const uint8_t *data, size_t len,
        const struct fog_topology *network
)
{
	struct fog_consensus *good = NULL;
	int r = fog_consensus_parse(data, len, &d->consensus);

	if (r == -EBADMSG) {
		check_refuse(
		        d, FOG_REFUSAL_MALFORMED,
		        "it begins as a consensus does, but has not the form of one: it is damaged, or of "
		        "another version"
		);
		return 0;
	}
	if (r == 0)
		r = fog_consensus_open(data, len, network, &good);
	if (r > FOG_REFUSAL_NONE)
		check_say(d, (enum fog_refusal)r, network);
	fog_consensus_free(good);
	return r < 0 ? r : 0;
}

static void check_proof(
        struct consensus_document *d, const uint8_t *data, unsigned number,
        const struct fog_topology *network
)
{
	struct fog_equivocation *e = &d->proof[number];
	int r = fog_equivocation_open(data, FOG_EQUIVOCATION_LEN, e);
	uint8_t hash[32];
	unsigned a = 0;

	if (d->refusal != NULL)
		return; // the first one is told
	if (r < 0) {
		enum fog_refusal reason = r == -EKEYREJECTED ? FOG_REFUSAL_SIGNATURE
		                                             : FOG_REFUSAL_MALFORMED;
		check_refuse(
		        d, reason,
		        reason == FOG_REFUSAL_SIGNATURE
		                ? "proof %u proves nothing: a signature in it is not by whom it accuses"
		                : "proof %u has not the form of one: it is damaged, or says the same twice",
		        number + 1
		);
		return;
	}
	fog_network_hash(network, hash);
	if (memcmp(hash, e->network, 32) != 0) {
		check_say_network(d, e->network, network);
		return;
	}
	while (a < network->authority_count &&
	       memcmp(network->authority[a].identity, e->identity, 32) != 0)
		a++;
	if (a == network->authority_count)
		check_refuse(
		        d, FOG_REFUSAL_NETWORK,
		        "proof %u accuses somebody who is no authority of the network file",
		        number + 1
		);
}

static int check_proofs(
        struct consensus_document *d, const uint8_t *data, size_t len,
        const struct fog_topology *network
)
{
	size_t count = len / FOG_EQUIVOCATION_LEN;

	if (count == 0 || len % FOG_EQUIVOCATION_LEN != 0 || len > FOG_CONSENSUS_MAX) {
		check_refuse(
		        d, FOG_REFUSAL_MALFORMED,
		        "it begins as a proof of equivocation does, but has %zu bytes: each has %d",
		        len, FOG_EQUIVOCATION_LEN
		);
		return 0;
	}
	d->proof = calloc(count, sizeof(d->proof[0]));
	if (d->proof == NULL)
		return -ENOMEM;
	d->proof_count = (unsigned)count;
	for (unsigned i = 0; i < count; i++)
		check_proof(d, data + (size_t)i * FOG_EQUIVOCATION_LEN, i, network);
	return 0;
}

int consensus_check(
        struct consensus_document *d, const uint8_t *data, size_t len,
        const struct fog_topology *network
)
{
	d->kind = consensus_kind_of(data, len);
	if (d->kind == CONSENSUS_CONSENSUS)
		return check_consensus(d, data, len, network);
	if (d->kind == CONSENSUS_PROOFS)
		return check_proofs(d, data, len, network);
	check_refuse(
	        d, FOG_REFUSAL_MALFORMED,
	        "it is neither a consensus nor a proof of equivocation: of a node, take consensus-EPOCH or "
	        "equivocation-EPOCH of its state folder"
	);
	return 0;
}

static bool check_good(const struct consensus_document *d)
{
	return d->kind == CONSENSUS_CONSENSUS && d->refusal == NULL;
}

void consensus_check_previous(
        struct consensus_document *d, const struct consensus_document *previous, bool must
)
{
	const struct fog_consensus *c = d->consensus, *p = previous->consensus;
	uint8_t beacon[32];

	if (!check_good(d))
		return;
	if (must && previous->kind == CONSENSUS_PROOFS)
		check_refuse(
		        d, FOG_REFUSAL_MALFORMED, "%s, which is to be before it, is no consensus",
		        previous->file
		);
	if (!check_good(previous))
		return;
	if (must && p->epoch >= c->epoch) {
		check_refuse(
		        d, FOG_REFUSAL_ROLLBACK,
		        "it is of epoch %" PRIu64
		        ", and %s, which is to be before it, of epoch %" PRIu64,
		        c->epoch, previous->file, p->epoch
		);
		return;
	}
	if (p->epoch != c->previous_epoch || sodium_is_zero(c->previous_digest, 32)) {
		if (must)
			check_refuse(
			        d, FOG_REFUSAL_EPOCH,
			        "it was made from the consensus of epoch %" PRIu64
			        ", %s is of epoch %" PRIu64 ": give that one",
			        c->previous_epoch, previous->file, p->epoch
			);
		return;
	}
	if (memcmp(p->digest, c->previous_digest, 32) != 0) {
		check_refuse(
		        d, FOG_REFUSAL_EQUIVOCATION,
		        "it was made from another consensus of epoch %" PRIu64
		        " than %s: there are two, verify both together",
		        p->epoch, previous->file
		);
		return;
	}
	for (unsigned k = 0; k < 2; k++) {
		fog_consensus_beacon(p, c->network, c->epoch - 1 - k, beacon);
		if (memcmp(beacon, c->beacon_before[k], 32) == 0)
			continue;
		check_refuse(
		        d, FOG_REFUSAL_MALFORMED,
		        "its beacon of epoch %" PRIu64
		        " is not the one that %s says: a threshold of "
		        "authorities lies",
		        c->epoch - 1 - k, previous->file
		);
		return;
	}
	d->made_from = previous->file;
}

void consensus_check_twins(
        struct consensus_document *a, struct consensus_document *b,
        const struct fog_topology *network
)
{
	char names[NAMES_LEN];

	if (a->kind != CONSENSUS_CONSENSUS || b->kind != CONSENSUS_CONSENSUS ||
	    a->consensus == NULL || b->consensus == NULL || (!check_good(a) && !check_good(b)))
		return;
	// A third one finds the first two refused for the same.
	const char *twins = fog_refusal_label(FOG_REFUSAL_EQUIVOCATION);
	if ((a->refusal != NULL && a->refusal != twins) ||
	    (b->refusal != NULL && b->refusal != twins) ||
	    a->consensus->epoch != b->consensus->epoch ||
	    memcmp(a->consensus->digest, b->consensus->digest, 32) == 0)
		return;
	check_names(a->consensus->signers & b->consensus->signers, network, names);
	check_refuse(
	        a, FOG_REFUSAL_EQUIVOCATION,
	        "it and %s are two good consensuses of epoch %" PRIu64
	        " that differ; both are signed by %s",
	        b->file, a->consensus->epoch, names
	);
	check_refuse(
	        b, FOG_REFUSAL_EQUIVOCATION,
	        "it and %s are two good consensuses of epoch %" PRIu64
	        " that differ; both are signed by %s",
	        a->file, a->consensus->epoch, names
	);
}

void consensus_document_free(struct consensus_document *d)
{
	fog_consensus_free(d->consensus);
	free(d->proof);
}
