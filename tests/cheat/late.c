// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "cheat.h"

enum { ONE_OF = 5, LEAST_US = 50000, MOST_US = 100000 };

bool cheat_packet(struct fog_worker *w, struct fog_pkt *pkt)
{
	if (cheat_random() % ONE_OF == 0)
		pkt->due += cheat_cycles(w, LEAST_US + cheat_random() % (MOST_US - LEAST_US));
	return true;
}
