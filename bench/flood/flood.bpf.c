// SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only
// Copyright (c) 2026 the Fogline authors
// Makes frames where they are sent: the kernel runs this program on frames of its own pool, again and
// again (BPF_PROG_TEST_RUN with BPF_F_TEST_XDP_LIVE_FRAMES, Documentation/bpf/bpf_prog_run.rst), and
// what it redirects goes out of the interface. Or it hands the frame to the XDP program of the interface,
// as the interface's driver would, and the kernel does what that one says. Valid frames keep their schedule, the flood takes all
// the time that they leave. A frame that was used before holds what it held then, so every byte that
// matters is written each time.
#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <linux/if_ether.h>
#include <linux/ip.h>

#include "flood_shared.h"

const volatile struct flood_conf flood_conf;
struct flood_counts flood_counts;
struct flood_turn flood_turn;

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} flood_out SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FLOOD_VALID_MAX);
	__type(key, __u32);
	__type(value, struct flood_frame);
} flood_valid SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FLOOD_TEMPLATES);
	__type(key, __u32);
	__type(value, struct flood_frame);
} flood_templates SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} flood_next SEC(".maps");

static __always_inline int resize(struct xdp_md *ctx, __u32 len)
{
	int now = (int)((long)ctx->data_end - (long)ctx->data);

	return now == (int)len ? 0 : bpf_xdp_adjust_tail(ctx, (int)len - now);
}

static __always_inline int make_valid(struct xdp_md *ctx)
{
	__u32 at = flood_turn.valid;
	struct flood_frame *f = bpf_map_lookup_elem(&flood_valid, &at);

	if (!f)
		return -1;
	__u32 len = *(volatile __u32 *)&f->len; // read once: the verifier follows this value
	if (len < FLOOD_HEAD || len > FLOOD_FRAME_MAX || resize(ctx, len) < 0 ||
	    bpf_xdp_store_bytes(ctx, 0, f->bytes, len) < 0)
		return -1;
	flood_turn.valid = at + 1 < flood_conf.valid_count ? at + 1 : 0;
	flood_counts.valid++;
	return 0;
}

static __always_inline int make_flood(struct xdp_md *ctx)
{
	__u32 at = flood_turn.template, source = flood_conf.source + flood_turn.source;
	struct flood_frame *f = bpf_map_lookup_elem(&flood_templates, &at);

	if (!f || resize(ctx, f->len) < 0)
		return -1;
	__u8 *data = (void *)(long)ctx->data;
	if (data + FLOOD_HEAD > (__u8 *)(long)ctx->data_end)
		return -1;
	__builtin_memcpy(data, f->bytes, FLOOD_HEAD);
	struct iphdr *ip = (void *)(data + sizeof(struct ethhdr));
	__u32 sum = f->sum + (source >> 16) + (source & 0xffff);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	ip->saddr = bpf_htonl(source);
	ip->check = bpf_htons(~sum & 0xffff);
	if (++flood_turn.source == flood_conf.sources)
		flood_turn.source = 0;
	// Runs of one length: a frame that was used before mostly has it already.
	if (++flood_counts.flood % FLOOD_RUN == 0)
		flood_turn.template = at + 1 < flood_conf.template_count ? at + 1 : 0;
	return 0;
}

// Whether what comes every 'gap' is due. What is late is caught up.
static __always_inline int due(__u64 now, __u64 gap, __u64 *at)
{
	if (!*at)
		*at = now;
	if (now < *at)
		return 0;
	*at += gap;
	return 1;
}

SEC("xdp")

int fog_flood(struct xdp_md *ctx)
{
	int made = -1;

	// The clock costs as much as the rest of this program.
	if (flood_turn.rounds++ % FLOOD_CLOCK == 0)
		flood_turn.now = bpf_ktime_get_ns();
	__u64 now = flood_turn.now;

	if (flood_conf.valid_count && due(now, flood_conf.valid_gap_ns, &flood_turn.valid_due))
		made = make_valid(ctx);
	else if (flood_conf.template_count && due(now, flood_conf.flood_gap_ns, &flood_turn.flood_due))
		made = make_flood(ctx);
	if (made < 0)
		return XDP_DROP;
	if (!flood_counts.first)
		flood_counts.first = now;
	flood_counts.last = now;
	if (!flood_conf.receive)
		return (int)bpf_redirect_map(&flood_out, 0, XDP_DROP);
	bpf_tail_call(ctx, &flood_next, 0);
	return XDP_DROP; // there is no program any more
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
