// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What an audit says: for people, and as JSON.
#include <stdio.h>
#include <string.h>

#include "audit.h"
#include "table.h"

// What becomes of a node: its proofs come first, for without them nothing can be judged.
struct outcome {
	const char *name;
	enum audit_result result;
};

static struct outcome node_outcome(const struct audit_node *node, const struct fog_judge_verdict *v)
{
	if (node->bad > 0)
		return (struct outcome){"bad_proof", AUDIT_CHEATING};
	if (fog_judge_blames(v->kind))
		return (struct outcome){fog_judge_kind_name(v->kind), AUDIT_CHEATING};
	if (node->missing > 0)
		return (struct outcome){"no_proof", AUDIT_UNDECIDED};
	return (struct outcome
	){fog_judge_kind_name(v->kind),
	  v->kind == FOG_JUDGE_HONEST ? AUDIT_HONEST : AUDIT_UNDECIDED};
}

// Whoever cheats outweighs who can't be judged.
static enum audit_result audit_result_of(const struct audit *a, const struct fog_judge_report *r)
{
	bool cheating = false, undecided = false;
	unsigned judged = 0;

	for (unsigned i = 0; i < a->node_count; i++) {
		if (a->node[i].layer == 0 || a->node[i].self)
			continue;
		enum audit_result e = node_outcome(&a->node[i], &r->verdict[i]).result;
		cheating |= e == AUDIT_CHEATING;
		undecided |= e == AUDIT_UNDECIDED;
		judged++;
	}
	// Somebody gave less than he owed even if nobody can be named for it.
	if (cheating || r->early_unexplained > 0)
		return AUDIT_CHEATING;
	return undecided || judged == 0 ? AUDIT_UNDECIDED : AUDIT_HONEST;
}

static void print_number(struct ctl_table *t, const char *format, double value, bool known)
{
	char text[64];

	snprintf(text, sizeof(text), format, value);
	ctl_table_text(t, known ? text : NULL);
}

static void print_table(const struct audit *a, const struct fog_judge_report *r)
{
	struct ctl_table *t =
	        ctl_table_new("node|layer|loops|lost|owed ms|given ms|slope|p if honest|verdict");

	for (unsigned i = 0; i < a->node_count; i++) {
		const struct audit_node *node = &a->node[i];
		const struct fog_judge_verdict *v = &r->verdict[i];
		if (node->layer == 0 || node->self)
			continue;
		ctl_table_text(t, node->name);
		print_number(t, "%.0f", node->layer, true);
		print_number(t, "%.0f", v->loops, true);
		print_number(t, "%.0f", v->lost, true);
		print_number(t, "%.3f", v->owed_us / 1e3, v->loops > v->lost);
		print_number(t, "%.3f", v->given_us / 1e3, v->loops > v->lost);
		print_number(t, "%.3f", v->slope, v->loops > v->lost);
		print_number(t, "%.2g", v->p, v->loops > 0);
		ctl_table_text(t, node_outcome(node, v).name);
	}
	ctl_table_print(t, stdout);
}

static void print_evidence(const struct audit *a, const struct fog_judge_report *r)
{
	for (unsigned i = 0; i < a->node_count; i++) {
		const struct audit_node *node = &a->node[i];
		const struct fog_judge_verdict *v = &r->verdict[i];
		if (node->layer == 0 || node->self)
			continue;
		if (node->bad > 0)
			printf("%s: its proof of %u of %u epochs is none by the VRF key that the topology "
			       "names: have its operator correct the topology, or stop using the node\n",
			       node->name, node->bad, a->epoch_count);
		if (node->missing > 0)
			printf("%s: no proof of %u of %u epochs has come: see fogctl links, and judge the "
			       "same loops later by --again\n",
			       node->name, node->missing, a->epoch_count);
		if (v->kind != FOG_JUDGE_HONEST && v->words[0] != '\0')
			printf("%s: %s\n", node->name, v->words);
	}
}

