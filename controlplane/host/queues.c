// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Stage queues: interfaces of AF_XDP ports: one receive queue a worker, packets spread over them, and
// no offload that hides a frame from the XDP program.
// Source: the kernel's Documentation/networking/scaling.rst, linux/ethtool.h, ethtool(8).
#include "queues.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

const struct queues_offload queues_offloads[QUEUES_OFFLOADS] = {
        {"rxvlan", ETH_FLAG_RXVLAN, true, "takes VLAN tags off before the XDP program sees them"},
        {"lro", ETH_FLAG_LRO, false, "joins packets before the XDP program sees them"},
};

const struct queues_busy queues_busy[QUEUES_BUSY] = {
        {"napi_defer_hard_irqs", "2"},
        {"gro_flush_timeout", "200000"},
};

int queues_ioctl(const char *interface, void *request)
{
	struct ifreq ifr = {.ifr_data = request};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", interface);
	int ret = ioctl(fd, SIOCETHTOOL, &ifr) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

bool queues_next(const struct host *h, unsigned *i, struct queues_port *out)
{
	unsigned workers = host_cpus_count(&h->cpus);

	while (h->devices > 0) {
		if (*i == h->devices)
			return false;
		const char *name = h->device[(*i)++];
		char pci[HOST_NAME_LEN];
		// What vfio has taken or will take has no queues of the kernel.
		if (host_pci_form(name) || host_undo_find(h, "driver", "interface", name) != NULL ||
		    (h->config == NULL && workers == 0 && host_pci_address(h, name, pci)))
			continue;
		*out = (struct queues_port){.interface = name, .queues = workers};
		return true;
	}
	while (h->config != NULL && *i < h->config->port_count) {
		const struct fog_config_port *port = &h->config->port[(*i)++];
		if (port->driver != FOG_DRIVER_AFXDP)
			continue;
		*out = (struct queues_port
		){port->device, port->queues, port->mtu, port->vlan,
		  h->config->workers.idle == FOG_IDLE_BUSY};
		return true;
	}
	return false;
}

unsigned queues_count(const struct host *h, const char *interface)
{
	DIR *d = host_folder(h, NET "/queues", interface);
	const char *entry;
	unsigned n = 0;

	while (d != NULL && (entry = host_entry(d)) != NULL)
		n += strncmp(entry, "rx-", 3) == 0;
	if (d != NULL)
		closedir(d);
	return n;
}

static void queues_check_link(struct host *h, const struct queues_port *p)
{
	char state[32];
	long long mtu = host_number(h, 0, NET "/mtu", p->interface);

	if ((host_number(h, 0, NET "/flags", p->interface) & IFF_UP) == 0) {
		host_say(h, HOST_FAIL, "%s is down", p->interface);
		host_mend(h, "run: ip link set dev %s up", p->interface);
	} else {
		host_read(h, state, sizeof(state), NET "/operstate", p->interface);
		if (strcmp(state, "down") == 0 || strcmp(state, "lowerlayerdown") == 0) {
			host_say(h, HOST_WARN, "%s has no link", p->interface);
			host_mend(h, "look at its cable and at the switch");
		}
	}
	if (mtu > 0 && p->mtu > mtu) {
		host_say(
		        h, HOST_FAIL, "%s has an MTU of %lld, the config asks for %u", p->interface,
		        mtu, p->mtu
		);
		host_mend(h, "run: ip link set dev %s mtu %u", p->interface, p->mtu);
	}
}

// Packets between two nodes differ in their UDP ports only: without these in the hash, one queue
// gets all of them.
static void queues_check_hash(struct host *h, const struct queues_port *p)
{
	static const struct {
		uint32_t flow;
		const char *name;
	} kind[] = {{UDP_V4_FLOW, "udp4"}, {UDP_V6_FLOW, "udp6"}};

	for (unsigned i = 0; i < 2 && p->queues > 1; i++) {
		struct ethtool_rxnfc rule = {.cmd = ETHTOOL_GRXFH, .flow_type = kind[i].flow};
		// Most virtual interfaces have no such setting.
		if (queues_ioctl(p->interface, &rule) < 0 ||
		    (rule.data & (RXH_L4_B_0_1 | RXH_L4_B_2_3)) == (RXH_L4_B_0_1 | RXH_L4_B_2_3))
			continue;
		host_say(
		        h, HOST_WARN, "%s spreads %s packets over its queues without their ports",
		        p->interface, kind[i].name
		);
		host_mend(h, "run: ethtool -N %s rx-flow-hash %s sdfn", p->interface, kind[i].name);
	}
}

bool queues_offload_bad(
        const struct queues_port *p, const struct queues_offload *o, uint32_t *flags
)
{
	struct ethtool_value value = {.cmd = ETHTOOL_GFLAGS};

	if ((o->only_vlan && p->vlan == 0) || queues_ioctl(p->interface, &value) < 0)
		return false;
	*flags = value.data;
	return (value.data & o->flag) != 0;
}

static void queues_check_offloads(struct host *h, const struct queues_port *p)
{
	uint32_t flags;

	for (unsigned i = 0; i < QUEUES_OFFLOADS; i++) {
		const struct queues_offload *o = &queues_offloads[i];
		if (!queues_offload_bad(p, o, &flags))
			continue;
		host_say(
		        h, HOST_WARN, "%s has the offload %s, which %s", p->interface, o->name,
		        o->why
		);
		host_mend(
		        h, "run: fogctl host init queues (or ethtool -K %s %s off)", p->interface,
		        o->name
		);
	}
}

static void queues_check_busy(struct host *h, const struct queues_port *p)
{
	for (unsigned i = 0; i < QUEUES_BUSY && p->busy; i++) {
		long long value = host_number(h, 0, NET "/%s", p->interface, queues_busy[i].name);
		host_say(
		        h, value > 0 ? HOST_OK : HOST_WARN, "%s of %s is %lld%s",
		        queues_busy[i].name, p->interface, value,
		        value > 0 ? "" : ": its interrupts disturb workers that poll anyway"
		);
		if (value == 0)
			host_mend(h, "run: fogctl host init queues");
	}
}

const char *queues_word(const struct ethtool_channels *c)
{
	return c->combined_count > 0 || c->max_combined > 0 ? "combined" : "rx";
}

static void queues_check_count(struct host *h, const struct queues_port *p)
{
	struct ethtool_channels c = {.cmd = ETHTOOL_GCHANNELS};
	unsigned have = queues_count(h, p->interface);

	if (p->queues == 0) {
		host_say(h, HOST_OK, "%s has %u receive queues", p->interface, have);
		return;
	}
	host_say(
	        h, have == p->queues ? HOST_OK : HOST_FAIL, "%s has %u receive queues, %u needed",
	        p->interface, have, p->queues
	);
	if (have == p->queues)
		return;
	bool known = h->root[0] == '\0' && queues_ioctl(p->interface, &c) == 0;
	if (known && c.max_combined + c.max_rx < p->queues)
		host_mend(
		        h, "%s can have %u at most: use as many workers, or another NIC",
		        p->interface, c.max_combined + c.max_rx
		);
	else
		host_mend(
		        h, "run: fogctl host init queues (or ethtool -L %s %s %u)", p->interface,
		        known ? queues_word(&c) : "combined", p->queues
		);
}

void host_check_queues(struct host *h)
{
	struct queues_port p;
	char pci[HOST_NAME_LEN];
	unsigned seen = 0;

	for (unsigned i = 0; queues_next(h, &i, &p); seen++) {
		if (!host_exists(h, NET, p.interface)) {
			host_say(h, HOST_FAIL, "there is no interface %s", p.interface);
			host_mend(h, "give a name that 'ip link' shows");
			continue;
		}
		queues_check_count(h, &p);
		queues_check_link(h, &p);
		queues_check_busy(h, &p);
		if (host_pci_address(h, p.interface, pci))
			host_check_node(h, pci);
		if (h->root[0] != '\0')
			continue;
		queues_check_hash(h, &p);
		queues_check_offloads(h, &p);
	}
	if (seen == 0)
		host_say(
		        h, HOST_SKIP, "%s",
		        h->config != NULL ? "the config has no AF_XDP port"
		                          : "no interface is asked for (--device, or a config)"
		);
}
