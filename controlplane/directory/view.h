// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The consensuses that a node or a client has: which may be taken, which one counts now, what follows
// from them. Each is kept in a file of its own, so that it outlives restarts and authorities.
//
//   DIR/consensus-EPOCH      the bytes as they were signed, mode 0644, written beside and renamed
//   DIR/equivocation-EPOCH   proofs that authorities signed two of that epoch (statement.h), one behind
//                            the other; kept until somebody removes them
//   DIR/equivocation-EPOCH.unreadable-N
//                            what was in such a file and wasn't understood: damaged, of another version or
//                            network. N up to 15; when all are there, nothing is written to that epoch's file
//
// One thread at a time (the caller locks). Consensuses that it hands out live until fog_view_prune or
// fog_view_destroy, and until fog_view_take, which makes room when there are FOG_VIEW_MAX.
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "../epoch/schedule.h"
#include "consensus.h"

struct fog_view;

enum {
	FOG_VIEW_MAX = 8, // consensuses that are kept at once
	FOG_VIEW_PROOFS_MAX = 64, // proofs
	// Of one authority, those about votes and those about consensuses: no liar fills the place of another.
	FOG_VIEW_PROOFS_OF_ONE = FOG_VIEW_PROOFS_MAX / FOG_AUTHORITIES_MAX / 2,
};

// 'network' is the network file's topology and must outlive the object. Reads what the folder has; what
// is wrong there is removed, with a log line, but what may be evidence is set aside. Returns 0, -ENOMEM, -errno (the folder).
int fog_view_create(const struct fog_topology *network, const char *dir, struct fog_view **out);
void fog_view_destroy(struct fog_view *); // accepts NULL

// Take a consensus as it came from anybody. Returns FOG_REFUSAL_NONE (*news tells whether it was not known
// yet), or why not: as fog_consensus_open; EXPIRED; EPOCH (further ahead than the next epoch); ROLLBACK (of an
// epoch for which the one we have is newer by more than a late one can be: older than all that count);
// EQUIVOCATION (a valid one of the same epoch with another digest is known, which stays in force: who has
// signed both is proved by fog_view_proofs). -errno: it could not be written, nothing is taken.
int fog_view_take(struct fog_view *, const uint8_t *data, size_t len, uint64_t now_ns, bool *news);
// The same in two steps, for whose lock others wait: they wait neither for what a new consensus writes nor while all
// of it is verified. What is known already (fog_view_knows) is better taken at once.
// Verify, and write beside, synced, what take_prepared is going to keep: what it would refuse costs no write.
// Called and left with 'lock', which is given back meanwhile, so any number of threads may. Returns
// FOG_REFUSAL_NONE and *out, which has to go to fog_view_take_prepared; as fog_consensus_open; EXPIRED, EPOCH or
// ROLLBACK as fog_view_take; -errno (logged), -ENOMEM.
struct fog_view_fresh;
int fog_view_prepare(
        const struct fog_view *, pthread_mutex_t *lock, const uint8_t *data, size_t len,
        uint64_t now_ns, struct fog_view_fresh **out
);
// Under the lock. Takes it over. Returns as fog_view_take. On the disk it changes names and removes files; but it
// waits for the disk as fog_view_prove does when it contradicts one that is known, once for each authority that has
// signed both and isn't known for it, and as fog_view_take when the one of its epoch that was known before is gone.
int fog_view_take_prepared(struct fog_view *, struct fog_view_fresh *, uint64_t now_ns, bool *news);
bool fog_view_knows(const struct fog_view *, const uint8_t *data, size_t len);
// The one that counts in 'epoch': the newest one of an epoch not after it that is still good for it. NULL: none.
const struct fog_consensus *fog_view_at(const struct fog_view *, uint64_t epoch);
const struct fog_consensus *fog_view_exact(
        const struct fog_view *, uint64_t epoch
); // of that very epoch
// The newest one of an epoch not after 'epoch', whether it still counts or not. NULL: none.
const struct fog_consensus *fog_view_newest(const struct fog_view *, uint64_t epoch);
// Forget what is older than fog_view_at(epoch - 1). Nothing goes while none counts in 'epoch': maybe the clock is wrong.
void fog_view_prune(struct fog_view *, uint64_t epoch);

// All proofs of equivocation that are known: *count of FOG_EQUIVOCATION_LEN bytes each, verified ones. NULL
// when there are none; valid until the next fog_view_take or fog_view_prove.
const uint8_t *fog_view_proofs(const struct fog_view *, unsigned *count);
// Keep a proof that came from elsewhere (two votes, or from another's list). Returns 0 (also when one of the
// same authority, kind and epoch is known), -EBADMSG or -EKEYREJECTED (fog_equivocation_open), -EXDEV (of another
// network, or of nobody who is an authority), -ENOSPC (FOG_VIEW_PROOFS_OF_ONE of it and of that kind are kept, later ones aren't),
// -errno (it could not be written). The caller waits for the disk with his lock held, which is seldom enough: as often
// as there is a new proof to keep.
int fog_view_prove(struct fog_view *, const uint8_t proof[FOG_EQUIVOCATION_LEN]);

// The beacon of 'epoch': what the consensus of that epoch or of one of the two after it says, else what
// follows from the newest one before it; the static one when there is none of these.
void fog_view_beacon(const struct fog_view *, uint64_t epoch, uint8_t out[32]);
// Mix key of a node for 'epoch', of the consensus that counts in it. Returns 0 or -ENOENT.
int fog_view_mix_key(
        const struct fog_view *, const uint8_t node_id[FOG_ID_LEN], uint64_t epoch, uint8_t out[32]
);

// What the network of a time depends on, beside the consensuses: it is another one when this is.
struct fog_view_moment {
	uint64_t epoch;
	bool before_lives; // packets of the epoch before may still come
	bool settled; // who is going to have the consensus of this epoch has it (fog_view_settled)
};

// From here on paths lead over who is new in 'epoch': fog_schedule_settled, or fog_schedule_grace after its consensus
// was taken, if that was within the epoch and in the place of an older one that still counts: when it came that late
// to us, it may have come late to all.
uint64_t fog_view_settled(const struct fog_view *, uint64_t epoch);
struct fog_view_moment fog_view_moment(const struct fog_view *, uint64_t now_ns);
bool fog_view_moment_same(const struct fog_view_moment *, const struct fog_view_moment *);

// The network of a time as everything else knows it: parameters of the network file and rates of the
// consensus; nodes of fog_view_at(epoch), then those that are only in the one before (while its packets live)
// or in the next one, if it is known: they have links, but are off all paths. So are, until the epoch is
// settled, those that are new in it: whoever has not fetched its consensus yet could not send to them.
// When no consensus counts any more, nodes of the one before are all there is, while its packets live.
// A node only in another epoch whose name somebody before it has gets "-" and the first 8 digits of its ID behind
// it. At most FOG_NODES_MAX. 'checksum' covers all of it.
// 'epoch' is that of the moment. The caller frees *out with fog_topology_free. Returns 0, -ENODATA (no consensus counts, no packet
// of one lives), -ENOMEM.
int fog_view_topology(
        const struct fog_view *, const struct fog_view_moment *, struct fog_topology **out
);
