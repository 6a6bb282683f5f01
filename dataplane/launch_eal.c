// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "launch_eal.h"

#include <errno.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/plan.h"
#include "log.h"
#include "pkt.h"

enum { ARGS_MAX = 24 + 2 * FOG_PORTS_MAX };

struct eal_args {
	int n;
	char *arg[ARGS_MAX];
	char text[1024 + 16 * FOG_WORKERS_MAX + 256 * FOG_PORTS_MAX];
	size_t used;
};

__attribute__((format(printf, 2, 3))) static void arg_add(
        struct eal_args *a, const char *format, ...
)
{
	va_list list;
	char *at = a->text + a->used;

	va_start(list, format);
	a->used += (size_t)vsnprintf(at, sizeof(a->text) - a->used, format, list) + 1;
	va_end(list);
	a->arg[a->n++] = at;
}

// EAL takes hold of every NIC that it knows a driver for and may have, so it may have ours only.
static void arg_devices(struct eal_args *a, const struct fog_blob_launch *l)
{
	unsigned domain, bus, device, function, ours = 0;

	for (uint32_t i = 0; i < l->port_count; i++) {
		const struct fog_blob_port *p = &l->port[i];
		if (p->driver != FOG_DRIVER_DPDK ||
		    sscanf(p->device, "%x:%x:%x.%x", &domain, &bus, &device, &function) != 4)
			continue;
		arg_add(a, "-a");
		arg_add(a, "%s", p->device);
		ours++;
	}
	if (ours == 0)
		arg_add(a, "--no-pci");
}

static void arg_lcores(struct eal_args *a, const struct fog_blob_launch *l)
{
	char list[16 * (FOG_WORKERS_MAX + 1)];
	int at = snprintf(list, sizeof(list), "0@%u", l->manager_cpu);

	for (uint32_t i = 0; i < l->worker_count; i++)
		at += snprintf(
		        list + at, sizeof(list) - (size_t)at, ",%u@%u", i + 1, l->worker[i].cpu
		);
	arg_add(a, "--lcores=%s", list);
}

int fog_eal_start(const struct fog_blob_launch *l)
{
	struct eal_args a = {0};

	arg_add(&a, "fog-dataplane");
	arg_lcores(&a, l);
	arg_add(&a, "--no-telemetry");
	arg_add(&a, "--log-level=error");
	arg_add(&a, "--file-prefix=fogline-%s", l->instance);
	arg_add(&a, "-m%u", l->memory_mib);
	if (l->hugepages) {
		arg_add(&a, "--in-memory");
	} else {
		arg_add(&a, "--no-huge");
		arg_add(&a, "--no-shconf");
	}
	arg_devices(&a, l);
	if (rte_eal_init(a.n, a.arg) >= 0) {
		// Nothing is kept there without shared memory, and it can't be removed once rights are gone.
		// It stays if anything of another process is in it.
		rmdir(rte_eal_get_runtime_dir());
		return 0;
	}
	int ret = rte_errno != 0 ? -rte_errno : -EINVAL;
	LOG_ERR("EAL does not start (%s): memory.mib %u on %s pages must be free, and CPUs as in workers "
	        "must exist%s",
	        strerror(-ret), l->memory_mib, l->hugepages ? "huge" : "ordinary",
	        l->hugepages ? "; see /sys/kernel/mm/hugepages" : "");
	return ret;
}

void fog_eal_stop(void)
{
	rte_eal_cleanup();
}

static int lcore_node(void *arg)
{
	return (int)rte_socket_id();
}

// EAL knows the node of the thread itself; what it keeps about an lcore goes by the lcore's number.
void fog_eal_worker_nodes(const struct fog_blob_launch *l, int node[])
{
	for (uint32_t i = 0; i < l->worker_count; i++) {
		node[i] = -1;
		if (rte_eal_remote_launch(lcore_node, NULL, i + 1) == 0)
			node[i] = rte_eal_wait_lcore(i + 1);
	}
}

static void pools_refuse(const struct fog_blob_launch *l, const struct fog_plan *p, int err)
{
	LOG_ERR("packet pools on %u NUMA node(s): %u buffers are needed and %u configured, they take "
	        "%llu MiB and EAL %llu MiB of memory.mib %u (%s): raise memory.packet_buffers to at "
	        "least %u and memory.mib to at least %llu",
	        p->nodes, p->buffers_need, l->packet_buffers, (unsigned long long)(p->pool >> 20),
	        (unsigned long long)(FOG_PLAN_EAL >> 20), l->memory_mib, strerror(-err),
	        p->buffers_need, (unsigned long long)fog_plan_mib(p));
}

int fog_pools_create(
        const struct fog_blob_launch *l, uint32_t packet_len, const int node[], struct fog_pools *p
)
{
	struct fog_plan plan;
	char name[RTE_MEMPOOL_NAMESIZE];
	int ret = fog_pools_plan(l, packet_len, node, &p->plan, &plan);

	for (unsigned s = 0; s < p->plan.count && ret == 0; s++) {
		const struct fog_pool_share *share = &p->plan.share[s];
		snprintf(name, sizeof(name), "packets-%u", s);
		p->pool[s] = rte_pktmbuf_pool_create(
		        name, share->buffers, FOG_BUFFER_CACHE, FOG_PKT_PRIV_SIZE,
		        (uint16_t)plan.buffer_room, share->node
		);
		if (p->pool[s] == NULL)
			ret = -rte_errno;
		else if (p->plan.count > 1)
			LOG_INFO(
			        "NUMA node %d: %u worker(s), %u packet buffers", share->node,
			        share->workers, share->buffers
			);
	}
	if (ret < 0) {
		pools_refuse(l, &plan, ret);
		return ret;
	}
	for (uint32_t i = 0; i < l->worker_count; i++)
		p->of_worker[i] = p->pool[p->plan.of_worker[i]];
	return 0;
}

void fog_pools_free(struct fog_pools *p)
{
	for (unsigned s = 0; s < p->plan.count; s++)
		rte_mempool_free(p->pool[s]); // accepts NULL
}

_Static_assert(
        FOG_BUFFER_META == 64 + sizeof(struct rte_mbuf) + FOG_PKT_PRIV_SIZE &&
                FOG_BUFFER_HEADROOM == RTE_PKTMBUF_HEADROOM && SOCKET_ID_ANY == -1,
        "the plan's arithmetic is that of the pool"
);
