// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The part of a node that follows configuration, topology and data plane.
#pragma once

#include "node.h"

// Callbacks of the data-plane client; ctx is the node.
extern const struct fog_dpclient_ops node_dpclient_ops;

// Load the configuration file with the command line's overrides, findings to stderr.
int node_config_read(const struct fog_node *, struct fog_config **);
