// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Makes a network for network_check.py: its file, and the consensus of this moment's epoch in the folder of
// a client, as if it had been fetched.
//   world NETWORK-FILE CONSENSUS-FOLDER PORT [new]
// and says "network HASH", then for each node "NAME ID LINK-PRIVATE MIX-PRIVATE". Node i has this port
// of 10.77.0.i. 'new': it is the network's first epoch, which has just begun.
#include <time.h>

#include "../directory/parts.h"

enum { WORLD_NODES = 5, WORLD_EPOCH_S = 604800, WORLD_EPOCHS = 3500, WORLD_REKEY_S = 2 };

static unsigned world_epoch_s = WORLD_EPOCH_S;

static uint8_t world_private[WORLD_NODES][2][32]; // link, mix

static void world_node(struct parts *p, unsigned i, unsigned port, uint64_t epoch)
{
	static const char *const names[] = {"here", "there", "first", "second", "third"};
	struct parts_node *n = &p->node[i];
	struct fog_descriptor *d = &n->d;

	parts_node_make(p, i);
	randombytes_buf(world_private[i], sizeof(world_private[i]));
	d->role = i < 2 ? FOG_ROLE_GATEWAY : FOG_ROLE_MIX;
	memset(d->name, 0, sizeof(d->name)); // zeros to its end
	snprintf(d->name, sizeof(d->name), "%s", names[i]);
	memset(d->operator, 0, sizeof(d->operator));
	d->as_number = 0;
	d->address = (struct fog_ip){.family = 4, .addr = {10, 77, 0, (uint8_t)(1 + i)}};
	d->mix_port = (uint16_t)port;
	crypto_scalarmult_base(d->link_key, world_private[i][0]);
	d->mix_count = 4;
	for (unsigned k = 0; k < 4; k++) {
		d->mix[k].epoch = epoch - 1 + k;
		crypto_scalarmult_base(d->mix[k].public_key, world_private[i][1]);
	}
	parts_sign(n);
}

static const char *world_hex(const uint8_t *data)
{
	static char hex[4][65];
	static unsigned k;

	k = (k + 1) % 4;
	return sodium_bin2hex(hex[k], sizeof(hex[k]), data, 32);
}

static void world_file(const struct parts *p, const char *path)
{
	FILE *f = fopen(path, "we");

	if (f == NULL)
		abort();
	fprintf(f,
	        "network:\n  name: parts\n  links: noise\n  geometry: mtu\n"
	        "  delay:\n    mean: 50ms\n    max: 500ms\n"
	        "  mix_key:\n    epoch: %us\n    overlap: 60s\n    tolerance: 500ms\n"
	        "  link:\n    rekey: %us\n    rekey_packets: 1048576\n"
	        "directory:\n  threshold: %u\n  authorities:\n",
	        world_epoch_s, (unsigned)WORLD_REKEY_S, (unsigned)PARTS_THRESHOLD);
	for (unsigned a = 0; a < PARTS_AUTHORITIES; a++)
		fprintf(f,
		        "    - name: auth%u\n      identity: %s\n      vrf_key: %s\n      tls_key: %s\n"
		        "      address: 127.0.0.%u\n      port: 9\n",
		        a + 1, world_hex(p->authority[a].identity),
		        world_hex(p->authority[a].vrf_key), world_hex(p->authority[a].identity),
		        101 + a);
	if (fclose(f) != 0)
		abort();
}

static void world_consensus(const struct parts *p, const char *folder, uint64_t epoch, bool new)
{
	// Nodes that are new in an epoch are on no path at its beginning.
	struct fog_consensus *before = new ? NULL : parts_consensus(p, epoch - 1, NULL);
	struct fog_consensus *c = parts_consensus(p, epoch, before);
	char path[4096];
	FILE *f;

	if (c == NULL || c->node_count != WORLD_NODES) {
		fprintf(stderr, "%u nodes in the consensus\n", c != NULL ? c->node_count : 0);
		exit(1);
	}
	snprintf(path, sizeof(path), "%s/consensus-%llu", folder, (unsigned long long)epoch);
	f = fopen(path, "we");
	if (f == NULL || fwrite(c->data, 1, c->len, f) != c->len || fclose(f) != 0)
		abort();
	fog_consensus_free(c);
	fog_consensus_free(before);
}

int main(int argc, char **argv)
{
	uint64_t now = (uint64_t)time(NULL), epoch;
	bool new = argc == 5 && strcmp(argv[4], "new") == 0;
	struct parts *p;

	if (argc != 4 + new || sodium_init() < 0)
		return 1;
	// So many epochs have passed, and less than as many seconds more.
	if (new)
		world_epoch_s = (unsigned)(now / WORLD_EPOCHS);
	epoch = now / world_epoch_s;
	p = parts_make(0);
	p->net.epoch_s = world_epoch_s;
	p->net.rekey_s = WORLD_REKEY_S;
	p->count = WORLD_NODES;
	fog_network_hash(&p->net, p->network);
	for (unsigned a = 0; a < PARTS_AUTHORITIES; a++)
		p->rates[a] = (struct fog_cover_rates
		){.client_send_us = 150000,
		  .client_loop_us = 1000000,
		  .client_fetch_us = 50000,
		  .slack_ms = 500};
	for (unsigned i = 0; i < WORLD_NODES; i++)
		world_node(p, i, (unsigned)atoi(argv[3]), epoch);
	world_file(p, argv[1]);
	world_consensus(p, argv[2], epoch, new);
	printf("network %s\n", world_hex(p->network));
	for (unsigned i = 0; i < WORLD_NODES; i++)
		printf("%s %s %s %s\n", p->node[i].d.name, world_hex(p->node[i].d.node_id),
		       world_hex(world_private[i][0]), world_hex(world_private[i][1]));
	parts_free(p);
	return 0;
}
