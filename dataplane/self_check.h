// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What a data plane finds out about itself before it takes a packet: whether its crypto is right, and
// how fast. No DPDK.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "sphinx/sphinx.h"

enum { FOG_SELF_CHECK_MS = 50 };

// Known answers of every primitive. Returns 0, or -EIO with a sentence that names the primitive, the
// implementation and the mend: nobody may run on crypto that is wrong.
int fog_self_check_answers(const struct fog_crypto_ops *, char *text, size_t text_len);

// Packets of geometry 'g' per second that the calling thread opens, 'batch' at a time: packets for a
// key that is made and forgotten here, whole, without any I/O, for 'ms' milliseconds. Half of the
// batches were faster than this, so a thread that is interrupted meanwhile looks no slower.
// 0 when there was no memory, or no batch was done.
uint64_t fog_self_check_capacity(
        const struct fog_crypto_ops *, const struct fog_geometry *g, unsigned batch, unsigned ms
);
