// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the network waits for: a network that is silent looks like one that has nothing to say.
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "run_private.h"

// When something was last heard through the link, or it was made.
static void waiting_listen(struct runner *r, const struct client_link_status *s, uint64_t now_ms)
{
	uint64_t heard = s->handshakes + s->received;

	if (heard == r->heard)
		return;
	r->heard = heard;
	r->heard_ms = now_ms;
}

static enum run_waits waiting_what(struct runner *r, uint64_t now_ms)
{
	const struct fog_topology *t = client_network_topology(r->network);
	struct client_link_status s;

	if (t == NULL)
		return RUN_WAITS_CONSENSUS;
	if (r->link == NULL || fog_topology_find(t, r->client->gateway) == NULL)
		return RUN_WAITS_GATEWAY;
	s = client_link_status(r->link);
	waiting_listen(r, &s, now_ms);
	// A session that is silent may be one that has gone.
	if (!s.up || now_ms - r->heard_ms >= CLIENT_LINK_STALE_MS) {
		if (r->send_error != 0)
			return RUN_WAITS_ROUTE;
		return s.refusal != FOG_HELLO_ACCEPTED ? RUN_WAITS_CONSENT : RUN_WAITS_ANSWER;
	}
	// -EBUSY: as many are under way as may be.
	return r->ping_left > 0 && r->ping_error < 0 && r->ping_error != -EBUSY ? RUN_WAITS_PATH
	                                                                        : RUN_WAITS_NOT;
}

// "NAME, ADDRESS:PORT"
static void waiting_gateway(const struct runner *r, char text[RUN_GATEWAY_LEN])
{
	const struct fog_topology *t = client_network_topology(r->network);
	const struct fog_topology_node *g = fog_topology_find(t, r->client->gateway);
	char address[INET6_ADDRSTRLEN] = "";
	bool six = g->address.family != 4;

	inet_ntop(six ? AF_INET6 : AF_INET, g->address.addr, address, sizeof(address));
	snprintf(
	        text, RUN_GATEWAY_LEN, six ? "%s, [%s]:%u" : "%s, %s:%u", g->name, address, g->port
	);
}

static void waiting_consensus(const struct runner *r, char *text, size_t len)
{
	unsigned failures;
	const char *trouble = client_network_trouble(r->network, &failures);

	snprintf(
	        text, len, "no consensus yet%s%s", trouble[0] != '\0' ? ": " : "",
	        trouble[0] != '\0' ? trouble : ", the directory is asked"
	);
}

static void waiting_consent(const struct runner *r, const char *gateway, char *text, size_t len)
{
	struct client_link_status s = client_link_status(r->link);

	if (s.refusal == FOG_HELLO_REFUSED_CLOCK)
		snprintf(
		        text, len,
		        "%s refuses our link: its clock and ours are %lld ms apart: set this host's by NTP",
		        gateway, (long long)(s.offset_ms < 0 ? -s.offset_ms : s.offset_ms)
		);
	else if (s.refusal == FOG_HELLO_REFUSED_FULL)
		snprintf(
		        text, len,
		        "%s refuses our link: it has as many clients as it takes: try again later, or a new "
		        "folder with another gateway",
		        gateway
		);
	else
		snprintf(text, len, "%s refuses our link: its log says more", gateway);
}

static void waiting_say(const struct runner *r, char *text, size_t len)
{
	char gateway[RUN_GATEWAY_LEN] = "";

	if (r->waits > RUN_WAITS_GATEWAY)
		waiting_gateway(r, gateway);
	switch (r->waits) {
	case RUN_WAITS_NOT:
		text[0] = '\0';
		break;
	case RUN_WAITS_CONSENSUS:
		waiting_consensus(r, text, len);
		break;
	case RUN_WAITS_GATEWAY:
		snprintf(
		        text, len,
		        "the gateway isn't in the consensus: mail waits until it is again"
		);
		break;
	case RUN_WAITS_ROUTE:
		snprintf(
		        text, len,
		        "nothing can be sent to %s: %s: look at this host's routes and filters",
		        gateway, strerror(r->send_error)
		);
		break;
	case RUN_WAITS_CONSENT:
		waiting_consent(r, gateway, text, len);
		break;
	case RUN_WAITS_ANSWER:
		snprintf(
		        text, len,
		        "no answer from %s: does UDP get through both ways? 'fogctl drops' at the gateway "
		        "says more",
		        gateway
		);
		break;
	case RUN_WAITS_PATH:
		snprintf(
		        text, len, "no path from %s to %s now: %s", gateway, r->ping_node,
		        r->ping_error == -EXDEV
		                ? "the network needs mixes of more operators, families or systems"
		                : "nodes are on paths when 3/16 of their first epoch are over"
		);
		break;
	}
}

void run_waiting(struct runner *r, uint64_t now_ms)
{
	enum run_waits waits = waiting_what(r, now_ms);
	struct fog_client *c = r->client;

	if (waits != r->waits || waits == RUN_WAITS_NOT)
		r->waits_ms = now_ms;
	r->waits = waits;
	c->waiting_ms = now_ms - r->waits_ms;
	waiting_say(r, c->waiting, sizeof(c->waiting));
}
