// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "dpdk_device.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
	DEVICE_GROUPS_MAX = FOG_ADDRESSES_MAX + 2, // our addresses, the link-local one, all nodes
	DEVICE_COUNTERS_MAX = 512,
};

void dpdk_device_choose(
        const struct rte_eth_dev_info *info, uint16_t queues, struct dpdk_features *f,
        struct rte_eth_conf *conf
)
{
	const uint64_t udp = RTE_ETH_RSS_NONFRAG_IPV4_UDP | RTE_ETH_RSS_NONFRAG_IPV6_UDP;
	const uint64_t ip = RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_IPV6;
	uint64_t offered = info->flow_type_rss_offloads;

	*f = (struct dpdk_features){.table = "", .multicast = ""};
	// Senders change their UDP source port from packet to packet so that ports spread best.
	if (queues > 1)
		f->rss = offered & udp ? offered & udp : offered & ip;
	if (f->rss) {
		conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf->rx_adv_conf.rss_conf.rss_hf = f->rss;
	}
	f->rx_offloads = info->rx_offload_capa &
	        (RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM);
	conf->rxmode.offloads = f->rx_offloads;
	f->tx_checksum = (info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_UDP_CKSUM) != 0;
	conf->txmode.offloads = f->tx_checksum ? RTE_ETH_TX_OFFLOAD_UDP_CKSUM : 0;
}

static bool table_is_ours(
        const struct rte_eth_rss_reta_entry64 *table, uint16_t size, uint16_t queues
)
{
	bool reached[FOG_QUEUES_MAX] = {};
	unsigned count = 0;

	for (unsigned i = 0; i < size; i++) {
		uint16_t queue =
		        table[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE];
		if (queue >= queues)
			return false;
		count += !reached[queue];
		reached[queue] = true;
	}
	return count == queues;
}

static void table_select(struct rte_eth_rss_reta_entry64 *table, uint16_t size, uint16_t queues)
{
	memset(table, 0, sizeof(*table) * (size / RTE_ETH_RETA_GROUP_SIZE));
	for (unsigned i = 0; i < size; i++) {
		struct rte_eth_rss_reta_entry64 *group = &table[i / RTE_ETH_RETA_GROUP_SIZE];
		group->mask |= UINT64_C(1) << i % RTE_ETH_RETA_GROUP_SIZE;
		group->reta[i % RTE_ETH_RETA_GROUP_SIZE] = (uint16_t)(i % queues);
	}
}

int dpdk_device_check_table(
        uint16_t id, const struct rte_eth_dev_info *info, uint16_t queues, struct dpdk_features *f
)
{
	struct rte_eth_rss_reta_entry64 table[RTE_ETH_RSS_RETA_SIZE_512 / RTE_ETH_RETA_GROUP_SIZE];
	uint16_t size = info->reta_size;
	int ret;

	if (!f->rss)
		return 0;
	f->table = ", redirection table not shown";
	if (size == 0 || size > RTE_ETH_RSS_RETA_SIZE_512 || size % RTE_ETH_RETA_GROUP_SIZE != 0)
		return 0;
	table_select(table, size, queues);
	if (rte_eth_dev_rss_reta_query(id, table, size) < 0)
		return 0;
	f->table = "";
	if (table_is_ours(table, size, queues))
		return 0;
	table_select(table, size, queues);
	if ((ret = rte_eth_dev_rss_reta_update(id, table, size)) < 0)
		return ret;
	if ((ret = rte_eth_dev_rss_reta_query(id, table, size)) < 0)
		return ret;
	return table_is_ours(table, size, queues) ? 0 : -EIO;
}

static void groups_add(struct rte_ether_addr *groups, unsigned *count, const struct fog_ip *ip)
{
	struct rte_ether_addr group = {
	        {0x33, 0x33, 0xff, ip->addr[13], ip->addr[14], ip->addr[15]}};

	if (ip->family != 6)
		return;
	for (unsigned i = 0; i < *count; i++)
		if (rte_is_same_ether_addr(&groups[i], &group))
			return;
	groups[(*count)++] = group;
}

int dpdk_device_join(uint16_t id, const struct fog_port *port, struct dpdk_features *f)
{
	struct rte_ether_addr groups[DEVICE_GROUPS_MAX] = {{{0x33, 0x33, 0, 0, 0, 1}}};
	unsigned count = 1;
	int ret;

	if (!port->link_local.family)
		return 0;
	groups_add(groups, &count, &port->link_local);
	for (unsigned i = 0; i < port->address_count; i++)
		groups_add(groups, &count, &port->address[i]);
	if (rte_eth_dev_set_mc_addr_list(id, groups, count) == 0)
		return 0;
	f->multicast = ", all multicast";
	ret = rte_eth_allmulticast_enable(id);
	// Rings and files filter nothing.
	if (ret == -ENOTSUP)
		f->multicast = "";
	return ret == -ENOTSUP ? 0 : ret;
}

void dpdk_device_describe(
        const struct dpdk_features *f, const char *driver, uint16_t queues, char *text, size_t len
)
{
	const uint64_t both = RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM;
	const uint64_t ip = RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_IPV6;
	const char *spread = "", *checksums = "";

	if (queues > 1)
		spread = !f->rss      ? ", no RSS offered"
		        : f->rss & ip ? ", RSS over IP"
		                      : ", RSS over UDP";
	if (f->rx_offloads == both)
		checksums = f->tx_checksum ? ", rx and tx checksums" : ", rx checksums";
	else if (f->rx_offloads || f->tx_checksum)
		checksums = ", some checksums";
	snprintf(
	        text, len, "dpdk %.20s%s%s%s%s", driver, spread, f->table, checksums, f->multicast
	);
}

// Counters of single queues come last: with many queues they would push out all others.
static bool counter_of_queue(const char *name)
{
	return strncmp(name, "rx_q", 4) == 0 || strncmp(name, "tx_q", 4) == 0;
}

void dpdk_device_stats(uint16_t id, struct fog_stats_device *out)
{
	static struct rte_eth_xstat_name names[DEVICE_COUNTERS_MAX]; // manager only
	static struct rte_eth_xstat values[DEVICE_COUNTERS_MAX];
	int count = rte_eth_xstats_get_names(id, names, DEVICE_COUNTERS_MAX);

	memset(out, 0, sizeof(*out));
	if (count < 0 || count > DEVICE_COUNTERS_MAX ||
	    rte_eth_xstats_get(id, values, DEVICE_COUNTERS_MAX) != count)
		return;
	for (int queues = 0; queues < 2; queues++) {
		for (int i = 0; i < count; i++) {
			const char *name = names[values[i].id].name;
			if (counter_of_queue(name) != queues)
				continue;
			if (out->count == FOG_DEVICE_STATS_MAX) {
				out->left_out++;
				continue;
			}
			snprintf(
			        out->name[out->count], sizeof(out->name[0]), "%.*s",
			        (int)sizeof(out->name[0]) - 1, name
			);
			out->value[out->count++] = values[i].value;
		}
	}
}
