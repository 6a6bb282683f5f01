// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The configuration file of a new appliance.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../config/config.h"
#include "private.h"

static const char *const roles[] = {
        [FOG_BETANET_MIXNODE] = "mix",
        [FOG_BETANET_GATEWAY] = "gateway",
        [FOG_BETANET_SERVICE] = "service",
};

static void write_region(FILE *f, const char *region)
{
	const struct fog_config_node *node = NULL;
	bool fits = strlen(region) < sizeof(node->region);

	if (region[0] != '\0' && !fits)
		fprintf(f,
		        "  # Region %s: longer than what nodes tell each other (%zu characters).\n",
		        region, sizeof(node->region) - 1);
	else if (region[0] != '\0')
		fprintf(f, "  region: %s\n", region);
}

static void write_all(FILE *f, const struct fog_betanet_node *n, const struct fog_betanet_place *p)
{
	fprintf(f, "# Made for the managed node %lld. On its host: 'fogctl config check FILE'.\n",
	        (long long)n->id);
	fprintf(f, "instance: %s\nworkers:\n  cpus: [", n->name);
	for (unsigned i = 0; i < p->cpus; i++)
		fprintf(f, "%s%u", i > 0 ? ", " : "", p->cpu[i]);
	fprintf(f, "]\nnode:\n  name: %s\n  role: %s\n", n->name, roles[n->type]);
	write_region(f, n->region);
	if (p->address[0] != '\0')
		fprintf(f, "  address: \"%s\"\n", p->address);
	if (p->port != 0)
		fprintf(f, "  port: %u\n", p->port);
	if (p->layer != 0)
		fprintf(f, "  layer: %u\n", p->layer);
	fprintf(f, "ports:\n  - name: wan\n    device: \"%s\"\n", p->device);
}

// What the text is made of goes into it as it is: nothing in it may end a line or a quotation.
static bool place_plain(const struct fog_betanet_place *p)
{
	size_t address = strlen(p->address), device = strlen(p->device);

	return strspn(p->address, "0123456789abcdefABCDEF.:") == address && device > 0 &&
	        device < FOG_BETANET_DEVICE_LEN && strcspn(p->device, "\"\\") == device &&
	        strspn(p->device,
	               "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-@:") ==
	        device &&
	        p->cpus > 0 && p->cpus <= FOG_BETANET_CPUS_MAX;
}

static int configuration_check(
        const char *text, size_t len, const struct fog_topology *network, struct fog_report *report
)
{
	struct fog_config *c = NULL;
	int r = fog_config_load_text("configuration", text, len, &c, report);

	if (r == 0)
		r = fog_config_check(c, network, NULL, report);
	fog_config_free(c);
	return r;
}

int fog_betanet_configuration(
        const struct fog_betanet_node *node, const struct fog_betanet_place *place,
        const struct fog_topology *network, char out[FOG_BETANET_CONFIGURATION_LEN],
        struct fog_report *report
)
{
	FILE *f;
	long len;

	if (node->type == FOG_BETANET_CLIENT)
		return -ENOTSUP;
	if (!place_plain(place)) {
		fog_report_error(
		        report, "configuration", 0,
		        "address, device and cpus are no IP address, interface and list of 1 to %d CPUs: "
		        "correct them",
		        FOG_BETANET_CPUS_MAX
		);
		return -EINVAL;
	}
	f = fmemopen(out, FOG_BETANET_CONFIGURATION_LEN, "w");
	if (f == NULL)
		return -ENOMEM;
	write_all(f, node, place);
	len = ftell(f);
	if (fclose(f) != 0 || len < 0 || len >= FOG_BETANET_CONFIGURATION_LEN - 1)
		return -ENOMEM;
	return configuration_check(out, (size_t)len, network, report);
}
