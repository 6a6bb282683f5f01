// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "frame.h"

#include <rte_arp.h>
#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_icmp.h>
#include <rte_ip.h>
#include <string.h>

#include "question.h"

enum {
	ND_OPTION_SOURCE = 1, // link-layer address of the sender
	ND_OPTION_TARGET = 2, // ... of the target
	MLD_REPORT = 143, // version 2
	MLD_EXCLUDE_NOBODY = 2, // listens to every source
	ND_HOP_LIMIT = 255, // proves that no router passed it on
	ECHO_TTL = 64,
};

struct frame_nd {
	uint8_t type, code;
	uint16_t checksum;
	uint32_t flags;
	uint8_t target[16];
	uint8_t option, option_units; // of 8 bytes
	uint8_t mac[6];
};

// Hop-by-hop header with a router alert, and a report of one group.
struct frame_report {
	uint8_t next, units, alert[6];
	uint8_t type, code;
	uint16_t checksum;
	uint16_t reserved, records;
	uint8_t mode, auxiliary;
	uint16_t sources;
	uint8_t group[16];
};

_Static_assert(sizeof(struct frame_report) == 36, "RFC 2711 section 2.1, RFC 3810 section 5.2");
_Static_assert(sizeof(struct frame_nd) == 32, "RFC 4861 sections 4.3, 4.4 and 4.6.1");

uint16_t fog_frame_ethernet(
        uint8_t *out, const struct fog_port *port, const uint8_t to[6], uint16_t ether_type
)
{
	struct rte_ether_hdr eth = {.ether_type = rte_cpu_to_be_16(ether_type)};
	struct rte_vlan_hdr vlan = {
	        .vlan_tci = rte_cpu_to_be_16(port->vlan),
	        .eth_proto = rte_cpu_to_be_16(ether_type),
	};

	memcpy(&eth.dst_addr, to, 6);
	memcpy(&eth.src_addr, port->mac, 6);
	if (port->vlan != 0)
		eth.ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_VLAN);
	memcpy(out, &eth, sizeof(eth));
	if (port->vlan == 0)
		return sizeof(eth);
	memcpy(out + sizeof(eth), &vlan, sizeof(vlan));
	return sizeof(eth) + sizeof(vlan);
}

unsigned fog_frame_arp(
        uint8_t *out, const struct fog_port *port, uint16_t operation, const uint8_t to[6],
        const struct fog_ip *sender, const uint8_t target_mac[6], const struct fog_ip *target
)
{
	struct rte_arp_hdr arp = {
	        .arp_hardware = rte_cpu_to_be_16(RTE_ARP_HRD_ETHER),
	        .arp_protocol = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4),
	        .arp_hlen = 6,
	        .arp_plen = 4,
	        .arp_opcode = rte_cpu_to_be_16(operation),
	};
	unsigned at = fog_frame_ethernet(out, port, to, RTE_ETHER_TYPE_ARP);

	memcpy(&arp.arp_data.arp_sha, port->mac, 6);
	memcpy(&arp.arp_data.arp_sip, sender->addr, 4);
	memcpy(&arp.arp_data.arp_tha, target_mac, 6);
	memcpy(&arp.arp_data.arp_tip, target->addr, 4);
	memcpy(out + at, &arp, sizeof(arp));
	return at + (unsigned)sizeof(arp);
}

