// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fogctl consensus verify: files against the network file and each other, without a node.
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../http/routes/view_value.h"
#include "consensus.h"
#include "table.h"

struct verify {
	struct fog_topology *network;
	const char *previous, *epoch;
	uint64_t wanted; // epoch, when 'epoch' is given
	size_t count; // of documents; the previous one is the last
	struct consensus_document *document;
};

static int verify_read(struct verify *v, size_t i, const char *path)
{
	uint8_t *data;
	size_t len;

	v->document[i].file = path;
	if (consensus_read_file(path, &data, &len) < 0)
		return CTL_REFUSED;
	int r = consensus_check(&v->document[i], data, len, v->network);
	free(data);
	if (r < 0)
		fprintf(stderr, "fogctl: %s: %s: verify fewer files at once\n", path, strerror(-r));
	return r < 0 ? CTL_REFUSED : CTL_OK;
}

// 0: good for the epoch that is asked for.
static void verify_epoch(const struct verify *v, struct consensus_document *d)
{
	const struct fog_consensus *c = d->consensus;

	if (v->epoch == NULL || d->kind != CONSENSUS_CONSENSUS || d->refusal != NULL)
		return;
	enum fog_refusal why = v->wanted < c->epoch ? FOG_REFUSAL_EPOCH
	        : v->wanted >= c->until             ? FOG_REFUSAL_EXPIRED
	                                            : FOG_REFUSAL_NONE;
	if (why == FOG_REFUSAL_NONE)
		return;
	d->refusal = fog_refusal_label(why);
	snprintf(
	        d->text, sizeof(d->text),
	        "it is good for epochs %" PRIu64 " to %" PRIu64 ", not for %" PRIu64, c->epoch,
	        c->until - 1, v->wanted
	);
}

// What the files say of each other. One that is given to be the previous one must be it.
static void verify_together(struct verify *v)
{
	size_t files = v->count - (v->previous != NULL);

	for (size_t i = 0; i < v->count; i++)
		for (size_t k = i + 1; k < v->count; k++)
			consensus_check_twins(&v->document[i], &v->document[k], v->network);
	for (size_t i = 0; i < files; i++) {
		for (size_t k = 0; k < v->count; k++)
			if (k != i)
				consensus_check_previous(
				        &v->document[i], &v->document[k],
				        v->previous != NULL && k == files
				);
		verify_epoch(v, &v->document[i]);
	}
}

static json_t *verify_signed(const struct fog_consensus *c, const struct fog_topology *network)
{
	json_t *list = json_array();

	for (unsigned a = 0; a < network->authority_count; a++)
		if (c->signers >> a & 1)
			json_array_append_new(list, json_string(network->authority[a].name));
	return list;
}

static const char *verify_name(const struct fog_topology *network, const uint8_t identity[32])
{
	for (unsigned a = 0; a < network->authority_count; a++)
		if (memcmp(network->authority[a].identity, identity, 32) == 0)
			return network->authority[a].name;
	return "?";
}

static json_t *verify_proofs(const struct consensus_document *d, const struct fog_topology *network)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < d->proof_count; i++) {
		const struct fog_equivocation *e = &d->proof[i];
		json_array_append_new(
		        list,
		        json_pack(
		                "{s:s s:o s:s s:I s:[o o]}", "authority",
		                verify_name(network, e->identity), "identity_key",
		                view_hex(e->identity, 32), "of",
		                e->kind == FOG_STATEMENT_VOTE ? "votes" : "consensuses", "epoch",
		                (json_int_t)e->epoch, "digests", view_hex(e->said[0].digest, 32),
		                view_hex(e->said[1].digest, 32)
		        )
		);
	}
	return list;
}

static json_t *verify_json(const struct consensus_document *d, const struct fog_topology *network)
{
	static const char *const kinds[] = {
	        [CONSENSUS_UNKNOWN] = "unknown",
	        [CONSENSUS_CONSENSUS] = "consensus",
	        [CONSENSUS_PROOFS] = "equivocation",
	};
	const struct fog_consensus *c = d->consensus;
	json_t *o = json_pack(
	        "{s:s s:s s:b s:s? s:s?}", "file", d->file, "kind", kinds[d->kind], "ok",
	        d->refusal == NULL, "refusal", d->refusal, "text",
	        d->refusal != NULL ? d->text : NULL
	);

	// Of what is refused only that is told which can't mislead.
	if (c != NULL && d->refusal == NULL)
		json_object_update_new(
		        o,
		        json_pack(
		                "{s:I s:I s:I s:o s:o s:i s:i s:s?}", "epoch", (json_int_t)c->epoch,
		                "until", (json_int_t)c->until, "previous_epoch",
		                (json_int_t)c->previous_epoch, "digest", view_hex(c->digest, 32),
		                "signed_by", verify_signed(c, network), "threshold",
		                (int)c->threshold, "nodes", (int)c->node_count, "made_from",
		                d->made_from
		        )
		);
	if (d->kind == CONSENSUS_PROOFS && d->refusal == NULL)
		json_object_set_new(o, "proofs", verify_proofs(d, network));
	return o;
}

