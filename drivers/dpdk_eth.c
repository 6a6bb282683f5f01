// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A port on any DPDK Ethernet device, named as DPDK names it (0000:00:04.0, net_tap0) or given by
// devargs (net_tap0,iface=fog0). No kernel owns its addresses, not even of a net_tap, whose kernel
// interface is the other end of the wire.
#include <errno.h>
#include <rte_dev.h>
#include <rte_ethdev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dpdk_device.h"
#include "driver.h"

enum { DPDK_DESCRIPTORS = 1024 };

struct dpdk_port {
	struct fog_port port;
	uint16_t id; // of DPDK
	_Atomic int receiving; // manager: wo; the device itself runs from open to close
	struct rte_device *device;
	bool opened; // 'id' is ours to close
	bool probed; // 'device' came through us and goes with us
	struct dpdk_features features;
	char mode[96];
};

static struct dpdk_port *dpdk_of(struct fog_port *port)
{
	return (struct dpdk_port *)port;
}

static uint16_t dpdk_rx_burst(
        struct fog_port *port, uint16_t queue, struct rte_mbuf **frames, uint16_t n
)
{
	struct dpdk_port *p = dpdk_of(port);

	if (!atomic_load_explicit(&p->receiving, memory_order_relaxed))
		return 0;
	return rte_eth_rx_burst(p->id, queue, frames, n);
}

static uint16_t dpdk_tx_burst(
        struct fog_port *port, uint16_t queue, struct rte_mbuf **frames, uint16_t n
)
{
	return rte_eth_tx_burst(dpdk_of(port)->id, queue, frames, n);
}

static int dpdk_idle_fd(struct fog_port *port, uint16_t queue)
{
	return -ENOTSUP;
}

static int dpdk_start(struct fog_port *port)
{
	atomic_store_explicit(&dpdk_of(port)->receiving, 1, memory_order_relaxed);
	return 0;
}

static void dpdk_stop(struct fog_port *port)
{
	atomic_store_explicit(&dpdk_of(port)->receiving, 0, memory_order_relaxed);
}

static void dpdk_stats(struct fog_port *port, struct fog_stats_port *out)
{
	struct dpdk_port *p = dpdk_of(port);
	struct rte_eth_stats device = {};
	struct rte_eth_link link = {};

	driver_clear_stats(port, out);
	memcpy(out->mode, p->mode, sizeof(out->mode));
	if (rte_eth_link_get_nowait(p->id, &link) == 0)
		out->link_up = link.link_status == RTE_ETH_LINK_UP;
	if (rte_eth_stats_get(p->id, &device) < 0)
		return;
	out->rx_frames = device.ipackets;
	out->tx_frames = device.opackets;
	out->rx_bytes = device.ibytes;
	out->tx_bytes = device.obytes;
	out->lost_rx_ring = device.imissed;
	out->lost_no_buffer = device.rx_nombuf;
	out->lost_invalid = device.ierrors;
	out->tx_failed = device.oerrors;
}

static void dpdk_counters(struct fog_port *port, struct fog_stats_device *out)
{
	dpdk_device_stats(dpdk_of(port)->id, out);
}

static void dpdk_close(struct fog_port *port)
{
	struct dpdk_port *p = dpdk_of(port);

	if (!p)
		return;
	if (p->opened) {
		rte_eth_dev_stop(p->id);
		rte_eth_dev_close(p->id);
	}
	if (p->probed)
		rte_dev_remove(p->device);
	free(p);
}

static const struct fog_port_ops dpdk_ops = {
        .name = "dpdk",
        .rx_burst = dpdk_rx_burst,
        .tx_burst = dpdk_tx_burst,
        .idle_fd = dpdk_idle_fd,
        .start = dpdk_start,
        .stop = dpdk_stop,
        .stats = dpdk_stats,
        .close = dpdk_close,
        .device_stats = dpdk_counters,
};

// Find the device among those that DPDK knows already, or make DPDK probe it.
static int dpdk_probe(struct dpdk_port *p, const struct fog_port_params *params)
{
	const char *devargs = params->conf->device;
	char name[sizeof(params->conf->device)];
	bool known;
	int ret = 0;

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(devargs, ","), devargs);
	known = rte_eth_dev_get_port_by_name(name, &p->id) == 0;
	if (!known)
		ret = rte_dev_probe(devargs);
	if (ret == 0 && !known)
		ret = rte_eth_dev_get_port_by_name(name, &p->id);
	if (ret == 0 && rte_eth_dev_is_valid_port(p->id))
		return !known;
	return driver_fail(
	        params, -ENODEV,
	        "DPDK finds no Ethernet device %s (%s); bind a PCI device to vfio-pci first, or correct the "
	        "devargs",
	        devargs, strerror(ret < 0 ? -ret : ENODEV)
	);
}

