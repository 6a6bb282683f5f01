// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The folder of the replay tables changes hands. No DPDK.
#pragma once

#include <stddef.h>
#include <stdint.h>

// Hand a folder with replay tables to the data plane's user: 'dir' is made when it is missing, becomes
// uid:gid with mode 0700, and so do the tables in it that an earlier start left to root (0600).
// Called as root, or as that user, when nothing changes hands. Returns 0, or -errno with a sentence
// that names the mend in 'text': -ENOTDIR (or a link), -EPERM (it or a table belongs to a third user, or
// others may write it), -ENOTEMPTY (it holds other things than replay tables).
int fog_rights_folder(const char *dir, uint32_t uid, uint32_t gid, char *text, size_t text_len);
