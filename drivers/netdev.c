// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "netdev.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

static int netdev_ioctl(int fd, unsigned long request, const char *name, struct ifreq *ifr)
{
	snprintf(ifr->ifr_name, sizeof(ifr->ifr_name), "%.15s", name);
	return ioctl(fd, request, ifr) < 0 ? -errno : 0;
}

static void netdev_channels(int fd, const char *name, struct netdev *out)
{
	struct ethtool_channels channels = {.cmd = ETHTOOL_GCHANNELS};
	struct ifreq ifr = {.ifr_data = (void *)&channels};

	out->queues = 1;
	if (netdev_ioctl(fd, SIOCETHTOOL, name, &ifr) < 0)
		return;
	out->combined = channels.combined_count > 0;
	if (channels.combined_count + channels.rx_count)
		out->queues = channels.combined_count + channels.rx_count;
}

static int netdev_strips_tags(int fd, const char *name)
{
	struct ethtool_value flags = {.cmd = ETHTOOL_GFLAGS};
	struct ifreq ifr = {.ifr_data = (void *)&flags};

	return netdev_ioctl(fd, SIOCETHTOOL, name, &ifr) == 0 && (flags.data & ETH_FLAG_RXVLAN);
}

int netdev_query(int fd, const char *name, struct netdev *out)
{
	struct ifreq ifr = {};
	int ret;

	memset(out, 0, sizeof(*out));
	if (strlen(name) >= IFNAMSIZ)
		return -ENODEV;
	if ((ret = netdev_ioctl(fd, SIOCGIFINDEX, name, &ifr)) < 0)
		return ret;
	out->ifindex = ifr.ifr_ifindex;
	if ((ret = netdev_ioctl(fd, SIOCGIFMTU, name, &ifr)) < 0)
		return ret;
	out->mtu = ifr.ifr_mtu;
	if ((ret = netdev_ioctl(fd, SIOCGIFFLAGS, name, &ifr)) < 0)
		return ret;
	out->up = !!(ifr.ifr_flags & IFF_UP);
	if ((ret = netdev_ioctl(fd, SIOCGIFHWADDR, name, &ifr)) < 0)
		return ret;
	memcpy(out->mac, ifr.ifr_hwaddr.sa_data, sizeof(out->mac));
	netdev_channels(fd, name, out);
	out->strips_tags = netdev_strips_tags(fd, name);
	return 0;
}

int netdev_running(int fd, const char *name)
{
	struct ifreq ifr = {};

	return netdev_ioctl(fd, SIOCGIFFLAGS, name, &ifr) == 0 && (ifr.ifr_flags & IFF_RUNNING);
}

static unsigned long netdev_setting(const char *name, const char *setting)
{
	unsigned long value = 0;
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "/sys/class/net/%.15s/%s", name, setting);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%lu", &value) != 1)
		value = 0;
	fclose(file);
	return value;
}

bool netdev_defers_interrupts(const char *name)
{
	return netdev_setting(name, "napi_defer_hard_irqs") > 0 &&
	        netdev_setting(name, "gro_flush_timeout") > 0;
}
