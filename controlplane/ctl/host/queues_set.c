// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Stage queues: setting channels and offloads, and back.
#include <errno.h>
#include <string.h>

#include "../../host/queues.h"
#include "init.h"

static void queues_print_channels(const char *interface, const struct ethtool_channels *c)
{
	printf("ethtool -L %s", interface);
	if (c->combined_count > 0)
		printf(" combined %u", c->combined_count);
	if (c->rx_count > 0)
		printf(" rx %u", c->rx_count);
	if (c->tx_count > 0)
		printf(" tx %u", c->tx_count);
	putchar('\n');
	fflush(stdout);
}

static json_t *queues_channels_json(const struct ethtool_channels *c)
{
	return json_pack(
	        "{s:i, s:i, s:i}", "combined", (int)c->combined_count, "rx", (int)c->rx_count, "tx",
	        (int)c->tx_count
	);
}

static int queues_init_count(struct host *h, const struct queues_port *p)
{
	struct ethtool_channels c = {.cmd = ETHTOOL_GCHANNELS};
	unsigned have = queues_count(h, p->interface);

	if (p->queues == 0 || have == p->queues)
		return 0;
	int ret = queues_ioctl(p->interface, &c);
	if (ret < 0 || c.max_combined + c.max_rx < p->queues)
		return host_stop(
		        h, ret < 0 ? ret : -ERANGE,
		        "%s can't have %u receive queues, it has %u: use as many workers, or "
		        "another NIC",
		        p->interface, p->queues, have
		);
	json_t *was = queues_channels_json(&c);
	if (strcmp(queues_word(&c), "combined") == 0) {
		c.combined_count = p->queues;
		c.rx_count = 0;
	} else {
		c.rx_count = p->queues;
		if (c.max_tx >= p->queues)
			c.tx_count = p->queues;
	}
	json_t *set = queues_channels_json(&c);
	queues_print_channels(p->interface, &c);
	h->changes++;
	json_t *change = json_pack(
	        "{s:s, s:s, s:s, s:o, s:o}", "stage", h->stage, "kind", "channels", "interface",
	        p->interface, "was", was, "set", set
	);
	if (h->dry) {
		json_decref(change);
		return 0;
	}
	if ((ret = host_undo_add(h, change)) < 0)
		return ret;
	c.cmd = ETHTOOL_SCHANNELS;
	ret = queues_ioctl(p->interface, &c);
	if (ret == 0)
		return 0;
	host_undo_drop(h);
	return host_stop(
	        h, ret,
	        "%s: %s: take what uses its queues off first (an XDP program, an AF_XDP socket)",
	        p->interface, strerror(-ret)
	);
}

static int queues_init_offloads(struct host *h, const struct queues_port *p)
{
	uint32_t flags;

	for (unsigned i = 0; i < QUEUES_OFFLOADS; i++) {
		const struct queues_offload *o = &queues_offloads[i];
		if (!queues_offload_bad(p, o, &flags))
			continue;
		printf("ethtool -K %s %s off\n", p->interface, o->name);
		fflush(stdout);
		h->changes++;
		if (h->dry)
			continue;
		int ret = host_undo_add(
		        h,
		        json_pack(
		                "{s:s, s:s, s:s, s:s}", "stage", h->stage, "kind", "offload",
		                "interface", p->interface, "name", o->name
		        )
		);
		if (ret < 0)
			return ret;
		struct ethtool_value value = {.cmd = ETHTOOL_SFLAGS, .data = flags & ~o->flag};
		ret = queues_ioctl(p->interface, &value);
		if (ret == 0)
			continue;
		host_undo_drop(h);
		return host_stop(
		        h, ret, "%s: %s: it can't do without the offload %s: use another NIC%s",
		        p->interface, strerror(-ret), o->name, o->only_vlan ? ", or no vlan" : ""
		);
	}
	return 0;
}

