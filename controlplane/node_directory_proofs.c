// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Proofs that authorities signed two different things: taken from others, kept, told to the operator.
#include <errno.h>
#include <string.h>

#include "../log/log.h"
#include "big_endian.h"
#include "node_directory_private.h"

enum { PROOF_EPOCH_AT = 4 + 32, PROOF_IDENTITY_AT = PROOF_EPOCH_AT + 8 }; // directory/statement.h

bool directory_take_proofs(struct node_directory *d, const struct fog_fetch_done *done)
{
	const struct fog_fetch_answer *a = &done->answer;
	int r = 0;

	if (done->error != 0 || a->status != 200)
		return false;
	if (a->len % FOG_EQUIVOCATION_LEN != 0)
		r = -EBADMSG;
	// One that can't be kept, or is none, says nothing of those behind it.
	for (size_t at = 0; at + FOG_EQUIVOCATION_LEN <= a->len; at += FOG_EQUIVOCATION_LEN) {
		int one = fog_view_prove(d->view, a->data + at);
		if (r == 0 && (one == -EBADMSG || one == -EKEYREJECTED || one == -EXDEV))
			r = one;
	}
	if (r < 0)
		LOG_WARN(
		        "an authority has given out something for a proof that is none (%s): ask its "
		        "operator",
		        r == -EKEYREJECTED    ? "bad_signature"
		                : r == -EXDEV ? "other_network"
		                              : "malformed"
		);
	return true;
}

void directory_liars(const struct node_directory *d, struct node_directory_view *out)
{
	unsigned count = 0;
	const uint8_t *proof = fog_view_proofs(d->view, &count);

	for (unsigned i = 0; i < count; i++, proof += FOG_EQUIVOCATION_LEN) {
		// They were verified when they came, so the form is all that's read.
		uint64_t epoch = fog_be_get(proof + PROOF_EPOCH_AT, 8);
		for (unsigned k = 0; k < out->authorities; k++)
			if (memcmp(d->network->authority[k].identity, proof + PROOF_IDENTITY_AT,
			           32) == 0 &&
			    epoch >= out->authority[k].lied)
				out->authority[k].lied = epoch;
	}
}
