// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Descriptors as they come: each is judged beside those that are here, the newest one of a node is kept.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agreement_form.h"

enum { KEEP_EPOCHS = 2 };

static int node_find(const struct fog_agreement *a, const uint8_t *id)
{
	for (unsigned i = 0; i < a->node_count; i++)
		if (memcmp(a->node[i]->descriptor.node_id, id, FOG_ID_LEN) == 0)
			return (int)i;
	return -1;
}

static bool node_incumbent(const struct fog_agreement *a, uint64_t epoch, const uint8_t *id)
{
	const struct fog_consensus *c = agreement_previous(a, epoch + 1);

	return c != NULL && fog_consensus_find(c, id) != NULL;
}

// A place for a node of the previous consensus is made at the cost of one that isn't in it.
static int node_place(struct fog_agreement *a, uint64_t epoch, const uint8_t *id)
{
	int at = node_find(a, id);

	if (at >= 0)
		return at;
	if (a->node_count < FOG_NODES_MAX) {
		struct agreement_node *n = calloc(1, sizeof(*n));
		if (n == NULL)
			return -ENOMEM;
		a->node[a->node_count] = n;
		return (int)a->node_count++;
	}
	if (!node_incumbent(a, epoch, id))
		return -ENOSPC;
	for (unsigned i = 0; i < a->node_count; i++)
		if (!node_incumbent(a, epoch, a->node[i]->descriptor.node_id))
			return (int)i;
	return -ENOSPC;
}

static enum fog_refusal node_judge(
        const struct fog_agreement *a, uint64_t epoch, const uint8_t *data, size_t len,
        uint64_t now_ns, char *text
)
{
	const struct fog_descriptor *known[FOG_NODES_MAX];

	for (unsigned i = 0; i < a->node_count; i++)
		known[i] = &a->node[i]->descriptor;
	return fog_descriptor_judge(
	        a->p.network, agreement_previous(a, epoch + 1), epoch + 1, data, len, known,
	        a->node_count, now_ns / 1000000, text
	);
}

int fog_agreement_descriptor(
        struct fog_agreement *a, const uint8_t *data, size_t len, uint64_t now_ns, char *text
)
{
	uint64_t epoch = agreement_time(a, now_ns).epoch;
	enum fog_refusal r = node_judge(a, epoch, data, len, now_ns, text);
	struct fog_descriptor d;

	if (r != FOG_REFUSAL_NONE && r != FOG_REFUSAL_WITHDRAWN)
		return (int)r;
	if (fog_descriptor_parse(data, len, &d) < 0)
		return FOG_REFUSAL_MALFORMED;
	if (a->p.ops->denies(a->p.ctx, d.node_id)) {
		snprintf(
		        text, FOG_JUDGE_TEXT_LEN, "%s: ask the operator of '%s'",
		        fog_refusal_text(FOG_REFUSAL_DENIED),
		        a->p.network->authority[a->p.self].name
		);
		return FOG_REFUSAL_DENIED;
	}
	int at = node_place(a, epoch, d.node_id);
	if (at == -ENOSPC) {
		snprintf(text, FOG_JUDGE_TEXT_LEN, "%s", fog_refusal_text(FOG_REFUSAL_FULL));
		return FOG_REFUSAL_FULL;
	}
	if (at < 0)
		return at;
	a->node[at]->descriptor = d;
	a->node[at]->len = (uint32_t)len;
	memcpy(a->node[at]->data, data, len);
	text[0] = '\0';
	return FOG_REFUSAL_NONE;
}

void descriptors_prune(struct fog_agreement *a, uint64_t now_ns)
{
	uint64_t keep_ms = KEEP_EPOCHS * UINT64_C(1000) * a->p.network->epoch_s;

	for (unsigned i = a->node_count; i-- > 0;) {
		struct agreement_node *n = a->node[i];
		if (n->descriptor.time_ms + keep_ms >= now_ns / 1000000 &&
		    !a->p.ops->denies(a->p.ctx, n->descriptor.node_id))
			continue;
		a->node[i] = a->node[--a->node_count];
		free(n);
	}
}
