// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../log/log.h"
#include "../xdp/loader.h"
#include "driver.h"

int driver_fail(const struct fog_port_params *params, int ret, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (params->error && params->error_len)
		snprintf(
		        params->error, params->error_len, "port %.31s: %s", params->conf->name, text
		);
	return ret;
}

void driver_init_head(
        struct fog_port *port, const struct fog_port_ops *ops, const struct fog_blob_port *conf
)
{
	port->ops = ops;
	snprintf(port->name, sizeof(port->name), "%.31s", conf->name);
	port->queues = conf->queues;
	port->vlan = conf->vlan;
	port->mtu = conf->mtu;
	port->address_count = conf->address_count;
	memcpy(port->address, conf->address, sizeof(port->address));
}

static void port_link_local(struct fog_port *port)
{
	bool speaks = false;

	for (unsigned i = 0; i < port->address_count; i++) {
		const struct fog_ip *a = &port->address[i];
		speaks |= a->family == 6;
		if (a->family == 6 && a->addr[0] == 0xfe && (a->addr[1] & 0xc0) == 0x80)
			port->link_local = *a;
	}
	if (!speaks || port->link_local.family)
		return;
	port->link_local = (struct fog_ip){.family = 6, .addr = {0xfe, 0x80}};
	uint8_t *id = port->link_local.addr + 8;
	memcpy(id, port->mac, 3);
	id[0] ^= 2; // universal/local bit
	id[3] = 0xff;
	id[4] = 0xfe;
	memcpy(id + 5, port->mac + 3, 3);
}

void driver_init_bare(struct fog_port *port, const struct fog_blob_port *conf)
{
	port->bare = true;
	memcpy(port->prefix, conf->prefix, sizeof(port->prefix));
	port->gateway4 = conf->gateway4;
	port->gateway6 = conf->gateway6;
	port_link_local(port);
}

void driver_clear_stats(const struct fog_port *port, struct fog_stats_port *out)
{
	memset(out->mode, 0, sizeof(*out) - offsetof(struct fog_stats_port, mode));
	out->queues = port->queues;
}

int driver_check_pool(const struct fog_port_params *params)
{
	unsigned room = rte_pktmbuf_data_room_size(params->pool[0]) - RTE_PKTMBUF_HEADROOM;
	unsigned need = params->conf->mtu + DRIVER_L2_LEN;

	if (need <= room)
		return 0;
	return driver_fail(
	        params, -EINVAL,
	        "frames of %u bytes do not fit packet buffers of %u: lower the mtu to %u", need,
	        room, room - DRIVER_L2_LEN
	);
}

static int port_open_driver(const struct fog_port_params *params, struct fog_port **port)
{
	switch (params->conf->driver) {
	case FOG_DRIVER_LOOP:
		return fog_loop_open(params, port);
	case FOG_DRIVER_AFXDP:
		return fog_afxdp_open(params, port);
	case FOG_DRIVER_DPDK:
		return fog_dpdk_open(params, port);
	default:
		return driver_fail(
		        params, -EINVAL,
		        "driver %u is unknown; set driver to loop, afxdp, dpdk or auto",
		        params->conf->driver
		);
	}
}

void fog_port_sweep(const char *instance, const struct fog_blob_port *port, unsigned n)
{
	const char *keep[FOG_PORTS_MAX];
	unsigned kept = 0, removed;

	for (unsigned i = 0; i < n; i++)
		if (port[i].driver == FOG_DRIVER_AFXDP)
			keep[kept++] = port[i].name;
	removed = fog_steer_sweep(instance, keep, kept);
	if (removed)
		LOG_INFO("%u XDP link(s) of ports that are no more removed", removed);
}

int fog_port_open(const struct fog_port_params *params, struct fog_port **port)
{
	const struct fog_blob_port *conf = params->conf;
	struct fog_stats_port stats = {};
	int ret;

	if (conf->queues < 1 || conf->queues > FOG_QUEUES_MAX)
		return driver_fail(
		        params, -EINVAL, "%u queues; set queues to 1 to %d", conf->queues,
		        FOG_QUEUES_MAX
		);
	if (conf->address_count > FOG_ADDRESSES_MAX)
		return driver_fail(
		        params, -EINVAL, "%u addresses; at most %d", conf->address_count,
		        FOG_ADDRESSES_MAX
		);
	if ((ret = port_open_driver(params, port)) < 0)
		return ret;
	(*port)->ops->stats(*port, &stats);
	// The mode is said at start: a step down that nobody notices costs speed for years.
	LOG_INFO(
	        "port %s: %.191s%s%u queues, %s%s%s%s", (*port)->name, conf->device,
	        conf->device[0] ? ", " : "", conf->queues, stats.mode, stats.xdp_why[0] ? " (" : "",
	        stats.xdp_why, stats.xdp_why[0] ? ")" : ""
	);
	return 0;
}
