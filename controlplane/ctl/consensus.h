// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What `fogctl consensus` and `fogctl audit delays` do with documents of the directory: bytes that come from
// files and may be anything.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../directory/consensus.h"
#include "client.h"

enum consensus_kind { CONSENSUS_UNKNOWN, CONSENSUS_CONSENSUS, CONSENSUS_PROOFS };

enum { CONSENSUS_TEXT_LEN = 512 };

// What became of one file. All zero at first.
struct consensus_document {
	const char *file; // as given
	enum consensus_kind kind;
	struct fog_consensus *consensus; // a consensus that has a form, even when it is refused
	unsigned proof_count;
	struct fog_equivocation *proof;
	const char *refusal; // label of refusals.def; NULL: everything holds
	const char *made_from; // file of the consensus that it was found to be made from
	char text[CONSENSUS_TEXT_LEN]; // of a refusal: what doesn't hold
};

// Which kind the bytes are: a consensus has its threshold where a proof has a zero. Pure, as the next three.
enum consensus_kind consensus_kind_of(const uint8_t *data, size_t len);
// Read and verify; what doesn't hold is in the document. Returns 0 or -ENOMEM.
int consensus_check(
        struct consensus_document *, const uint8_t *data, size_t len,
        const struct fog_topology *network
);
// Whether a consensus follows from another one that is good, too; what doesn't hold is in the first document.
// 'must': it has to be that very one.
void consensus_check_previous(
        struct consensus_document *, const struct consensus_document *previous, bool must
);
// Two good ones of one epoch that differ are both refused, with the names of those who signed both.
void consensus_check_twins(
        struct consensus_document *, struct consensus_document *, const struct fog_topology *network
);
void consensus_document_free(struct consensus_document *); // what it holds, not itself

// What is different in 'b', as JSON (README.md): of two answers of GET /v1/consensus. Returns a new
// reference, NULL without memory.
json_t *consensus_compare(const json_t *a, const json_t *b);

// Files. Errors are said; both return 0 or -errno.
int consensus_read_file(const char *path, uint8_t **data, size_t *len); // the caller frees *data
int consensus_read_network(const char *path, struct fog_topology **out); // the caller frees *out

// Subcommands, argv[0] is their own name. Return enum ctl_exit.
int consensus_show(int argc, char **argv, const char *usage);
int consensus_verify(int argc, char **argv, const char *usage);
int consensus_diff(int argc, char **argv, const char *usage);

// A consensus as JSON: of a file (verified when 'network' isn't NULL, else it is said that it isn't), or of
// the node (an epoch, or NULL: the one that counts; connects the client). Returns CTL_OK, or the exit code
// after having said why.
int consensus_of_file(const char *path, const struct fog_topology *network, json_t **out);
int consensus_of_node(struct ctl_client *, const char *epoch, struct ctl_answer *out);
