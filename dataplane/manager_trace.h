// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The manager's side of tracing (trace.h): begin, hand records to the control plane, end.
#pragma once

#include "manager.h"

// FOG_CMD_TRACE_START or FOG_CMD_CAPTURE_START of the control plane. Answered by FOG_EVT_TRACE_STATE,
// with -errno of a refusal: -EBUSY (there is a trace), -EINVAL (arguments), -EPERM (production), -ENOMEM.
void manager_trace_start(struct fog_manager *, uint32_t type, const struct fog_cmd *);
// End at once and tell the control plane: what is in force from now on allows no tracing, of packets that
// came before neither.
void manager_trace_forbid(struct fog_manager *);
// End at once: who asked for it has gone, or wants no more.
void manager_trace_abort(struct fog_manager *);
// Hand on what is done, and end what is over.
void manager_trace_poll(struct fog_manager *, uint64_t now);
