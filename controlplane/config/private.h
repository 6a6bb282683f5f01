// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the files of this folder share beyond the YAML machinery.
#pragma once

#include "config.h"

// An error, a warning about the key at 'path' of a file that has been read.
__attribute__((format(printf, 4, 5))) void config_finding(
        const struct fog_config *, struct fog_report *, const char *path, const char *format, ...
);
__attribute__((format(printf, 4, 5))) void config_warning(
        const struct fog_config *, struct fog_report *, const char *path, const char *format, ...
);
// What the REST API and the platform behind it need: listener, TLS, store.
void config_check_platform(const struct fog_config *, struct fog_report *);

// Fill the launch part from the file and, unless it is NULL, the topology (else the mtu geometry
// stands in). 'launch' is overwritten.
void config_launch(
        const struct fog_config *, const struct fog_topology *, struct fog_blob_launch *launch
);

// Seconds that a mix key is in use: epoch and overlap of the topology, or the defaults.
uint64_t config_key_seconds(const struct fog_topology *);
// The arithmetic of the replay tables as one line for people, without a line end.
void config_replay_say(
        const struct fog_config *, const struct fog_topology *, const struct fog_config_host *,
        const struct fog_plan *, char *text, size_t len
);
// Bytes of ordinary memory that are not for replay tables.
uint64_t config_plan_rest(const struct fog_config *, const struct fog_plan *);
// Whether the host's room for replay tables is known.
bool config_replay_known(const struct fog_config_host *); // accepts NULL
