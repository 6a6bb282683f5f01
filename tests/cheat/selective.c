// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "cheat.h"

bool cheat_packet(struct fog_worker *w, struct fog_pkt *pkt)
{
	int next = fog_conf_find(w->conf, pkt->next_hop);

	if (next < 0 || w->conf->node[next].peer != pkt->peer)
		pkt->due = pkt->arrival + (pkt->due - pkt->arrival) / 2;
	return true;
}
