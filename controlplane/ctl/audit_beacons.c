// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What delays were drawn with: in a network with a directory its consensuses say it.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "consensus.h"

static int beacons_other_network(const char *from)
{
	fprintf(stderr,
	        "fogctl: the consensus of %s is of another network than the node's topology: give a "
	        "consensus and the network file of this network\n",
	        from);
	return CTL_REFUSED;
}

// The node has verified what it keeps, and is believed as its topology is.
static int beacons_of_node(struct ctl_client *c, struct audit *a, uint64_t epoch)
{
	struct fog_consensus *consensus = NULL;
	struct ctl_answer answer;
	char path[64];
	struct ctl_request request = {.method = "GET", .path = path};

	snprintf(path, sizeof(path), "/v1/consensus?raw&epoch=%llu", (unsigned long long)epoch);
	int r = ctl_client_request(c, &request, &answer);
	if (r != CTL_OK)
		return r;
	if (answer.status == 200)
		r = fog_consensus_parse((const uint8_t *)answer.body, answer.len, &consensus);
	ctl_answer_free(&answer);
	if (r < 0 || (consensus != NULL && consensus->epoch != epoch)) {
		fputs("fogctl: what the node has for a consensus can't be read: use the fogctl of the "
		      "node's version\n",
		      stderr);
		r = CTL_REFUSED;
	} else if (consensus != NULL && audit_beacons_take(a, consensus) < 0) {
		r = beacons_other_network("the node");
	}
	fog_consensus_free(consensus);
	return r;
}

static int beacons_of_file(struct audit *a, const char *file, const char *network_file)
{
	struct consensus_document d = {.file = file};
	struct fog_topology *network = NULL;
	uint8_t *data;
	size_t len;
	int r = CTL_REFUSED;

	if (consensus_read_network(network_file, &network) < 0)
		return CTL_REFUSED;
	if (consensus_read_file(file, &data, &len) < 0)
		goto out;
	if (consensus_check(&d, data, len, network) < 0)
		fputs("fogctl: there is no memory for the consensus\n", stderr);
	else if (d.refusal != NULL)
		fprintf(stderr, "fogctl: %s is refused (%s): %s\n", file, d.refusal, d.text);
	else if (d.kind != CONSENSUS_CONSENSUS)
		fprintf(stderr,
		        "fogctl: %s is no consensus: take consensus-EPOCH of a state folder\n",
		        file);
	else if (audit_beacons_take(a, d.consensus) < 0)
		beacons_other_network(file);
	else
		r = CTL_OK;
	free(data);
	consensus_document_free(&d);
out:
	fog_topology_free(network);
	return r;
}

// Whether the network has a directory; one whose consensus is gone has one, too.
static int beacons_kind(struct ctl_client *c, struct audit *a)
{
	struct ctl_request request = {.method = "GET", .path = "/v1/consensus"};
	struct ctl_answer answer;
	int r = ctl_client_request(c, &request, &answer);

	if (r != CTL_OK)
		return r;
	const char *code = json_string_value(json_object_get(answer.json, "code"));
	bool none = answer.status == 404 && code != NULL && strcmp(code, "no_directory") == 0;
	bool some = answer.status == 200 ||
	        (answer.status == 404 && code != NULL && strcmp(code, "no_consensus") == 0);
	a->directory = some;
	if (!none && !some) {
		fprintf(stderr,
		        "fogctl: the node does not say whether its network has a directory (HTTP status "
		        "%ld): use the fogctl of the node's version, with a token that may read\n",
		        answer.status);
		r = CTL_REFUSED;
	}
	ctl_answer_free(&answer);
	return r;
}

static int beacons_said(const struct audit *a)
{
	uint64_t epoch = audit_beacons_missing(a);

	if (epoch == UINT64_MAX)
		return CTL_OK;
	fprintf(stderr,
	        "fogctl: the beacon that delays of epoch %llu were drawn with is not known: the node keeps "
	        "no consensus of epochs %llu to %llu\n"
	        "  give one of them with --consensus and --network (consensus-EPOCH of another node's or "
	        "authority's state folder), or leave that epoch out with --epochs\n",
	        (unsigned long long)epoch, (unsigned long long)(epoch > 0 ? epoch - 1 : 0),
	        (unsigned long long)epoch + 1);
	return CTL_REFUSED;
}

int audit_beacons(struct ctl_client *c, struct audit *a, const char *file, const char *network)
{
	int r = beacons_kind(c, a);

	if (r == CTL_OK && !a->directory && file != NULL) {
		fputs("fogctl: --consensus: this network has no directory, its file lists the nodes\n",
		      stderr);
		r = CTL_REFUSED;
	}
	if (r == CTL_OK && !a->directory)
		audit_beacons_static(a);
	if (r == CTL_OK && file != NULL)
		r = beacons_of_file(a, file, network);
	for (unsigned i = 0; r == CTL_OK && a->directory && i < a->epoch_count; i++) {
		uint64_t epoch = a->epoch[i];
		for (unsigned k = 0; r == CTL_OK && !a->beacon[i].known && k < 3; k++)
			if (epoch + k > 0)
				r = beacons_of_node(c, a, epoch + k - 1);
	}
	return r == CTL_OK ? beacons_said(a) : r;
}
