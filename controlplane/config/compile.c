// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// From struct fog_config and topology to the blob of the data plane.
#include <errno.h>
#include <sodium.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../mixnet/topology.h"
#include "private.h"

// 'to' is all zero, so every byte after the NUL stays zero.
static void compile_text(char *to, size_t len, const char *from)
{
	memcpy(to, from, strnlen(from, len - 1));
}

static void compile_port(const struct fog_config_port *from, struct fog_blob_port *to)
{
	compile_text(to->name, sizeof(to->name), from->name);
	compile_text(to->device, sizeof(to->device), from->device);
	to->driver = from->driver;
	to->xdp_mode = from->xdp_mode;
	to->queues = (uint16_t)from->queues;
	to->vlan = (uint16_t)from->vlan;
	to->mtu = (uint16_t)from->mtu;
	to->address_count = (uint16_t)from->address_count;
	memcpy(to->address, from->address, from->address_count * sizeof(to->address[0]));
	memcpy(to->prefix, from->prefix, from->address_count);
	to->gateway4 = from->gateway4;
	to->gateway6 = from->gateway6;
}

void config_launch(
        const struct fog_config *c, const struct fog_topology *t, struct fog_blob_launch *l
)
{
	struct fog_geometry mtu;

	fog_geometry_named(&mtu, "mtu");
	memset(l, 0, sizeof(*l));
	compile_text(l->instance, sizeof(l->instance), c->instance);
	compile_text(l->replay_dir, sizeof(l->replay_dir), c->replay.dir);
	l->slots = t != NULL ? t->geometry.slots : mtu.slots;
	l->payload_len = t != NULL ? t->geometry.payload_len : mtu.payload_len;
	l->mix_port = t != NULL ? t->mix_port : 0;
	l->manager_cpu = (uint16_t)c->workers.manager_cpu;
	l->worker_count = c->workers.cpu_count;
	l->port_count = c->port_count;
	l->idle = c->workers.idle;
	l->links = t != NULL ? t->links : FOG_LINKS_NONE;
	l->control_uid = c->uid;
	l->control_gid = c->gid;
	l->data_uid = c->data_uid;
	l->data_gid = c->data_gid;
	l->hugepages = c->memory.hugepages;
	l->memory_mib = c->memory.mib;
	l->packet_buffers = c->memory.packet_buffers;
	l->parked_max = c->memory.parked_max;
	l->deliver_slots = c->rings.deliver_slots;
	l->inject_slots = c->rings.inject_slots;
	l->replay_capacity = fog_config_tags(c, t);
	l->max_rate = c->workers.max_rate;
	l->delay_seed = c->test.delay_seed;
	for (uint32_t i = 0; i < c->workers.cpu_count; i++)
		l->worker[i].cpu = (uint16_t)c->workers.cpu[i];
	for (uint32_t i = 0; i < c->port_count; i++)
		compile_port(&c->port[i], &l->port[i]);
}

// MAC1 of what is meant for us is made with the link key that the topology tells everybody.
static void compile_link_key(
        const struct fog_topology *t, const uint8_t node_id[FOG_ID_LEN], uint8_t link_key[32]
)
{
	for (unsigned i = 0; i < t->node_count && t->links == FOG_LINKS_NOISE; i++)
		if (memcmp(t->node[i].id, node_id, FOG_ID_LEN) == 0)
			memcpy(link_key, t->node[i].link_key, 32);
}

// Loops and drops leave in one stream, whose rate is the sum of theirs.
static uint64_t cover_mean(const struct fog_cover_rates *r)
{
	uint64_t loop = r->loop_us, drop = r->drop_us;

	return loop == 0 || drop == 0 ? loop + drop : loop * drop / (loop + drop);
}

// Without links there is nobody to hide from.
static void compile_cover(
        const struct fog_config *c, const struct fog_topology *t, struct fog_blob_run *run
)
{
	if (t->links != FOG_LINKS_NOISE)
		return;
	run->cover_us = cover_mean(&t->cover);
	run->dummy_us = t->cover.dummy_us;
	run->cover_rate_max = c->cover.max_rate;
}

static void compile_run(
        const struct fog_config *c, const struct fog_topology *t, const uint8_t node_id[FOG_ID_LEN],
        struct fog_blob_run *run
)
{
	memcpy(run->node_id, node_id, FOG_ID_LEN);
	compile_link_key(t, node_id, run->link_key);
	run->delay_mean_us = t->delay_mean_us;
	run->delay_max_us = t->delay_max_us;
	run->delay_cap_ms = t->delay_cap_ms;
	run->node_count = t->node_count;
	run->production = c->production;
	run->log_level = c->log.level;
	run->trace_allow = c->trace.allow;
	run->early_drop = c->filter.early_drop;
	run->source_rate = c->filter.source_rate;
	run->source_burst = c->filter.source_burst;
	run->deny_count = c->filter.deny_count;
	run->drain_grace_ms = c->drain.grace_ms;
	compile_cover(c, t, run);
	for (uint32_t i = 0; i < c->port_count; i++) {
		for (uint32_t k = 0; k < c->port[i].neighbour_count; k++) {
			struct fog_blob_neighbour *n = &run->neighbour[run->neighbour_count++];
			n->ip = c->port[i].neighbour[k].address;
			memcpy(n->mac, c->port[i].neighbour[k].mac, sizeof(n->mac));
			n->port = (uint16_t)i;
		}
	}
}

int fog_config_compile(
        const struct fog_config *c, const struct fog_topology *t, const uint8_t node_id[FOG_ID_LEN],
        uint64_t generation, struct fog_blob **out, size_t *len, struct fog_report *r
)
{
	size_t deny = c->filter.deny_count * sizeof(struct fog_prefix);
	size_t size = sizeof(struct fog_blob) + t->node_count * sizeof(struct fog_blob_node) + deny;
	struct fog_blob *b;

	*out = NULL;
	if (!c->user_found || !c->data_user_found) {
		fog_report_error(
		        r, c->file, 0,
		        "%s: this host has no user '%s', so its number is unknown: create it or name "
		        "another",
		        c->user_found ? "dataplane_user" : "user",
		        c->user_found ? c->dataplane_user : c->user
		);
		return -EINVAL;
	}
	if ((b = calloc(1, size)) == NULL)
		return -ENOMEM;
	b->magic = FOG_ABI_MAGIC;
	b->abi = FOG_ABI;
	b->size = (uint32_t)size;
	b->generation = generation;
	config_launch(c, t, &b->launch);
	compile_run(c, t, node_id, &b->run);
	struct fog_blob_node *node = (struct fog_blob_node *)(b + 1);
	for (unsigned i = 0; i < t->node_count; i++) {
		memcpy(node[i].id, t->node[i].id, FOG_ID_LEN);
		node[i].ip = t->node[i].address;
		node[i].port = t->node[i].port;
	}
	memcpy(node + t->node_count, c->filter.deny, deny);
	size_t from = offsetof(struct fog_blob, generation);
	crypto_generichash(
	        b->checksum, sizeof(b->checksum), (const uint8_t *)b + from, size - from, NULL, 0
	);
	*out = b;
	*len = size;
	return 0;
}
