// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The data plane's check of a blob: once as the bytes are, once with frame and checksum made right,
// so that the fuzzer gets behind them. What is accepted must be usable as it is.
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "../../dataplane/api/plan.h"
#include "../../dataplane/blob_check.h"
#include "../../dataplane/sphinx/sphinx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// What the data plane does with a blob without looking again.
static void use(const struct fog_blob *b)
{
	const struct fog_blob_node *node = (const struct fog_blob_node *)(b + 1);
	struct fog_geometry g;
	struct fog_plan p;
	size_t sum = strlen(b->launch.instance) + strlen(b->launch.replay_dir);

	for (uint32_t i = 0; i < b->launch.port_count; i++) {
		const struct fog_blob_port *port = &b->launch.port[i];
		sum += strlen(port->name) + strlen(port->device) +
		        port->address[FOG_ADDRESSES_MAX - 1].family;
		if (port->queues < b->launch.worker_count ||
		    port->address_count > FOG_ADDRESSES_MAX)
			abort();
	}
	for (uint32_t i = 0; i < b->run.neighbour_count; i++)
		sum += b->launch.port[b->run.neighbour[i].port].mtu;
	for (uint32_t i = 0; i < b->run.node_count; i++)
		sum += node[i].ip.family;
	const struct fog_prefix *deny = (const void *)(node + b->run.node_count);
	for (uint32_t i = 0; i < b->run.deny_count; i++)
		if (deny[i].len > (deny[i].ip.family == 4 ? 32 : 128))
			abort();
	if (sum == 0 || fog_geometry_init(&g, b->launch.slots, b->launch.payload_len) < 0)
		abort();
	fog_plan(&b->launch, g.packet_len, 1, &p);
	if (p.buffers_need > b->launch.packet_buffers ||
	    p.eal_need > (uint64_t)b->launch.memory_mib << 20)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const size_t from = offsetof(struct fog_blob, generation);
	struct fog_blob *b = malloc(size > 0 ? size : 1);
	char why[256];

	if (size > 0)
		memcpy(b, data, size);
	if (fog_blob_check(b, size, why, sizeof(why)) == 0)
		use(b);
	if (size >= sizeof(*b)) {
		b->magic = FOG_ABI_MAGIC;
		b->abi = FOG_ABI;
		b->size = (uint32_t)size;
		size_t tail = size - sizeof(*b);
		b->run.deny_count %= (uint32_t)(tail / sizeof(struct fog_prefix)) + 1;
		tail -= b->run.deny_count * sizeof(struct fog_prefix);
		b->run.node_count = (uint32_t)(tail / sizeof(struct fog_blob_node));
		crypto_generichash(b->checksum, 32, (uint8_t *)b + from, size - from, NULL, 0);
		if (fog_blob_check(b, size, why, sizeof(why)) == 0)
			use(b);
	}
	free(b);
	return 0;
}
