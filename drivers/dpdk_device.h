// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What a DPDK device is asked beyond queues and bursts: spreading, offloads, multicast, counters of
// its own. All functions: manager thread.
#pragma once

#include <rte_ethdev.h>

#include "driver.h"

// What of the device is in use; the words stand in the port's mode.
struct dpdk_features {
	uint64_t rss; // RTE_ETH_RSS_*, 0 = frames are not spread
	uint64_t rx_offloads; // RTE_ETH_RX_OFFLOAD_*
	bool tx_checksum; // UDP checksums are left to the device
	const char *table; // what is known about the redirection table; "" = nothing to say
	const char *multicast; // "" = only the groups of our addresses reach us
};

// Choose from what 'info' offers for 'queues' and write it into 'conf'.
void dpdk_device_choose(
        const struct rte_eth_dev_info *info, uint16_t queues, struct dpdk_features *f,
        struct rte_eth_conf *conf
);

// Make the redirection table reach exactly 'queues'. The device runs. Returns 0 (also when the
// device has no table to look at) or -errno: it points elsewhere and can't be set.
int dpdk_device_check_table(
        uint16_t id, const struct rte_eth_dev_info *info, uint16_t queues, struct dpdk_features *f
);

// Receive the groups that IPv6 neighbours ask for our addresses by (RFC 4291 section 2.7.1), or all
// groups where the device can't choose. Returns 0, or -errno when it can do neither.
int dpdk_device_join(uint16_t id, const struct fog_port *port, struct dpdk_features *f);

// One line for people about what is in use.
void dpdk_device_describe(
        const struct dpdk_features *f, const char *driver, uint16_t queues, char *text, size_t len
);

// Counters of the device by its own names.
void dpdk_device_stats(uint16_t id, struct fog_stats_device *out);
