// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Configuration text: the first byte says which part is foreign, the file, the topology or both
// (split at a line "%%"). What load and check accept must compile to a blob that the data plane
// accepts, and twice to the same bytes; what they refuse must come with a finding.
#include <stdlib.h>
#include <string.h>

#include "../../controlplane/config/config.h"
#include "../../controlplane/mixnet/topology.h"
#include "../../dataplane/blob_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char good_config[] =
        "instance: n1\nuser: \"4321\"\ndataplane_user: \"4322\"\nworkers: {cpus: [0, 1]}\n"
        "ports: [{name: p, driver: loop, device: d, addresses: [192.0.2.1]}]\n";
static const char good_topology[] =
        "network: {name: a, links: none}\n"
        "nodes: [{name: g, id: 1111111111111111111111111111111111111111111111111111111111111111,\n"
        "mix_key: 2111111111111111111111111111111111111111111111111111111111111111,\n"
        "address: 192.0.2.1, role: gateway}]\n";

static void compiled(const struct fog_config *c, const struct fog_topology *t)
{
	static const uint8_t node_id[FOG_ID_LEN];
	static struct fog_report report;
	struct fog_blob *a = NULL, *b = NULL;
	size_t len_a, len_b;
	char why[256];

	if (!c->user_found || !c->data_user_found)
		return;
	if (fog_config_compile(c, t, node_id, 1, &a, &len_a, &report) < 0 ||
	    fog_config_compile(c, t, node_id, 1, &b, &len_b, &report) < 0)
		abort();
	if (len_a != len_b || memcmp(a, b, len_a) != 0)
		abort();
	if (fog_blob_check(a, len_a, why, sizeof(why)) < 0)
		abort();
	free(a);
	free(b);
}

// Refused with a finding, or accepted without; and the text is as long as it says.
static void reported(int ret, const struct fog_report *r)
{
	if ((ret == -22) != (r->errors > 0) || strlen(r->text) != r->len)
		abort();
}

static void run(const char *config, size_t config_len, const char *topology, size_t topology_len)
{
	static struct fog_report report;
	struct fog_config *c = NULL;
	struct fog_topology *t = NULL;
	char plan[2048];
	struct fog_plan p;

	memset(&report, 0, sizeof(report));
	reported(fog_config_load_text("c", config, config_len, &c, &report), &report);
	memset(&report, 0, sizeof(report));
	reported(fog_topology_load_text("t", topology, topology_len, &t, &report), &report);
	memset(&report, 0, sizeof(report));
	if (c != NULL) {
		int ret = fog_config_check(c, t, NULL, &report);
		reported(ret, &report);
		fog_config_plan(c, t, NULL, &p);
		fog_config_plan_print(c, t, NULL, &p, plan, sizeof(plan));
		if (ret == 0 && t != NULL)
			compiled(c, t);
	}
	fog_config_free(c);
	fog_topology_free(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 1, *cut;

	if (size == 0)
		return 0;
	if (data[0] == 'c') {
		run(text, size - 1, good_topology, strlen(good_topology));
	} else if (data[0] == 't') {
		run(good_config, strlen(good_config), text, size - 1);
	} else if ((cut = memmem(text, size - 1, "\n%%\n", 4)) != NULL) {
		size_t head = (size_t)(cut - text) + 1;
		run(text, head, cut + 4, size - 1 - head - 3);
	}
	return 0;
}
