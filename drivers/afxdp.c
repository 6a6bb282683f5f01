// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A port on a kernel interface: the steering program brings our frames to one AF_XDP socket per
// queue, the kernel keeps the rest (ARP, neighbour discovery, ping, everything else).
#include <errno.h>
#include <fcntl.h>
#include <linux/if_xdp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../log/log.h"
#include "../xdp/loader.h"
#include "afxdp_queue.h"
#include "driver.h"
#include "neigh.h"
#include "netdev.h"

struct afxdp_port {
	struct fog_port port;
	struct fog_steer *steer;
	int control; // socket for ioctls in the interface's network namespace
	char interface[32];
	const struct afxdp_step *step; // how the sockets are bound
	bool busy_poll;
	char why[160]; // reasons for each step down
	struct afxdp_queue queue[];
};

static struct afxdp_port *afxdp_of(struct fog_port *port)
{
	return (struct afxdp_port *)port;
}

static uint16_t afxdp_rx_burst(
        struct fog_port *port, uint16_t queue, struct rte_mbuf **frames, uint16_t n
)
{
	return afxdp_queue_rx(&afxdp_of(port)->queue[queue], frames, n);
}

static uint16_t afxdp_tx_burst(
        struct fog_port *port, uint16_t queue, struct rte_mbuf **frames, uint16_t n
)
{
	return afxdp_queue_tx(&afxdp_of(port)->queue[queue], frames, n);
}

static int afxdp_idle_fd(struct fog_port *port, uint16_t queue)
{
	const struct afxdp_queue *q = &afxdp_of(port)->queue[queue];

	// The socket doesn't tell when the device takes frames again.
	return q->unsent ? -EAGAIN : q->fd;
}

static void afxdp_stop(struct fog_port *port)
{
	for (uint16_t i = 0; i < port->queues; i++)
		fog_steer_set_socket(afxdp_of(port)->steer, i, -1);
}

static int afxdp_start(struct fog_port *port)
{
	struct afxdp_port *p = afxdp_of(port);
	int ret = 0;

	for (uint16_t i = 0; i < port->queues && ret == 0; i++)
		ret = fog_steer_set_socket(p->steer, i, p->queue[i].fd);
	if (ret < 0)
		afxdp_stop(port);
	return ret;
}

// Add what one socket counted. In copy mode the kernel counts a frame without a fill-ring entry as
// dropped and as fill_empty, so only one of the two may be read.
static void afxdp_queue_stats(struct afxdp_queue *q, struct fog_stats_port *out)
{
	struct xdp_statistics kernel = {};
	socklen_t len = sizeof(kernel);

	getsockopt(q->fd, SOL_XDP, XDP_STATISTICS, &kernel, &len);
	out->rx_frames += driver_counted(&q->rx_frames);
	out->tx_frames += driver_counted(&q->tx_frames);
	out->rx_bytes += driver_counted(&q->rx_bytes);
	out->tx_bytes += driver_counted(&q->tx_bytes);
	out->lost_rx_ring += kernel.rx_ring_full;
	out->lost_no_buffer += driver_counted(&q->no_buffer) + kernel.rx_dropped;
	out->lost_invalid += driver_counted(&q->oversize) + kernel.rx_invalid_descs;
	out->tx_failed += driver_counted(&q->tx_failed) + kernel.tx_invalid_descs;
}

static void afxdp_stats(struct fog_port *port, struct fog_stats_port *out)
{
	struct afxdp_port *p = afxdp_of(port);

	driver_clear_stats(port, out);
	snprintf(
	        out->mode, sizeof(out->mode), "%s-%s%s", fog_steer_mode(p->steer), p->step->name,
	        p->busy_poll ? ", busy poll" : ""
	);
	memcpy(out->xdp_why, p->why, sizeof(out->xdp_why));
	out->link_up = netdev_running(p->control, p->interface);
	for (uint16_t i = 0; i < port->queues; i++)
		afxdp_queue_stats(&p->queue[i], out);
	fog_steer_verdicts(p->steer, out->steer);
	for (unsigned v = FOG_STEER_DROP_FIRST; v <= FOG_STEER_DROP_LAST; v++)
		out->lost_steer += out->steer[v];
	for (unsigned v = FOG_STEER_DROP_LAST + 1; v < FOG_STEER_VERDICTS; v++)
		out->to_kernel += out->steer[v];
}

