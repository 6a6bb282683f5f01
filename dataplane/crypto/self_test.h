// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Known-answer test of an implementation, for program starts: a CPU, a virtual machine's CPUID or a
// build may be broken in a way that only shows as wrong results.
#pragma once

#include "ops.h"

// Run every function of 'ops' once on a batch that ends in a partial vector and compare with answers
// compiled in. Takes about a millisecond. Returns 0, or -EBADMSG with *what set to the name of the
// first function that failed (a string constant, as in struct fog_crypto_ops). One thread at a time.
int fog_crypto_self_test(const struct fog_crypto_ops *ops, const char **what);
