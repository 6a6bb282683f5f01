// SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only
// Copyright (c) 2026 the Fogline authors
// Whose a frame is, from its headers. dataplane/parse.c judges by the same rules in the same
// order; tests/xdp compares the two. Sources: IEEE 802.1Q, RFC 791, RFC 8200, RFC 768.
#pragma once

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "steer_shared.h"

// Set by the loader before the program is loaded.
const volatile struct fog_steer_port fog_port = {};

struct vlan_tag {
	__be16 tci;
	__be16 ethertype;
};

// Common shape of the extension headers that are read (RFC 8200 section 4).
struct ipv6_extension {
	__u8 next;
	__u8 len; // in units of 8 bytes, the first not counted; reserved in a fragment header

	union {
		__be16 offset; // fragment: 13 bits offset, 2 reserved, 1 more

		struct {
			__u8 type;
			__u8 left; // routing: stops that are still ahead
		};
	};

	__u8 rest[4];
};

// How far the parser got. REDIRECTED stands for "ours so far".
struct cursor {
	void *at;
	void *end; // of the frame
	void *ip_end; // of the IP packet, by its own length: Ethernet pads short ones
	__be16 ethertype;
	__u8 family;
	__u8 fragment; // the first one of several, or IPv6's fragment header around a whole packet
	__u8 from[16]; // source address, IPv4 in the first four bytes
	struct udphdr *udp; // when ours
};

// Verifiers up to Linux 6.1 at least lose track of a value that is turned round; the mask, which a
// compiler would leave out, tells them again how large it can be.
static __always_inline __u64 host16(__be16 value)
{
	__u64 host = bpf_ntohs(value);

	asm("%0 &= 0xffff" : "+r"(host));
	return host;
}

static __always_inline int is_tag(__be16 ethertype)
{
	return ethertype == bpf_htons(ETH_P_8021Q) || ethertype == bpf_htons(ETH_P_8021AD);
}

// Tag 0 is a priority, not a network, so it says nothing about whose the frame is. Ours is one
// 802.1Q tag with our number: a number inside or outside of it is another network's.
static __always_inline enum fog_steer_verdict parse_ethernet(struct cursor *c)
{
	struct ethhdr *eth = c->at;
	__be16 vlan = 0;
	int foreign = 0;

	if ((void *)(eth + 1) > c->end)
		return FOG_STEER_PASS_TRUNCATED;
	c->at = eth + 1;
	c->ethertype = eth->h_proto;
	for (int i = 0; i < FOG_STEER_TAGS && is_tag(c->ethertype); i++) {
		struct vlan_tag *tag = c->at;

		if ((void *)(tag + 1) > c->end)
			return FOG_STEER_PASS_TRUNCATED;
		if (tag->tci & bpf_htons(0x0fff)) {
			foreign |= vlan || c->ethertype != bpf_htons(ETH_P_8021Q);
			vlan = tag->tci & bpf_htons(0x0fff);
		}
		c->at = tag + 1;
		c->ethertype = tag->ethertype;
	}
	return foreign || vlan != fog_port.vlan ? FOG_STEER_PASS_VLAN : FOG_STEER_REDIRECTED;
}

static __always_inline int is_ours4(__be32 to)
{
	for (int i = 0; i < FOG_STEER_ADDRESSES; i++)
		if (i < fog_port.count4 && to == fog_port.address4[i])
			return 1;
	return 0;
}

static __always_inline int is_ours6(const __be32 to[4])
{
	for (int i = 0; i < FOG_STEER_ADDRESSES; i++)
		if (i < fog_port.count6 && to[0] == fog_port.address6[i][0] &&
		    to[1] == fog_port.address6[i][1] && to[2] == fog_port.address6[i][2] &&
		    to[3] == fog_port.address6[i][3])
			return 1;
	return 0;
}

