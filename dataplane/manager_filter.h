// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The ports' filter follows the configuration. For manager_conf.c only.
#pragma once

#include "manager.h"

// Give every port the filter of 'blob'; a port whose driver has none is left out (the control plane
// warns of it). A port that refuses leaves all of them with the filter of the blob in force.
// Returns 0 or -errno with a sentence in 'text'.
int manager_filter_set(
        struct fog_manager *, const struct fog_blob *blob, char *text, size_t text_len
);
