// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The manager's word for all of the process towards the service manager: ready when every worker
// runs, alive while every worker moves, and a sentence about what state that is. Manager thread only.
#pragma once

#include "manager.h"

// Say what has to be said; part of the housekeeping.
void manager_notify(struct fog_manager *, uint64_t now);
