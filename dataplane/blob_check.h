// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The data plane's own check of a configuration blob: nothing that the control plane has checked is
// believed. No DPDK, no allocation, no global state; any thread.
#pragma once

#include <stddef.h>

// Check 'len' bytes at 'blob' (any bytes; 8-byte aligned; a private copy that nobody else writes):
// magic, ABI, size, checksum, every count, range, enum and string, reserved bytes, uniqueness, and
// that the memory plan of api/plan.h fits.
// Returns 0 when all of it may be used as it is, else with a sentence in 'text': -EPROTO (not a
// blob of this ABI), -EMSGSIZE (length), -EBADMSG (checksum), -EINVAL (content), -ENOSPC (the plan
// does not fit).
int fog_blob_check(const void *blob, size_t len, char *text, size_t text_len);
