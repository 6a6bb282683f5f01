// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The node's loop packets: what mixnet/loops.h needs of keys, topology and data plane.
#pragma once

struct fog_node;

// Once, by start. Returns 0 or -ENOMEM, logged.
int node_loops_create(struct fog_node *);
