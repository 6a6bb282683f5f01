// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What loops say before any node is looked at.
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"

enum { USUAL_MIN = 5 }; // loops of one path that tell what is usual there

#define SELF UINT32_MAX // the auditor's node, where every loop begins and ends

static int compare_departures(const void *a, const void *b, void *loops)
{
	const struct fog_judge_loop *loop = loops;
	const uint32_t *i = a, *k = b;

	if (loop[*i].departure_us != loop[*k].departure_us)
		return loop[*i].departure_us > loop[*k].departure_us ? 1 : -1;
	return (*i > *k) - (*i < *k);
}

static int compare_paths(const void *a, const void *b, void *loops)
{
	const struct fog_judge_loop *l = loops;
	const struct fog_judge_loop *x = &l[*(const uint32_t *)a], *y = &l[*(const uint32_t *)b];

	if (x->hops != y->hops)
		return x->hops > y->hops ? 1 : -1;
	for (unsigned i = 0; i < x->hops; i++)
		if (x->hop[i].node != y->hop[i].node)
			return x->hop[i].node > y->hop[i].node ? 1 : -1;
	return 0;
}

static int loop_check(const struct judge *j, const struct fog_judge_loop *loop)
{
	if (loop->hops == 0 || loop->hops > FOG_JUDGE_HOPS_MAX)
		return -EINVAL;
	for (unsigned i = 0; i < loop->hops; i++) {
		if (loop->hop[i].node >= j->nodes)
			return -EINVAL;
		for (unsigned k = 0; k < i; k++)
			if (loop->hop[k].node == loop->hop[i].node)
				return -EINVAL;
	}
	return 0;
}

// A calendar keeps every packet for a tick at least.
static double owed_of(const struct judge *j, const struct fog_judge_hop *hop)
{
	return fmax((double)hop->owed_us, j->rules->tick_us);
}

// A node that gets a packet from where it has to send it can tell that this is no usual packet, so how
// it treats it says nothing. Such a loop isn't like the others for the other nodes either.
static bool bounces(struct judge *j, const struct fog_judge_loop *loop)
{
	bool any = false;

	for (unsigned i = 0; i < loop->hops; i++) {
		uint32_t before = i > 0 ? loop->hop[i - 1].node : SELF;
		uint32_t after = i + 1 < loop->hops ? loop->hop[i + 1].node : SELF;
		if (before != after)
			continue;
		j->report->verdict[loop->hop[i].node].bounced++;
		any = true;
	}
	return any;
}

static void outcome_of(const struct judge *j, uint32_t i)
{
	const struct fog_judge_loop *loop = &j->loop[i];
	struct judge_outcome *o = &j->outcome[i];

	o->lost = loop->lost;
	if (loop->lost)
		return;
	o->residual = (double)loop->transit_us;
	for (unsigned k = 0; k < loop->hops; k++)
		o->residual -= owed_of(j, &loop->hop[k]);
	o->early = o->residual < -(double)(j->rules->tick_us + j->rules->slack_us);
}

static double residuals_median(struct judge *j, const uint32_t *loop, size_t n, size_t *arrived)
{
	*arrived = 0;
	for (size_t i = 0; i < n; i++)
		if (!j->outcome[loop[i]].lost)
			j->x[(*arrived)++] = j->outcome[loop[i]].residual;
	return *arrived > 0 ? stat_median(j->x, *arrived) : 0;
}

// Distance and the slowness of machines differ between paths, and nobody is to blame for them.
static void extras(struct judge *j)
{
	size_t arrived, next;
	double all = residuals_median(j, j->order, j->used, &arrived);

	qsort_r(j->order, j->used, sizeof(*j->order), compare_paths, (void *)j->loop);
	for (size_t i = 0; i < j->used; i = next) {
		for (next = i + 1; next < j->used &&
		     compare_paths(&j->order[i], &j->order[next], (void *)j->loop) == 0;
		     next++)
			;
		double usual = residuals_median(j, &j->order[i], next - i, &arrived);
		if (arrived < USUAL_MIN)
			usual = all;
		for (size_t k = i; k < next; k++) {
			struct judge_outcome *o = &j->outcome[j->order[k]];
			o->extra = o->residual - usual;
			o->usual = arrived >= USUAL_MIN;
		}
	}
}

static int passages(struct judge *j)
{
	size_t total = 0;

	for (size_t i = 0; i < j->used; i++)
		total += j->loop[j->order[i]].hops;
	j->first = calloc(j->nodes + 2, sizeof(*j->first));
	j->passage = calloc(total + 1, sizeof(*j->passage));
	if (j->first == NULL || j->passage == NULL)
		return -ENOMEM;
	// first[node + 2] counts; then first[node + 1] is where the node's next passage goes.
	for (size_t i = 0; i < j->used; i++)
		for (unsigned k = 0; k < j->loop[j->order[i]].hops; k++)
			j->first[j->loop[j->order[i]].hop[k].node + 2]++;
	for (unsigned i = 2; i < j->nodes + 2; i++)
		j->first[i] += j->first[i - 1];
	for (size_t i = 0; i < j->used; i++) {
		const struct fog_judge_loop *loop = &j->loop[j->order[i]];
		for (unsigned k = 0; k < loop->hops; k++)
			j->passage[j->first[loop->hop[k].node + 1]++] = (struct judge_passage
			){.loop = j->order[i], .owed = owed_of(j, &loop->hop[k])};
	}
	return 0;
}

static void totals(struct judge *j, uint32_t loop)
{
	const struct judge_outcome *o = &j->outcome[loop];
	struct fog_judge_report *report = j->report;

	if (!o->lost && (report->loops == report->lost || o->residual < report->least_residual_us))
		report->least_residual_us = o->residual;
	report->loops++;
	report->lost += o->lost;
	report->early += o->early;
}

int judge_prepare(struct judge *j)
{
	for (size_t i = 0; i < j->count; i++) {
		if (loop_check(j, &j->loop[i]) < 0)
			return -EINVAL;
		outcome_of(j, (uint32_t)i);
		totals(j, (uint32_t)i);
		if (!bounces(j, &j->loop[i]))
			j->order[j->used++] = (uint32_t)i;
	}
	qsort_r(j->order, j->used, sizeof(*j->order), compare_departures, (void *)j->loop);
	int ret = passages(j);
	if (ret == 0)
		extras(j);
	return ret;
}
