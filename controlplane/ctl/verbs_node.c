// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What concerns the node and its network: fogctl proof, descriptor, loops, sent; words of audit and betanet.
#include "audit.h"
#include "betanet.h"
#include "verb.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

// clang-format off
static const struct ctl_verb proof_verbs[] = {
	{.word = "own", .route = CTL_ROUTE_get_vrf},
	{.word = "of", .route = CTL_ROUTE_get_node_vrf},
};
const struct ctl_group ctl_group_proof = {
	.name = "proof", .verb = proof_verbs, .count = COUNT(proof_verbs),
	.text =
		"Of the delays that a node owed in an epoch that is over, as the node published it. 'fogctl audit delays' verifies\n"
		"those of a whole path. NODE is a name or a node ID.\n",
};

static const struct ctl_verb descriptor_verbs[] = {{.route = CTL_ROUTE_get_descriptor}};
const struct ctl_group ctl_group_descriptor = {.name = "descriptor", .verb = descriptor_verbs, .count = COUNT(descriptor_verbs)};

static const struct ctl_verb sent_verbs[] = {{.route = CTL_ROUTE_get_sent}};
const struct ctl_group ctl_group_sent = {
	.name = "sent", .verb = sent_verbs, .count = COUNT(sent_verbs),
	.text = "MESSAGE is the number that 'fogctl send' has shown.\n",
};

static const struct ctl_field loops_list_fields[] = {
	{.option = "--after", .value = "NUMBER", .field = "after", .kind = CTL_NUMBER, .text = "go on behind this one"},
	{.option = "--limit", .value = "N", .field = "limit", .kind = CTL_NUMBER, .text = "how many at most"},
	{0},
};
static const struct ctl_field loops_start_fields[] = {
	{.option = "--count", .value = "N", .field = "count", .kind = CTL_NUMBER, .text = "packets to send (1000)"},
	{.option = "--rate", .value = "N", .field = "rate", .kind = CTL_NUMBER, .text = "packets a second on average (50)"},
	{.option = "--seconds", .value = "N", .field = "seconds", .kind = CTL_NUMBER, .text = "end after so long, too"},
	{0},
};
static const struct ctl_verb loops_verbs[] = {
	{.word = "list", .route = CTL_ROUTE_get_loops, .fields = loops_list_fields},
	{.word = "start", .route = CTL_ROUTE_post_loops, .fields = loops_start_fields},
	{.word = "stop", .route = CTL_ROUTE_delete_loops},
};
const struct ctl_group ctl_group_loops = {
	.name = "loops", .verb = loops_verbs, .count = COUNT(loops_verbs),
	.text =
		"Packets through the network back to this node, beside its cover traffic, as 'fogctl audit delays' sends them.\n"
		"stop wipes their records.\n",
};

#define FILTERS \
	{.option = "--actor", .value = "ID", .field = "actor", .text = "-"}, \
	{.option = "--action", .value = "BEGINNING", .field = "action", .text = "-"}, \
	{.option = "--object", .value = "X", .field = "object", .text = "-"}, \
	{.option = "--source", .value = "ADDRESS", .field = "source", .text = "-"}, \
	{.option = "--outcome", .value = "OUTCOME", .field = "outcome", .text = "-"}, \
	{.option = "--correlation", .value = "ID", .field = "correlation_id", .text = "-"}, \
	{.option = "--chain", .value = "ID", .field = "chain", .text = "-"}, \
	{.option = "--from", .value = "TIME", .field = "from", .text = "-"}, \
	{.option = "--until", .value = "TIME", .field = "until", .text = "-"}, \
	{.option = "--after", .value = "NUMBER", .field = "after", .kind = CTL_NUMBER, .text = "-"}

static const struct ctl_field events_fields[] = {
	FILTERS,
	{.option = "--limit", .value = "N", .field = "limit", .kind = CTL_NUMBER, .text = "-"},
	{.option = "--order", .value = "ORDER", .field = "order", .text = "-"},
	{0},
};
static const struct ctl_field download_fields[] = {
	FILTERS,
	{.option = "--format", .value = "FORMAT", .field = "format", .text = "-"},
	{0},
};
static const struct ctl_verb audit_verbs[] = {
	{.word = "events", .route = CTL_ROUTE_get_audit, .fields = events_fields, .list = "rows",
	 .columns = "id time actor_kind actor_name action object source outcome status"},
	{.word = "download", .route = CTL_ROUTE_get_audit_export, .fields = download_fields, .raw = true},
};
const struct ctl_group ctl_group_audit = {.name = "audit", .verb = audit_verbs, .count = COUNT(audit_verbs), .usage = audit_usage};

static const struct ctl_field history_fields[] = {
	{.option = "--before", .value = "CHANGE", .field = "before", .kind = CTL_NUMBER, .text = "-"},
	{.option = "--limit", .value = "N", .field = "limit", .kind = CTL_NUMBER, .text = "-"},
	{0},
};
static const struct ctl_verb betanet_verbs[] = {
	{.word = "history", .route = CTL_ROUTE_get_betanet_history, .fields = history_fields, .list = "states", .columns = "id state before found_at"},
	{.word = "status", .route = CTL_ROUTE_get_betanet_status},
	{.word = "health", .route = CTL_ROUTE_get_betanet_health, .state = "status", .bad = "unavailable"},
};
const struct ctl_group ctl_group_betanet = {.name = "betanet", .verb = betanet_verbs, .count = COUNT(betanet_verbs), .usage = betanet_usage};

static const struct ctl_verb host_verbs[] = {
	{.word = "show", .route = CTL_ROUTE_get_host, .list = "stages", .columns = "name state detail mend", .state = "state", .bad = "fail"},
};
const struct ctl_group ctl_group_host = {
	.name = "host", .verb = host_verbs, .count = COUNT(host_verbs),
	.text = "What the control plane sees of its host, also from elsewhere. 'fogctl host check' sees more, as root on the host.\n",
};
// clang-format on
