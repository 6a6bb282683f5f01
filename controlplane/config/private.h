// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the files of this folder share beyond the YAML machinery.
#pragma once

#include "config.h"

// Fill the launch part from the file and, unless it is NULL, the topology (else the mtu geometry
// stands in). 'launch' is overwritten.
void config_launch(
        const struct fog_config *, const struct fog_topology *, struct fog_blob_launch *launch
);