static void print_skipped(const struct audit *a)
{
	if (a->early > 0)
		printf("%u loops not judged: a VRF key on their path did not count yet in their epoch, "
		       "which takes two epochs from its announcement: send loops again later\n",
		       a->early);
	if (a->unproved > 0)
		printf("%u loops not judged: a node of their path has no valid proof\n",
		       a->unproved);
	if (a->other_epoch > 0)
		printf("%u loops not judged: of other epochs\n", a->other_epoch);
	if (a->unknown > 0)
		printf("%u loops not judged: our own data plane was away meanwhile\n", a->unknown);
}

enum audit_result audit_print(const struct audit *a, const struct fog_judge_report *r, size_t used)
{
	static const char *const words[] = {
	        "all nodes delay as they owe",
	        "somebody cheats",
	        "not enough is known for a verdict on every node",
	};
	enum audit_result e = audit_result_of(a, r);

	printf("%zu loops judged, %u lost; epochs", used, r->lost);
	if (a->epoch_count > 0)
		printf(" %llu to %llu\n", (unsigned long long)a->epoch[0],
		       (unsigned long long)a->epoch[a->epoch_count - 1]);
	else
		printf(": none\n");
	print_table(a, r);
	print_evidence(a, r);
	print_skipped(a);
	if (r->early_unexplained > 0)
		printf("%u loops arrived before they could have, through nodes that can't be told "
		       "apart: send more loops\n",
		       r->early_unexplained);
	printf("%s\n", words[e]);
	return e;
}

static json_t *json_node(const struct audit_node *node, const struct fog_judge_verdict *v)
{
	struct outcome o = node_outcome(node, v);

	return json_pack(
	        "{s:s s:s s:i s:s s:b s:f s:i s:i s:i s:i s:f s:f s:f s:f s:f s:f s:i s:i s:s}",
	        "name", node->name, "node_id", node->id, "layer", (int)node->layer, "verdict",
	        o.name, "cheats", o.result == AUDIT_CHEATING, "p", v->p, "loops", (int)v->loops,
	        "lost", (int)v->lost, "early", (int)v->early, "bounced", (int)v->bounced, "owed_us",
	        v->owed_us, "given_us", v->given_us, "slope", v->slope, "late_share", v->late_share,
	        "late_share_others", v->late_share_others, "lost_rank", v->lost_rank,
	        "epochs_without_proof", (int)node->missing, "epochs_with_bad_proof", (int)node->bad,
	        "evidence", v->words
	);
}

enum audit_result audit_print_json(
        const struct audit *a, const struct fog_judge_report *r, size_t used
)
{
	static const char *const words[] = {"honest", "cheating", "undecided"};
	enum audit_result e = audit_result_of(a, r);
	json_t *nodes = json_array(), *epochs = json_array();

	for (unsigned i = 0; i < a->epoch_count; i++)
		json_array_append_new(epochs, json_integer((json_int_t)a->epoch[i]));
	for (unsigned i = 0; i < a->node_count; i++) {
		if (a->node[i].layer > 0 && !a->node[i].self)
			json_array_append_new(nodes, json_node(&a->node[i], &r->verdict[i]));
	}
	json_t *out = json_pack(
	        "{s:s s:o s:i s:i s:i s:i s:f s:{s:i s:i s:i s:i} s:o}", "result", words[e],
	        "epochs", epochs, "loops", (int)used, "lost", (int)r->lost, "early", (int)r->early,
	        "early_unexplained", (int)r->early_unexplained, "least_residual_us",
	        r->least_residual_us, "not_judged", "key_too_young", (int)a->early, "no_proof",
	        (int)a->unproved, "other_epoch", (int)a->other_epoch, "unknown", (int)a->unknown,
	        "nodes", nodes
	);
	json_dumpf(out, stdout, JSON_COMPACT);
	puts("");
	json_decref(out);
	return e;
}