static __always_inline enum fog_steer_verdict parse_ipv4(struct cursor *c)
{
	struct iphdr *ip = c->at;
	__u32 header, total;

	if ((void *)(ip + 1) > c->end)
		return FOG_STEER_PASS_TRUNCATED;
	header = ip->ihl * 4;
	total = host16(ip->tot_len);
	if (ip->version != 4 || header < sizeof(*ip) || total < header)
		return FOG_STEER_PASS_TRUNCATED;
	if (!is_ours4(ip->daddr))
		return FOG_STEER_PASS_ADDRESS;
	if (ip->frag_off & bpf_htons(0x1fff))
		return FOG_STEER_PASS_FRAGMENT;
	if (ip->protocol != IPPROTO_UDP)
		return FOG_STEER_PASS_TRANSPORT;
	c->family = 4;
	c->fragment = !!(ip->frag_off & bpf_htons(0x2000));
	__builtin_memcpy(c->from, &ip->saddr, sizeof(ip->saddr));
	c->ip_end = c->at + total;
	c->at += header;
	return FOG_STEER_REDIRECTED;
}

static __always_inline int is_extension(__u8 next)
{
	return next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_FRAGMENT ||
	        next == IPPROTO_DSTOPTS;
}

// From the first extension header to UDP.
static __always_inline enum fog_steer_verdict parse_extensions(struct cursor *c, __u8 next)
{
	for (int i = 0; i < FOG_STEER_HEADERS && is_extension(next); i++) {
		struct ipv6_extension *header = c->at;
		__u32 len = sizeof(*header);

		if ((void *)(header + 1) > c->end)
			return FOG_STEER_PASS_TRUNCATED;
		if (next == IPPROTO_FRAGMENT) {
			if (header->offset & bpf_htons(0xfff8))
				return FOG_STEER_PASS_FRAGMENT;
			c->fragment = 1;
		} else {
			len *= 1u + header->len;
		}
		// Not at its last stop: forwarding it is the kernel's.
		if (next == IPPROTO_ROUTING && header->left)
			return FOG_STEER_PASS_TRANSPORT;
		next = header->next;
		c->at += len;
	}
	return next == IPPROTO_UDP ? FOG_STEER_REDIRECTED : FOG_STEER_PASS_TRANSPORT;
}

static __always_inline enum fog_steer_verdict parse_ipv6(struct cursor *c)
{
	struct ipv6hdr *ip = c->at;

	if ((void *)(ip + 1) > c->end || ip->version != 6)
		return FOG_STEER_PASS_TRUNCATED;
	if (!is_ours6(ip->daddr.in6_u.u6_addr32))
		return FOG_STEER_PASS_ADDRESS;
	c->family = 6;
	__builtin_memcpy(c->from, &ip->saddr, sizeof(ip->saddr));
	c->at = ip + 1;
	c->ip_end = c->at + host16(ip->payload_len);
	return parse_extensions(c, ip->nexthdr);
}

static __always_inline enum fog_steer_verdict parse(struct cursor *c)
{
	enum fog_steer_verdict verdict = parse_ethernet(c);

	if (verdict != FOG_STEER_REDIRECTED)
		return verdict;
	if (c->ethertype == bpf_htons(ETH_P_IP))
		verdict = parse_ipv4(c);
	else if (c->ethertype == bpf_htons(ETH_P_IPV6))
		verdict = parse_ipv6(c);
	else
		return FOG_STEER_PASS_ETHERTYPE;
	if (verdict != FOG_STEER_REDIRECTED)
		return verdict;
	c->udp = c->at;
	if ((void *)(c->udp + 1) > c->end || (void *)(c->udp + 1) > c->ip_end)
		return FOG_STEER_PASS_TRUNCATED;
	return c->udp->dest == fog_port.mix_port ? FOG_STEER_REDIRECTED : FOG_STEER_PASS_PORT;
}

// Ours, but does it have the lengths of a packet of the network?
static __always_inline int length_fits(const struct cursor *c)
{
	return host16(c->udp->len) == fog_port.udp_len && c->ip_end <= c->end &&
	        (void *)c->udp + fog_port.udp_len <= c->ip_end;
}