// XDP_STATISTICS as the kernel names it, over all queues. Some of it stands in the port's losses too;
// the empty rings do not: they say that frames had to wait, not that one was lost.
static void afxdp_device_stats(struct fog_port *port, struct fog_stats_device *out)
{
	static const char *const name[] = {
	        "xdp_rx_dropped",   "xdp_rx_invalid_descs",         "xdp_tx_invalid_descs",
	        "xdp_rx_ring_full", "xdp_rx_fill_ring_empty_descs", "xdp_tx_ring_empty_descs",
	};

	memset(out, 0, sizeof(*out));
	out->count = RTE_DIM(name);
	for (unsigned i = 0; i < RTE_DIM(name); i++)
		snprintf(out->name[i], sizeof(out->name[i]), "%s", name[i]);
	for (uint16_t q = 0; q < port->queues; q++) {
		struct xdp_statistics kernel = {};
		socklen_t len = sizeof(kernel);
		getsockopt(afxdp_of(port)->queue[q].fd, SOL_XDP, XDP_STATISTICS, &kernel, &len);
		const uint64_t value[RTE_DIM(name)] = {
		        kernel.rx_dropped,
		        kernel.rx_invalid_descs,
		        kernel.tx_invalid_descs,
		        kernel.rx_ring_full,
		        kernel.rx_fill_ring_empty_descs,
		        kernel.tx_ring_empty_descs,
		};
		for (unsigned i = 0; i < RTE_DIM(name); i++)
			out->value[i] += value[i];
	}
}

static int afxdp_set_filter(struct fog_port *port, const struct fog_port_filter *filter)
{
	const struct fog_steer_rules rules = {
	        .early_drop = filter->early_drop,
	        .source_rate = filter->source_rate,
	        .source_burst = filter->source_burst,
	        .deny_count = filter->deny_count,
	        .exempt_count = filter->exempt_count,
	        .deny = filter->deny,
	        .exempt = filter->exempt,
	};

	return fog_steer_set_rules(afxdp_of(port)->steer, &rules);
}

static void afxdp_close(struct fog_port *port)
{
	struct afxdp_port *p = afxdp_of(port);

	if (!p)
		return;
	// The program goes last: until the sockets are closed it keeps the kernel from answering.
	for (uint16_t i = 0; i < port->queues; i++)
		afxdp_queue_close(&p->queue[i]);
	fog_steer_close(p->steer);
	if (p->control >= 0)
		close(p->control);
	free(p);
}

static const struct fog_port_ops afxdp_ops = {
        .name = "afxdp",
        .rx_burst = afxdp_rx_burst,
        .tx_burst = afxdp_tx_burst,
        .idle_fd = afxdp_idle_fd,
        .start = afxdp_start,
        .stop = afxdp_stop,
        .stats = afxdp_stats,
        .device_stats = afxdp_device_stats,
        .close = afxdp_close,
        .set_filter = afxdp_set_filter,
};

// Not refused: some devices leave the tag to XDP all the same.
static void afxdp_warn_tags(const struct fog_blob_port *conf, const struct netdev *dev)
{
	if (conf->vlan && dev->strips_tags)
		LOG_WARN(
		        "port %.31s: interface %s takes VLAN tags out of frames, maybe before the XDP "
		        "program sees them; if pass_vlan counts, run: ethtool -K %s rxvlan off",
		        conf->name, conf->device, conf->device
		);
}

// What the interface must be like before anything of ours touches it.
static int afxdp_check_interface(const struct fog_port_params *params, const struct netdev *dev)
{
	const struct fog_blob_port *conf = params->conf;
	const unsigned frame_max = AFXDP_FRAME_SIZE - AFXDP_HEADROOM - DRIVER_L2_LEN;

	if (!dev->up)
		return driver_fail(
		        params, -ENETDOWN, "interface %s is down; run: ip link set dev %s up",
		        conf->device, conf->device
		);
	if (conf->mtu > dev->mtu)
		return driver_fail(
		        params, -EINVAL,
		        "mtu %u is above the %u of interface %s; run: ip link set dev %s mtu %u, or lower mtu",
		        conf->mtu, dev->mtu, conf->device, conf->device, conf->mtu
		);
	if (conf->mtu > frame_max)
		return driver_fail(
		        params, -EINVAL,
		        "mtu %u is above the %u that an AF_XDP frame holds; lower mtu", conf->mtu,
		        frame_max
		);
	if (conf->queues == dev->queues)
		return 0;
	// Frames that arrive on a queue without a socket would be lost.
	return driver_fail(
	        params, -EINVAL,
	        "interface %s has %u receive queues, the config %u; set queues: %u, or run: ethtool -L %s "
	        "%s %u",
	        conf->device, dev->queues, conf->queues, dev->queues, conf->device,
	        dev->combined ? "combined" : "rx", conf->queues
	);
}

