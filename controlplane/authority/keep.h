// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What an authority has signed, in files, so that it never signs another thing for the same epoch, whatever
// happens to the process or the power.
//
//   DIR/said-vote-EPOCH        the vote
//   DIR/said-consensus-EPOCH   digest of the consensus, 32 bytes
//
// The agreement waits for the disk here with its lock held, and whoever asks the authority something waits with it:
// twice an epoch, for what is signed must not leave before it is safe, once more when the consensus is published, and for
// each proof that is new, of which there are few (FOG_VIEW_PROOFS_OF_ONE). An eighth of an epoch is the time for
// each step, so a disk that needs seconds costs nothing but those. A consensus that is fetched is written without the
// lock (fog_view_prepare).
//
// Any thread, one at a time.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "../directory/statement.h"

// 'dir' is a descriptor of the folder. Durable on return: 0 or -errno; -EEXIST: there is one, which stays.
int keep_save(int dir, enum fog_statement_kind kind, uint64_t epoch, const void *data, size_t len);
// The caller frees *data. Returns 0, -ENOENT, -EFBIG (not of ours), -errno.
int keep_load(int dir, enum fog_statement_kind kind, uint64_t epoch, uint8_t **data, size_t *len);
// Forget what epochs before 'epoch' have.
void keep_prune(int dir, uint64_t epoch);