// Checks that 'info' can serve the config, and how frames will spread over the queues.
static int dpdk_configure(
        struct dpdk_port *p, const struct fog_port_params *params,
        const struct rte_eth_dev_info *info
)
{
	struct rte_eth_conf conf = {.rxmode.mtu = p->port.mtu};
	uint16_t most = RTE_MIN(info->max_rx_queues, info->max_tx_queues);
	int ret;

	if (p->port.queues > most)
		return driver_fail(
		        params, -EINVAL,
		        "the device has %u queues, the config %u; set queues: %u, "
		        "with at most so many workers.cpus",
		        most, p->port.queues, most
		);
	if (info->max_mtu && p->port.mtu > info->max_mtu)
		return driver_fail(
		        params, -EINVAL,
		        "the device carries an MTU of %u at most; lower mtu from %u", info->max_mtu,
		        p->port.mtu
		);
	dpdk_device_choose(info, p->port.queues, &p->features, &conf);
	ret = rte_eth_dev_configure(p->id, p->port.queues, p->port.queues, &conf);
	if (ret == -EBUSY)
		return driver_fail(
		        params, ret, "another port runs this device; give each port its own"
		);
	if (ret < 0)
		return driver_fail(
		        params, ret,
		        "the device refuses %u queues with mtu %u (%s); lower one of them",
		        p->port.queues, p->port.mtu, strerror(-ret)
		);
	p->opened = true;
	// Devices without an MTU of their own (rings, files) say so; the check above was for the rest.
	ret = rte_eth_dev_set_mtu(p->id, p->port.mtu);
	if (ret < 0 && ret != -ENOTSUP)
		return driver_fail(
		        params, ret, "the device refuses mtu %u (%s); lower it", p->port.mtu,
		        strerror(-ret)
		);
	return 0;
}

static int dpdk_setup_queues(struct dpdk_port *p, const struct fog_port_params *params)
{
	uint16_t rx = DPDK_DESCRIPTORS, tx = DPDK_DESCRIPTORS;
	int node = rte_eth_dev_socket_id(p->id);
	int ret = rte_eth_dev_adjust_nb_rx_tx_desc(p->id, &rx, &tx);

	for (uint16_t q = 0; q < p->port.queues && ret == 0; q++) {
		struct rte_mempool *pool = fog_port_pool(params, q);
		ret = rte_eth_rx_queue_setup(p->id, q, rx, node, NULL, pool);
		if (ret == 0)
			ret = rte_eth_tx_queue_setup(p->id, q, tx, node, NULL);
	}
	if (ret < 0)
		return driver_fail(
		        params, ret,
		        "cannot set up %u queues of %u descriptors (%s); raise memory.mib or memory.packet_buffers",
		        p->port.queues, rx, strerror(-ret)
		);
	return 0;
}

// The device is started here and not in dpdk_start: starting may need rights that are given up once
// all ports are open.
static int dpdk_run(struct dpdk_port *p, const struct fog_port_params *params)
{
	struct rte_ether_addr mac;
	int ret = rte_eth_dev_start(p->id);

	if (ret == 0) {
		ret = rte_eth_promiscuous_disable(p->id);
		if (ret == -ENOTSUP)
			ret = 0;
	}
	if (ret == 0)
		ret = rte_eth_macaddr_get(p->id, &mac);
	if (ret < 0)
		return driver_fail(
		        params, ret,
		        "the device does not start: %s; see the lines of its driver above",
		        strerror(-ret)
		);
	memcpy(p->port.mac, mac.addr_bytes, sizeof(p->port.mac));
	return 0;
}

// What the device does for a running port.
static int dpdk_use(
        struct dpdk_port *p, const struct fog_port_params *params,
        const struct rte_eth_dev_info *info
)
{
	int ret = dpdk_device_check_table(p->id, info, p->port.queues, &p->features);

	if (ret < 0)
		return driver_fail(
		        params, ret,
		        "the device's redirection table reaches other queues than ours and can't be "
		        "set (%s); set queues: 1, with one of workers.cpus",
		        strerror(-ret)
		);
	driver_init_bare(&p->port, params->conf);
	ret = dpdk_device_join(p->id, &p->port, &p->features);
	if (ret < 0)
		return driver_fail(
		        params, ret,
		        "the device receives no multicast, which IPv6 needs (%s); leave IPv6 "
		        "addresses out",
		        strerror(-ret)
		);
	p->port.tx_checksum = p->features.tx_checksum;
	dpdk_device_describe(
	        &p->features, info->driver_name, p->port.queues, p->mode, sizeof(p->mode)
	);
	return 0;
}

int fog_dpdk_open(const struct fog_port_params *params, struct fog_port **port)
{
	struct dpdk_port *p = calloc(1, sizeof(*p));
	struct rte_eth_dev_info info;
	int ret;

	if (!p)
		return driver_fail(params, -ENOMEM, "no memory for the port; free some");
	driver_init_head(&p->port, &dpdk_ops, params->conf);
	if ((ret = driver_check_pool(params)) < 0 || (ret = dpdk_probe(p, params)) < 0)
		goto err;
	if (rte_eth_dev_info_get(p->id, &info) < 0) {
		ret = driver_fail(
		        params, -ENODEV,
		        "the device tells nothing about itself; look at it with 'fogctl host "
		        "check vfio', and at dmesg"
		);
		goto err;
	}
	p->device = info.device;
	p->probed = ret > 0;
	if ((ret = dpdk_configure(p, params, &info)) < 0 ||
	    (ret = dpdk_setup_queues(p, params)) < 0 || (ret = dpdk_run(p, params)) < 0 ||
	    (ret = dpdk_use(p, params, &info)) < 0)
		goto err;
	*port = &p->port;
	return 0;
err:
	dpdk_close(&p->port);
	return ret;
}