uint16_t fog_frame_icmp6_sum(const uint8_t *ip, const uint8_t *icmp, uint32_t len)
{
	uint32_t sum = rte_raw_cksum(ip + offsetof(struct rte_ipv6_hdr, src_addr), 32);

	sum += rte_raw_cksum(icmp, len);
	sum += rte_cpu_to_be_16((uint16_t)len);
	sum += rte_cpu_to_be_16(IPPROTO_ICMPV6);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

// The message behind its Ethernet header, which has 'at' bytes.
static unsigned frame_nd(
        uint8_t *out, unsigned at, const uint8_t from[16], const uint8_t to[16],
        const struct frame_nd *message
)
{
	struct rte_ipv6_hdr ip = {
	        .vtc_flow = rte_cpu_to_be_32(6u << 28),
	        .payload_len = rte_cpu_to_be_16(sizeof(*message)),
	        .proto = IPPROTO_ICMPV6,
	        .hop_limits = ND_HOP_LIMIT,
	};
	struct frame_nd m = *message;

	memcpy(ip.src_addr, from, 16);
	memcpy(ip.dst_addr, to, 16);
	m.checksum = (uint16_t
	)~fog_frame_icmp6_sum((const uint8_t *)&ip, (const uint8_t *)&m, sizeof(m));
	memcpy(out + at, &ip, sizeof(ip));
	memcpy(out + at + sizeof(ip), &m, sizeof(m));
	return at + (unsigned)(sizeof(ip) + sizeof(m));
}

// Group of the nodes with an address like 'ip', and where its frames go (RFC 4291 section 2.7.1).
static void group_of(const struct fog_ip *ip, uint8_t group[16], uint8_t mac[6])
{
	static const uint8_t prefix[16] = {0xff, 2, [11] = 1, [12] = 0xff};
	static const uint8_t mac_prefix[6] = {0x33, 0x33, 0xff};

	memcpy(group, prefix, sizeof(prefix));
	memcpy(group + 13, ip->addr + 13, 3);
	memcpy(mac, mac_prefix, sizeof(mac_prefix));
	memcpy(mac + 3, ip->addr + 13, 3);
}

unsigned fog_frame_solicit(
        uint8_t *out, const struct fog_port *port, const struct fog_ip *target, const uint8_t *mac
)
{
	struct frame_nd m = {.type = FOG_ND_SOLICIT, .option = ND_OPTION_SOURCE, .option_units = 1};
	uint8_t group[16], group_mac[6];

	group_of(target, group, group_mac);
	memcpy(m.target, target->addr, 16);
	memcpy(m.mac, port->mac, 6);
	unsigned at =
	        fog_frame_ethernet(out, port, mac != NULL ? mac : group_mac, RTE_ETHER_TYPE_IPV6);
	return frame_nd(out, at, port->link_local.addr, mac != NULL ? target->addr : group, &m);
}

unsigned fog_frame_advertise(
        uint8_t *out, const struct fog_port *port, const struct fog_ip *target,
        const struct fog_ip *to, const uint8_t *mac
)
{
	static const uint8_t all[16] = {0xff, 2, [15] = 1}, all_mac[6] = {0x33, 0x33, 0, 0, 0, 1};
	const uint32_t solicited = 1u << 30, override = 1u << 29;
	struct frame_nd m = {
	        .type = FOG_ND_ADVERTISE,
	        .flags = rte_cpu_to_be_32(mac != NULL ? solicited | override : override),
	        .option = ND_OPTION_TARGET,
	        .option_units = 1,
	};

	memcpy(m.target, target->addr, 16);
	memcpy(m.mac, port->mac, 6);
	unsigned at =
	        fog_frame_ethernet(out, port, mac != NULL ? mac : all_mac, RTE_ETHER_TYPE_IPV6);
	return frame_nd(out, at, target->addr, mac != NULL ? to->addr : all, &m);
}

unsigned fog_frame_listen(uint8_t *out, const struct fog_port *port, const struct fog_ip *address)
{
	static const uint8_t routers[16] = {0xff, 2, [15] = 0x16};
	static const uint8_t routers_mac[6] = {0x33, 0x33, 0, 0, 0, 0x16};
	struct frame_report m = {
	        .next = IPPROTO_ICMPV6,
	        .alert = {5, 2, 0, 0, 1, 0}, // for listener reports; two bytes of padding
	        .type = MLD_REPORT,
	        .records = rte_cpu_to_be_16(1),
	        .mode = MLD_EXCLUDE_NOBODY,
	};
	struct rte_ipv6_hdr ip = {
	        .vtc_flow = rte_cpu_to_be_32(6u << 28),
	        .payload_len = rte_cpu_to_be_16(sizeof(m)),
	        .proto = IPPROTO_HOPOPTS,
	        .hop_limits = 1,
	};
	const size_t alert = offsetof(struct frame_report, type);
	uint8_t group_mac[6];
	unsigned at = fog_frame_ethernet(out, port, routers_mac, RTE_ETHER_TYPE_IPV6);

	memcpy(ip.src_addr, port->link_local.addr, 16);
	memcpy(ip.dst_addr, routers, 16);
	group_of(address, m.group, group_mac);
	m.checksum = (uint16_t
	)~fog_frame_icmp6_sum((const uint8_t *)&ip, &m.type, (uint32_t)(sizeof(m) - alert));
	memcpy(out + at, &ip, sizeof(ip));
	memcpy(out + at + sizeof(ip), &m, sizeof(m));
	return at + (unsigned)(sizeof(ip) + sizeof(m));
}

static void echo4(uint8_t *l3, const struct fog_question *q)
{
	struct rte_ipv4_hdr *ip = (void *)l3;
	struct rte_icmp_hdr *icmp = (void *)(l3 + sizeof(*ip));

	memcpy(&ip->src_addr, q->target.addr, 4);
	memcpy(&ip->dst_addr, q->sender.addr, 4);
	ip->time_to_live = ECHO_TTL;
	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	icmp->icmp_type = RTE_IP_ICMP_ECHO_REPLY;
	icmp->icmp_cksum = 0;
	icmp->icmp_cksum = (uint16_t)~rte_raw_cksum(icmp, q->l3_len - sizeof(*ip));
}

static void echo6(uint8_t *l3, const struct fog_question *q)
{
	struct rte_ipv6_hdr *ip = (void *)l3;
	struct rte_icmp_hdr *icmp = (void *)(l3 + sizeof(*ip));

	memcpy(ip->src_addr, q->target.addr, 16);
	memcpy(ip->dst_addr, q->sender.addr, 16);
	ip->hop_limits = ECHO_TTL;
	icmp->icmp_type = FOG_ICMP6_ECHO_REPLY;
	icmp->icmp_cksum = 0;
	icmp->icmp_cksum = (uint16_t
	)~fog_frame_icmp6_sum(l3, (const uint8_t *)icmp, (uint32_t)(q->l3_len - sizeof(*ip)));
}

unsigned fog_frame_echo(uint8_t *frame, const struct fog_port *port, const struct fog_question *q)
{
	memcpy(frame, q->mac, 6);
	memcpy(frame + 6, port->mac, 6);
	if (q->sender.family == 4)
		echo4(frame + q->l3_at, q);
	else
		echo6(frame + q->l3_at, q);
	return q->l3_at + q->l3_len;
}
