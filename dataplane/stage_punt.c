// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "punt.h"

void stage_handshake(
        struct fog_worker *w, unsigned port, struct rte_mbuf *m, const struct fog_ip *from,
        uint16_t udp_port, uint64_t now
)
{
	fog_worker_drop(w, m, FOG_DROP_HANDSHAKE_RATE);
}

void stage_notice(struct fog_worker *w, struct rte_mbuf *m, uint32_t rx_base)
{
	fog_worker_drop(w, m, FOG_DROP_PUNT_FULL);
}
