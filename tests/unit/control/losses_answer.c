// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Answers losses_check.py. Reads lines "loop EPOCH LOST NODE NODE ..." (nodes are numbers) and
// "judge EPOCH" from stdin; a judge writes "alert EPOCH NODE BEGAN SENT LOST LOSS P" for each alert,
// the end "link FROM TO SENT LOST LOSS" for each link (node 0: we).
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../controlplane/mixnet/losses.h"

static void node_id(unsigned number, uint8_t id[FOG_ID_LEN])
{
	memset(id, 0, FOG_ID_LEN);
	memcpy(id, &number, sizeof(number));
}

static unsigned node_number(const uint8_t id[FOG_ID_LEN])
{
	unsigned number;

	memcpy(&number, id, sizeof(number));
	return number;
}

static void answer_loop(struct fog_losses *l, char *line)
{
	uint8_t hop[FOG_SPHINX_SLOTS_MAX][FOG_ID_LEN];
	uint64_t epoch = strtoull(line + 4, &line, 10);
	bool lost = strtoul(line, &line, 10) != 0;
	unsigned hops = 0;

	while (*line == ' ' && hops < FOG_SPHINX_SLOTS_MAX)
		node_id((unsigned)strtoul(line, &line, 10), hop[hops++]);
	fog_losses_add(l, epoch, hop, hops, lost);
}

static void answer_judge(struct fog_losses *l, uint64_t epoch)
{
	struct fog_losses_alert alert[64];
	unsigned n = fog_losses_judge(l, epoch, alert, 64);

	for (unsigned i = 0; i < n && i < 64; i++)
		printf("alert %llu %u %llu %llu %llu %.17g %.17g\n", (unsigned long long)epoch,
		       node_number(alert[i].node), (unsigned long long)alert[i].epoch,
		       (unsigned long long)alert[i].sent, (unsigned long long)alert[i].lost,
		       alert[i].loss, alert[i].p);
}

static void answer_links(struct fog_losses *l)
{
	static struct fog_losses_link link[1 << 16];
	unsigned n = fog_losses_links(l, link, sizeof(link) / sizeof(link[0]));

	for (unsigned i = 0; i < n && i < sizeof(link) / sizeof(link[0]); i++)
		printf("link %u %u %llu %llu %.17g\n", node_number(link[i].from),
		       node_number(link[i].to), (unsigned long long)link[i].sent,
		       (unsigned long long)link[i].lost, link[i].loss);
}

int main(void)
{
	struct fog_losses *l;
	char line[512];

	if (fog_losses_create(&l) < 0)
		return 1;
	while (fgets(line, sizeof(line), stdin) != NULL) {
		if (strncmp(line, "loop", 4) == 0)
			answer_loop(l, line);
		else
			answer_judge(l, strtoull(line + 5, NULL, 10));
	}
	answer_links(l);
	fog_losses_destroy(l);
	return 0;
}
