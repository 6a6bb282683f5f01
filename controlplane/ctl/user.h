// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fogctl user: accounts of this host's platform, offline.
#pragma once

int ctl_user(int argc, char **argv);
