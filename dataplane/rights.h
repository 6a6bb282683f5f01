// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Giving rights away, in the order that the kernel asks for. Main thread only, but for what is said
// below.
//
//   fog_rights_prepare   as root: folders go to the data plane's user, filters are made
//   fog_rights_drop      every thread of EAL loses its bounding set; the process becomes the user; every
//                        thread loses its capabilities and enters its sandbox, the manager (this
//                        thread) last, which keeps CAP_NET_ADMIN for neighbours and CAP_IPC_LOCK for
//                        mix keys and replay tables
#pragma once

#include "api/blob.h"

struct fog_rights;

// After everything that needs rights is open, before a worker takes its first packet. Returns 0 or
// -errno, logged with its mend.
int fog_rights_prepare(
        const struct fog_blob_launch *, const char *run_dir, struct fog_rights **out
);
// For good. Afterwards no thread of this process is outside of its sandbox, which is looked at and not
// assumed. Returns 0 or -errno, logged with its mend; then the process must end.
int fog_rights_drop(struct fog_rights *);
void fog_rights_free(struct fog_rights *); // accepts NULL; what is in force stays