static int afxdp_find_addresses(
        struct fog_port *port, const struct fog_port_params *params, struct fog_neigh *neigh
)
{
	int n;

	if (port->address_count)
		return 0;
	n = fog_neigh_addresses(neigh, port->ifindex, port->address, FOG_ADDRESSES_MAX);
	if (n < 0)
		return driver_fail(
		        params, n, "cannot list its addresses: %s; set addresses", strerror(-n)
		);
	if (n == 0)
		return driver_fail(
		        params, -EADDRNOTAVAIL,
		        "interface %s has no address; run: ip address add ADDRESS dev %s, or set addresses",
		        params->conf->device, params->conf->device
		);
	port->address_count = n;
	return 0;
}

// Which kernel interface owns our addresses, and which addresses these are. A VLAN without an
// interface of its own works when the config names the addresses: the port then has no kernel, and
// its neighbours are those of the config.
static int afxdp_ask_kernel(
        struct fog_port *port, const struct fog_port_params *params, const struct netdev *dev
)
{
	const struct fog_blob_port *conf = params->conf;
	struct fog_neigh *neigh = NULL;
	int ret = fog_neigh_open(&neigh);

	if (ret < 0)
		return driver_fail(
		        params, ret, "cannot ask the kernel by rtnetlink: %s; raise LimitNOFILE",
		        strerror(-ret)
		);
	memcpy(port->mac, dev->mac, sizeof(port->mac));
	port->ifindex = dev->ifindex;
	if (port->vlan)
		port->ifindex = fog_neigh_vlan(neigh, dev->ifindex, port->vlan);
	if (port->ifindex == -ENODEV && port->address_count)
		port->ifindex = 0;
	if (port->ifindex < 0)
		ret = driver_fail(
		        params, port->ifindex,
		        "no VLAN interface %u on %s; run: ip link add link %s name %s.%u type vlan id %u, or set "
		        "addresses and neighbours",
		        port->vlan, conf->device, conf->device, conf->device, port->vlan, port->vlan
		);
	else
		ret = afxdp_find_addresses(port, params, neigh);
	fog_neigh_close(neigh);
	return ret;
}

// One more reason why the port does not run as fast as its interface could.
static void afxdp_add_reason(struct afxdp_port *p, const char *step, const char *reason)
{
	size_t at = strlen(p->why);

	snprintf(
	        p->why + at, sizeof(p->why) - at, "%s%s refused: %s", at ? "; " : "", step, reason
	);
}

static int afxdp_open_steer(struct afxdp_port *p, const struct fog_port_params *params, int ifindex)
{
	const struct fog_steer_conf conf = {
	        .queues = p->port.queues,
	        .mix_port = params->mix_port,
	        .vlan = p->port.vlan,
	        .payload_len = params->payload_len,
	        .address_count = p->port.address_count,
	        .address = p->port.address,
	};
	const struct fog_steer_place place = {
	        .interface = p->interface,
	        .ifindex = ifindex,
	        .mode = params->conf->xdp_mode,
	        .instance = params->instance,
	        .port = p->port.name,
	        .uid = params->data_uid,
	        .gid = params->data_gid,
	};
	char error[320] = "";
	const char *why;
	int ret = fog_steer_load(&conf, &p->steer, error, sizeof(error));

	if (ret == 0)
		ret = fog_steer_attach(p->steer, &place, error, sizeof(error));
	if (ret < 0)
		return driver_fail(params, ret, "%s", error);
	if (*fog_steer_refusal(p->steer))
		afxdp_add_reason(p, "native", fog_steer_refusal(p->steer));
	if (params->instance && !fog_steer_pin(p->steer, &why))
		LOG_INFO(
		        "port %s: the XDP program is not pinned and ends with this process: %s",
		        p->port.name, why
		);
	return 0;
}