static void verify_say_consensus(const json_t *o)
{
	const json_t *by = json_object_get(o, "signed_by");

	printf("consensus of epoch %lld, good until the end of epoch %lld\n  signed by  ",
	       (long long)json_integer_value(json_object_get(o, "epoch")),
	       (long long)json_integer_value(json_object_get(o, "until")) - 1);
	for (size_t i = 0; i < json_array_size(by); i++)
		printf("%s%s", i > 0 ? ", " : "", json_string_value(json_array_get(by, i)));
	printf(" (%lld are needed)\n",
	       (long long)json_integer_value(json_object_get(o, "threshold")));
	printf("  nodes      %lld, each described by itself\n",
	       (long long)json_integer_value(json_object_get(o, "nodes")));
	if (json_is_string(json_object_get(o, "made_from")))
		printf("  made from  %s\n", json_string_value(json_object_get(o, "made_from")));
	else
		printf("  made from  the consensus of epoch %lld, which was not given\n",
		       (long long)json_integer_value(json_object_get(o, "previous_epoch")));
	printf("  digest     %s\n", json_string_value(json_object_get(o, "digest")));
}

static void verify_say_proofs(const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *e = json_array_get(list, i), *said = json_object_get(e, "digests");
		printf("%sauthority %s has signed two different %s of epoch %lld: it lies, tell the "
		       "others\n  identity   %s\n  digests    %s\n             %s\n",
		       i > 0 ? "  and " : "proof: ",
		       json_string_value(json_object_get(e, "authority")),
		       json_string_value(json_object_get(e, "of")),
		       (long long)json_integer_value(json_object_get(e, "epoch")),
		       json_string_value(json_object_get(e, "identity_key")),
		       json_string_value(json_array_get(said, 0)),
		       json_string_value(json_array_get(said, 1)));
	}
}

static void verify_say(const json_t *o)
{
	const char *file = json_string_value(json_object_get(o, "file"));
	const char *refusal = json_string_value(json_object_get(o, "refusal"));

	ctl_print_safe(stdout, file != NULL ? file : "?", file != NULL ? strlen(file) : 1);
	if (refusal != NULL)
		printf(": REFUSED (%s): %s\n", refusal,
		       json_string_value(json_object_get(o, "text")));
	else
		fputs(": ", stdout);
	if (refusal == NULL && json_object_get(o, "proofs") != NULL)
		verify_say_proofs(json_object_get(o, "proofs"));
	else if (refusal == NULL)
		verify_say_consensus(o);
}

// Returns CTL_OK when everything holds.
static int verify_print(const struct verify *v, bool json)
{
	json_t *all = json_array();
	int r = CTL_OK;

	for (size_t i = 0; i < v->count; i++) {
		json_t *o = verify_json(&v->document[i], v->network);
		if (v->document[i].refusal != NULL || o == NULL)
			r = CTL_REFUSED;
		if (!json)
			verify_say(o);
		json_array_append_new(all, o);
	}
	if (json) {
		json_dumpf(all, stdout, JSON_INDENT(2));
		puts("");
	}
	json_decref(all);
	return r;
}

static int verify_run(struct verify *v, const char *network, char **files, bool json)
{
	int r = CTL_OK;

	v->document = calloc(v->count, sizeof(v->document[0]));
	if (v->document == NULL || consensus_read_network(network, &v->network) < 0)
		return CTL_REFUSED;
	for (size_t i = 0; i < v->count && r == CTL_OK; i++)
		r = verify_read(
		        v, i, v->previous != NULL && i + 1 == v->count ? v->previous : files[i]
		);
	if (r != CTL_OK)
		return r;
	verify_together(v);
	return verify_print(v, json);
}

int consensus_verify(int argc, char **argv, const char *usage)
{
	const char *network = NULL;
	struct verify v = {0};
	const struct ctl_option own[] = {
	        {"--network", &network, NULL},
	        {"--previous", &v.previous, NULL},
	        {"--epoch", &v.epoch, NULL},
	        {0},
	};
	struct ctl_client c;
	char *end = NULL;
	int r = ctl_client_options(&c, &argc, argv, own, usage);

	if (r != CTL_OK)
		return r < 0 ? CTL_OK : r;
	errno = 0;
	if (v.epoch != NULL)
		v.wanted = strtoull(v.epoch, &end, 10);
	bool number = v.epoch == NULL ||
	        (v.epoch[0] >= '0' && v.epoch[0] <= '9' && *end == '\0' && errno == 0);
	if (argc < 2 || network == NULL || !number || (v.previous != NULL && argc > 2)) {
		fputs(usage, stderr);
		return CTL_USAGE;
	}
	v.count = (size_t)argc - 1 + (v.previous != NULL);
	r = verify_run(&v, network, argv + 1, c.json);
	for (size_t i = 0; v.document != NULL && i < v.count; i++)
		consensus_document_free(&v.document[i]);
	free(v.document);
	fog_topology_free(v.network);
	return r;
}
