// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Pings: echo packets of one node, while the network runs.
#include <errno.h>
#include <string.h>

#include "run_private.h"

int run_ping_whom(struct runner *r)
{
	const struct fog_topology_node *node = client_network_node(r->network, r->ping_node);

	if (node == NULL || node->role == FOG_ROLE_MIX)
		return client_fail(
		        r->client, -ENOENT, "the network has no gateway or service %s", r->ping_node
		);
	memcpy(r->ping_id, node->id, sizeof(r->ping_id));
	return 0;
}

void run_ping(struct runner *r)
{
	r->ping_error = courier_ping(r->courier, r->ping_id, run_unix_us(r));
	if (r->ping_error == 0) {
		r->ping_left--;
		r->pings->sent++;
	}
}

void run_pongs(struct runner *r)
{
	struct fog_client_ping *p = r->pings;
	struct courier_pong pong;

	courier_pongs(r->courier, run_unix_us(r), &pong);
	p->lost += pong.lost;
	for (unsigned i = 0; i < pong.back; i++) {
		double ms = (double)pong.time_us[i] / 1000;
		p->min_ms = p->returned == 0 || ms < p->min_ms ? ms : p->min_ms;
		p->max_ms = ms > p->max_ms ? ms : p->max_ms;
		p->mean_ms += (ms - p->mean_ms) / ++p->returned;
	}
}

int fog_client_ping(
        struct fog_client *c, const char *node, unsigned count, fog_client_until *until, void *ctx,
        struct fog_client_ping *out
)
{
	struct runner r = {
	        .ping_node = node,
	        .ping_left = count,
	        .ping = {.mean_us = 1000000},
	        .pings = out,
	};

	memset(out, 0, sizeof(*out));
	return run_network(&r, c, -1, until, ctx);
}
