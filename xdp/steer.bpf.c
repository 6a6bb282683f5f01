// SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only
// Copyright (c) 2026 the Fogline authors
// Frames to our addresses and our UDP port go to the AF_XDP socket of their queue, everything else
// goes on to the kernel. Lengths and checksums are not judged here: the worker does that and counts
// by reason, so only what is needed to tell "ours" is read.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "steer_shared.h"

// Set by the loader before the program is loaded; both in network byte order.
const volatile __u16 fog_mix_port = 0;
const volatile __u16 fog_vlan = 0; // 0 = untagged frames are ours

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, 1); // one per queue, set by the loader
	__type(key, __u32);
	__type(value, __u32);
} fog_sockets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FOG_STEER_ADDRESSES);
	__type(key, struct fog_steer_address);
	__type(value, __u8);
} fog_addresses SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, FOG_STEER_VERDICTS);
	__type(key, __u32);
	__type(value, __u64);
} fog_verdicts SEC(".maps");

struct vlan_tag {
	__be16 tci;
	__be16 ethertype;
};

struct ipv6_fragment {
	__u8 next;
	__u8 reserved;
	__be16 offset; // 13 bits offset, 2 reserved, 1 more
	__be32 id;
};

// How far the parser got. REDIRECTED stands for "ours so far".
struct cursor {
	void *at;
	void *end;
	__be16 ethertype;
	struct fog_steer_address to;
};

static __always_inline enum fog_steer_verdict parse_ethernet(struct cursor *c)
{
	struct ethhdr *eth = c->at;
	struct vlan_tag *tag = (void *)(eth + 1);
	int tagged;

	if ((void *)(eth + 1) > c->end)
		return FOG_STEER_PASS_TRUNCATED;
	c->at = eth + 1;
	c->ethertype = eth->h_proto;
	tagged = c->ethertype == bpf_htons(ETH_P_8021Q) || c->ethertype == bpf_htons(ETH_P_8021AD);
	if (!tagged)
		return fog_vlan ? FOG_STEER_PASS_VLAN : FOG_STEER_REDIRECTED;
	if ((void *)(tag + 1) > c->end)
		return FOG_STEER_PASS_TRUNCATED;
	if (!fog_vlan || c->ethertype != bpf_htons(ETH_P_8021Q) ||
	    (tag->tci & bpf_htons(0x0fff)) != fog_vlan)
		return FOG_STEER_PASS_VLAN;
	c->at = tag + 1;
	c->ethertype = tag->ethertype;
	return FOG_STEER_REDIRECTED;
}

static __always_inline enum fog_steer_verdict parse_ipv4(struct cursor *c)
{
	struct iphdr *ip = c->at;

	if ((void *)(ip + 1) > c->end || ip->version != 4 || ip->ihl < 5)
		return FOG_STEER_PASS_TRUNCATED;
	if (ip->protocol != IPPROTO_UDP)
		return FOG_STEER_PASS_TRANSPORT;
	if (ip->frag_off & bpf_htons(0x1fff))
		return FOG_STEER_PASS_FRAGMENT;
	c->to.family = 4;
	__builtin_memcpy(c->to.addr, &ip->daddr, sizeof(ip->daddr));
	c->at += ip->ihl * 4;
	return FOG_STEER_REDIRECTED;
}

// A fragment header is the one extension header read: a first fragment that shows our port must
// reach the worker, which counts it.
static __always_inline enum fog_steer_verdict parse_ipv6(struct cursor *c)
{
	struct ipv6hdr *ip = c->at;
	struct ipv6_fragment *fragment = (void *)(ip + 1);
	__u8 next;

	if ((void *)(ip + 1) > c->end || ip->version != 6)
		return FOG_STEER_PASS_TRUNCATED;
	next = ip->nexthdr;
	c->to.family = 6;
	__builtin_memcpy(c->to.addr, &ip->daddr, sizeof(ip->daddr));
	c->at = ip + 1;
	if (next == IPPROTO_FRAGMENT) {
		if ((void *)(fragment + 1) > c->end)
			return FOG_STEER_PASS_TRUNCATED;
		if (fragment->offset & bpf_htons(0xfff8))
			return FOG_STEER_PASS_FRAGMENT;
		next = fragment->next;
		c->at = fragment + 1;
	}
	return next == IPPROTO_UDP ? FOG_STEER_REDIRECTED : FOG_STEER_PASS_TRANSPORT;
}

static __always_inline enum fog_steer_verdict judge(struct cursor *c)
{
	enum fog_steer_verdict verdict = parse_ethernet(c);
	struct udphdr *udp;

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
	udp = c->at;
	if ((void *)(udp + 1) > c->end)
		return FOG_STEER_PASS_TRUNCATED;
	if (udp->dest != fog_mix_port)
		return FOG_STEER_PASS_PORT;
	if (!bpf_map_lookup_elem(&fog_addresses, &c->to))
		return FOG_STEER_PASS_ADDRESS;
	return FOG_STEER_REDIRECTED;
}

SEC("xdp")

int fog_steer(struct xdp_md *ctx)
{
	struct cursor c = {.at = (void *)(long)ctx->data, .end = (void *)(long)ctx->data_end};
	__u32 verdict = judge(&c);
	int action = XDP_PASS;
	__u64 *count;

	if (verdict == FOG_STEER_REDIRECTED) {
		// Without a socket the frame is dropped, not passed: the kernel would answer that
		// nobody listens on our port.
		action = bpf_redirect_map(&fog_sockets, ctx->rx_queue_index, XDP_DROP);
		if (action != XDP_REDIRECT)
			verdict = FOG_STEER_NO_SOCKET;
	}
	count = bpf_map_lookup_elem(&fog_verdicts, &verdict);
	if (count)
		(*count)++;
	return action;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
