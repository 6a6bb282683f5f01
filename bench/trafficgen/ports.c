// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "ports.h"

#include <errno.h>
#include <poll.h>
#include <rte_mbuf.h>
#include <string.h>
#include <unistd.h>

#include "../../dataplane/api/plan.h"
#include "../../dataplane/launch_eal.h"
#include "../../drivers/neigh.h"
#include "tell.h"

enum {
	PORTS_BUFFERS = 16384, // beside a DPDK device's descriptors
	NEIGHBOUR_WAIT_MS = 5000,
	NEIGHBOUR_STEP_MS = 50,
};

static void ports_describe(
        struct fog_blob_port *p, const char *name, const struct options_port *from,
        const struct options *o, const struct route *r
)
{
	unsigned need = r->topology->geometry.packet_len + FOG_UDP6_OVERHEAD;

	snprintf(p->name, sizeof(p->name), "%s", name);
	snprintf(p->device, sizeof(p->device), "%s", from->device);
	p->driver = from->driver;
	p->queues = o->queues;
	p->vlan = o->vlan;
	p->mtu = (uint16_t)(need > 1500 ? need : 1500);
	if (from->driver == FOG_DRIVER_AFXDP)
		return; // the kernel knows
	p->address_count = 1;
	p->address[0] = r->last->address;
}

// The generator is a data plane of one worker, as far as EAL and memory are concerned.
static void ports_launch(struct fog_blob_launch *l, const struct options *o, const struct route *r)
{
	struct fog_plan plan;

	memset(l, 0, sizeof(*l));
	snprintf(l->instance, sizeof(l->instance), "trafficgen-%d", (int)getpid());
	l->slots = r->topology->geometry.slots;
	l->payload_len = r->topology->geometry.payload_len;
	l->manager_cpu = o->cpu[0];
	l->worker_count = 1;
	l->worker[0].cpu = o->cpu[1];
	l->hugepages = o->hugepages;
	l->links = FOG_LINKS_NONE;
	ports_describe(&l->port[0], "traffic", &o->port, o, r);
	l->port_count = 1;
	if (o->rx_port.device[0] != '\0') {
		ports_describe(&l->port[1], "traffic-rx", &o->rx_port, o, r);
		l->port_count = 2;
	}
	l->packet_buffers = PORTS_BUFFERS;
	fog_plan(l, r->topology->geometry.packet_len, 1, &plan);
	l->packet_buffers += plan.queued;
	fog_plan(l, r->topology->geometry.packet_len, 1, &plan);
	l->memory_mib = (uint32_t)fog_plan_mib(&plan);
}

static int ports_open_one(
        struct ports *p, const struct fog_blob_port *conf, uint16_t mix_port, struct fog_port **port
)
{
	char error[256] = "";
	const struct fog_port_params params = {
	        .conf = conf,
	        .mix_port = mix_port,
	        .pool = p->pools.of_worker,
	        .workers = 1,
	        .error = error,
	        .error_len = sizeof(error),
	};
	int ret = fog_port_open(&params, port);

	if (ret == 0 && (ret = (*port)->ops->start(*port)) < 0)
		snprintf(
		        error, sizeof(error), "port %s does not start: %s", conf->device,
		        strerror(-ret)
		);
	if (ret < 0 && error[0] == '\0')
		snprintf(error, sizeof(error), "port %s: %s", conf->device, strerror(-ret));
	if (ret < 0)
		tell_error("%s", error);
	return ret;
}

// What the appliance sends to the sink's address must come to this port.
static int ports_check_sink(const struct fog_port *port, const struct route *r)
{
	for (unsigned i = 0; i < port->address_count; i++)
		if (memcmp(&port->address[i], &r->last->address, sizeof(struct fog_ip)) == 0)
			return 0;
	tell_error(
	        "%s does not have the address that the topology gives to %s, where the appliance "
	        "sends to: add it with ip address add, or correct the topology",
	        port->name, r->last->name
	);
	return -EADDRNOTAVAIL;
}

int ports_open(struct ports *p, const struct options *o, const struct route *r)
{
	struct fog_blob_launch launch;
	int node, ret;

	memset(p, 0, sizeof(*p));
	ports_launch(&launch, o, r);
	if ((ret = fog_eal_start(&launch)) < 0)
		return ret;
	fog_eal_worker_nodes(&launch, &node);
	if ((ret = fog_pools_create(&launch, r->topology->geometry.packet_len, &node, &p->pools)) <
	    0)
		goto err;
	if ((ret = ports_open_one(p, &launch.port[0], r->last->port, &p->tx)) < 0)
		goto err;
	p->rx = p->tx;
	if (launch.port_count > 1 &&
	    (ret = ports_open_one(p, &launch.port[1], r->last->port, &p->rx)) < 0)
		goto err;
	if ((ret = ports_check_sink(p->rx, r)) < 0)
		goto err;
	return 0;
err:
	ports_close(p);
	return ret;
}

static void ports_close_one(struct fog_port *port)
{
	if (port == NULL)
		return;
	port->ops->stop(port);
	port->ops->close(port);
}

void ports_close(struct ports *p)
{
	if (p->rx != p->tx)
		ports_close_one(p->rx);
	ports_close_one(p->tx);
	fog_pools_free(&p->pools);
	fog_eal_stop();
	memset(p, 0, sizeof(*p));
}

// Ask until the neighbour has answered.
static int ports_neighbour(const struct fog_ip *to, uint8_t mac[6])
{
	struct fog_neigh *neigh = NULL;
	struct fog_neigh_entry entry = {0};
	int ret = fog_neigh_open(&neigh);

	for (int ms = 0; ret == 0 && ms < NEIGHBOUR_WAIT_MS; ms += NEIGHBOUR_STEP_MS) {
		struct pollfd fd = {.fd = fog_neigh_fd(neigh), .events = POLLIN};

		if ((ret = fog_neigh_lookup(neigh, to, &entry)) < 0 || entry.resolved)
			break;
		poll(&fd, 1, NEIGHBOUR_STEP_MS);
		fog_neigh_process(neigh);
	}
	fog_neigh_close(neigh);
	if (ret == 0 && !entry.resolved)
		ret = -EHOSTUNREACH;
	memcpy(mac, entry.mac, 6);
	return ret;
}

int ports_addresses(const struct ports *p, const struct options *o, struct frame_spec *spec)
{
	int ret;

	if (!o->from.has_mac)
		memcpy(spec->from.mac, p->tx->mac, 6);
	if (o->to.has_mac)
		return 0;
	if (p->tx->ifindex == 0) {
		tell_error("the port has no kernel to ask for the appliance's MAC: give --to MAC");
		return -EINVAL;
	}
	if ((ret = ports_neighbour(&spec->to.ip, spec->to.mac)) < 0)
		tell_error(
		        "the appliance's MAC is not known: %s; is it up and its address right? Or "
		        "give --to MAC",
		        ret == -EHOSTUNREACH ? "nobody answers" : strerror(-ret)
		);
	return ret;
}
