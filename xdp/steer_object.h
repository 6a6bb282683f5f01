// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What loader, attachment and filter share. Nobody outside this folder includes it.
#pragma once

#include <stdbool.h>

#include "loader.h"
#include "pin.h"
#include "steer.skel.h"

struct fog_steer {
	struct steer_bpf *skel;
	struct steer_pin pin;
	int link; // -1 = not attached
	int cpus;
	const char *mode; // in use, or tried last
	char refusal[128];
};

// Is this a bpf_link by which some data plane's program sits on an interface?
bool steer_link_is_ours(int link);

// Detach and unpin.
void steer_detach(struct fog_steer *steer);