static int afxdp_fail_queue(
        const struct afxdp_port *p, const struct fog_port_params *params, unsigned queue, int ret
)
{
	const char *mend = "";

	if (ret == -EBUSY)
		mend = "; stop the process that has an AF_XDP socket there";
	else if (ret == -EPERM || ret == -ENOBUFS)
		mend = "; start as root, or with CAP_NET_RAW, CAP_NET_ADMIN and CAP_IPC_LOCK";
	else if (ret == -ENOMEM)
		mend = "; a queue needs 16 MiB";
	return driver_fail(
	        params, ret, "AF_XDP socket on queue %u of %s: %s%s", queue, p->interface,
	        strerror(-ret), mend
	);
}

// All sockets of the port on one step of the ladder. Returns 0, or -errno with 'queue' the one that
// was refused; then none is open.
static int afxdp_try_step(struct afxdp_port *p, const struct afxdp_step *step, unsigned *queue)
{
	for (*queue = 0; *queue < p->port.queues; (*queue)++) {
		int ret = afxdp_queue_open(&p->queue[*queue], p->interface, *queue, step);

		if (ret == 0)
			continue;
		for (unsigned i = 0; i < *queue; i++)
			afxdp_queue_close(&p->queue[i]);
		return ret;
	}
	p->step = step;
	return 0;
}

// Zero-copy where program and device allow it, else copy; never a mixture among the queues, which
// would spread a peer's packets over a fast and a slow path.
static int afxdp_open_queues(struct afxdp_port *p, const struct fog_port_params *params)
{
	bool native = strcmp(fog_steer_mode(p->steer), "native") == 0;
	unsigned queue = 0;
	int ret = native ? afxdp_try_step(p, &afxdp_zero_copy, &queue) : -EOPNOTSUPP;

	if (ret == -EBUSY)
		return afxdp_fail_queue(p, params, queue, ret);
	if (native && ret < 0)
		afxdp_add_reason(p, "zero-copy", strerror(-ret));
	if (ret < 0)
		ret = afxdp_try_step(p, &afxdp_copy, &queue);
	if (ret < 0)
		return afxdp_fail_queue(p, params, queue, ret);
	p->busy_poll = params->busy && netdev_defers_interrupts(p->interface);
	for (uint16_t i = 0; i < p->port.queues; i++) {
		p->queue[i].pool = fog_port_pool(params, i);
		if (p->busy_poll)
			p->busy_poll = afxdp_queue_busy_poll(&p->queue[i]) == 0;
	}
	return 0;
}

int fog_afxdp_open(const struct fog_port_params *params, struct fog_port **port)
{
	const struct fog_blob_port *conf = params->conf;
	size_t size = sizeof(struct afxdp_port) + conf->queues * sizeof(struct afxdp_queue);
	struct afxdp_port *p = aligned_alloc(FOG_CACHE_LINE, RTE_ALIGN(size, FOG_CACHE_LINE));
	struct netdev dev;
	int ret;

	if (!p)
		return driver_fail(
		        params, -ENOMEM, "no memory for %u queues; set fewer, or free memory",
		        conf->queues
		);
	memset(p, 0, size);
	driver_init_head(&p->port, &afxdp_ops, conf);
	snprintf(p->interface, sizeof(p->interface), "%.31s", conf->device);
	p->control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (p->control < 0) {
		ret = driver_fail(
		        params, -errno, "no socket: %s; raise LimitNOFILE", strerror(errno)
		);
		goto err;
	}
	if ((ret = netdev_query(p->control, conf->device, &dev)) < 0) {
		driver_fail(
		        params, ret, "interface %s: %s; see: ip link show", conf->device,
		        strerror(-ret)
		);
		goto err;
	}
	if ((ret = afxdp_check_interface(params, &dev)) < 0 ||
	    (ret = driver_check_pool(params)) < 0 ||
	    (ret = afxdp_ask_kernel(&p->port, params, &dev)) < 0 ||
	    (ret = afxdp_open_steer(p, params, dev.ifindex)) < 0 ||
	    (ret = afxdp_open_queues(p, params)) < 0)
		goto err;
	afxdp_warn_tags(params->conf, &dev);
	*port = &p->port;
	return 0;
err:
	afxdp_close(&p->port);
	return ret;
}