static int queues_init_busy(struct host *h, const struct queues_port *p)
{
	for (unsigned i = 0; i < QUEUES_BUSY && p->busy; i++) {
		// A value of the operator's own is as good.
		if (host_number(h, 0, NET "/%s", p->interface, queues_busy[i].name) > 0)
			continue;
		int ret = host_set(
		        h, queues_busy[i].set, NET "/%s", p->interface, queues_busy[i].name
		);
		if (ret < 0)
			return host_stop(
			        h, ret,
			        "%s of %s: %s: use Linux 5.11 or later, or 'workers: idle: "
			        "adaptive'",
			        queues_busy[i].name, p->interface, strerror(-ret)
			);
	}
	return 0;
}

int host_init_queues(struct host *h)
{
	struct queues_port p;
	int ret;

	for (unsigned i = 0; queues_next(h, &i, &p);) {
		if (!host_exists(h, NET, p.interface))
			return host_stop(h, -ENODEV, "there is no interface %s: give a name that "
			"'ip link' shows", p.interface);
		if ((ret = queues_init_count(h, &p)) < 0 ||
		    (ret = queues_init_offloads(h, &p)) < 0 || (ret = queues_init_busy(h, &p)) < 0)
			return ret;
	}
	return 0;
}

static uint32_t queues_number(const json_t *counts, const char *name)
{
	return (uint32_t)json_integer_value(json_object_get(counts, name));
}

static bool queues_same(const struct ethtool_channels *c, const json_t *counts)
{
	return c->combined_count == queues_number(counts, "combined") &&
	        c->rx_count == queues_number(counts, "rx") &&
	        c->tx_count == queues_number(counts, "tx");
}

int host_channels_undo(struct host *h, const json_t *change)
{
	const char *interface = json_string_value(json_object_get(change, "interface"));
	const json_t *was = json_object_get(change, "was");
	struct ethtool_channels c = {.cmd = ETHTOOL_GCHANNELS};

	if (interface == NULL || queues_ioctl(interface, &c) < 0) {
		printf("# %s is gone: nothing to restore\n", interface != NULL ? interface : "it");
		return 0;
	}
	if (queues_same(&c, was))
		return 0;
	if (!queues_same(&c, json_object_get(change, "set"))) {
		printf("# %s: somebody has changed its queues since, left as they are\n",
		       interface);
		return 0;
	}
	c.cmd = ETHTOOL_SCHANNELS;
	c.combined_count = queues_number(was, "combined");
	c.rx_count = queues_number(was, "rx");
	c.tx_count = queues_number(was, "tx");
	queues_print_channels(interface, &c);
	h->changes++;
	int ret = h->dry ? 0 : queues_ioctl(interface, &c);
	return ret == 0 ? 0
	                : host_stop(
	                          h, ret, "%s: %s: stop the data plane, then run: fogctl host undo",
	                          interface, strerror(-ret)
	                  );
}

int host_offload_undo(struct host *h, const json_t *change)
{
	const char *interface = json_string_value(json_object_get(change, "interface"));
	const char *name = json_string_value(json_object_get(change, "name"));
	struct ethtool_value value = {.cmd = ETHTOOL_GFLAGS};
	uint32_t flag = 0;

	for (unsigned i = 0; name != NULL && i < QUEUES_OFFLOADS; i++)
		if (strcmp(queues_offloads[i].name, name) == 0)
			flag = queues_offloads[i].flag;
	if (interface == NULL || queues_ioctl(interface, &value) < 0) {
		printf("# %s is gone: nothing to restore\n", interface != NULL ? interface : "it");
		return 0;
	}
	if ((value.data & flag) == flag)
		return 0;
	printf("ethtool -K %s %s on\n", interface, name);
	fflush(stdout);
	h->changes++;
	value = (struct ethtool_value){.cmd = ETHTOOL_SFLAGS, .data = value.data | flag};
	int ret = h->dry ? 0 : queues_ioctl(interface, &value);
	return ret == 0 ? 0
	                : host_stop(
	                          h, ret, "%s: %s: run: ethtool -K %s %s on", interface,
	                          strerror(-ret), interface, name
	                  );
}
