// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Memory that secrets pass through without being kept there: stacks, registers that are spilled,
// what the crypto libraries allocate. What is kept has memory of its own (sodium_malloc).
#pragma once

// Keep all memory of this process, what it maps later too, from being swapped: pages are locked as
// they are touched. Main thread, before others. Returns 0 or -errno (-ENOMEM, -EPERM: the limit of
// locked memory, or no CAP_IPC_LOCK).
int fog_memory_lock(void);
// Keep the stack of the calling thread out of core dumps. Returns 0 or -errno.
int fog_stack_hide(void);
