// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Link frames that the packet path does not handle itself: they go to the control plane through a
// bounded queue, or end here. Worker thread.
#pragma once

#include "worker.h"

// A handshake message (api/link.h): 'm' holds the whole UDP payload and is the callee's from now on.
// It is checked (MAC1, under load MAC2), then punted, answered with a cookie, or dropped.
void stage_handshake(
        struct fog_worker *, unsigned port, struct rte_mbuf *m, const struct fog_ip *from,
        uint16_t udp_port, uint64_t now
);
// An opened NOTICE: 'm' holds the packet and is the callee's from now on. 'rx_base' names its session.
void stage_notice(struct fog_worker *, struct rte_mbuf *m, uint32_t rx_base);
