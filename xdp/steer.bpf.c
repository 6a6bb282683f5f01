// SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only
// Copyright (c) 2026 the Fogline authors
// Frames to our addresses and our UDP port go to the AF_XDP socket of their queue, unless the filter
// drops them here, where a frame costs least; everything else goes on to the kernel. Checksums are
// not judged: the worker does that and counts by reason.
#include "steer_parse.bpf.h"

enum {
	RATE_TRIES = 4, // times that several CPUs may get in each other's way at one bucket
	CLOCK_SLACK_NS = 1000000, // by which the clocks of CPUs may differ
};

// Written by the loader at any time.
struct fog_steer_filter fog_filter[2] = {};
__u32 fog_active = 0; // which of the two is in force

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, 1); // one per queue, set by the loader
	__type(key, __u32);
	__type(value, __u32);
} fog_sockets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 2 * FOG_STEER_DENY_MAX);
	__type(key, struct fog_steer_prefix);
	__type(value, __u8);
} fog_deny SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2 * FOG_STEER_EXEMPT_MAX);
	__type(key, struct fog_steer_exempt);
	__type(value, __u8);
} fog_exempt SEC(".maps");

// Source -> the time at which its bucket will be full again, in ns.
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, FOG_STEER_SOURCES);
	__type(key, struct fog_steer_source);
	__type(value, __u64);
} fog_sources SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct fog_steer_counts);
} fog_counts SEC(".maps");

static __always_inline int is_denied(const struct cursor *c, __u32 generation)
{
	struct fog_steer_prefix key = {
	        .len = FOG_STEER_PREFIX_HEAD + (c->family == 4 ? 32 : 128),
	        .generation = generation,
	        .family = c->family,
	};

	__builtin_memcpy(key.addr, c->from, sizeof(key.addr));
	return bpf_map_lookup_elem(&fog_deny, &key) != 0;
}

static __always_inline int is_exempt(const struct cursor *c, __u32 generation)
{
	struct fog_steer_exempt key = {.family = c->family, .generation = generation};

	__builtin_memcpy(key.addr, c->from, sizeof(key.addr));
	return bpf_map_lookup_elem(&fog_exempt, &key) != 0;
}

static __always_inline __u64 *find_bucket(const struct cursor *c)
{
	struct fog_steer_source key = {.family = c->family};
	__u64 empty = 0, *full_at;

	__builtin_memcpy(key.net, c->from, sizeof(key.net));
	full_at = bpf_map_lookup_elem(&fog_sources, &key);
	if (full_at)
		return full_at;
	// Another CPU may have been faster, hence no overwriting, and the second look.
	bpf_map_update_elem(&fog_sources, &key, &empty, BPF_NOEXIST);
	return bpf_map_lookup_elem(&fog_sources, &key);
}

// Token bucket in its virtual-scheduling form: one word says all, so that CPUs can share it by
// compare-and-swap (ITU-T I.371, generic cell rate algorithm). What can't be decided is dropped: the
// limit holds whatever happens.
static __always_inline int take_token(const struct cursor *c, const struct fog_steer_filter *f)
{
	__u64 *full_at = find_bucket(c);
	__u64 packet = f->packet_ns, burst = f->burst_ns;

	if (!full_at)
		return 0;
	for (int i = 0; i < RATE_TRIES; i++) {
		// The clock after the bucket: who wrote it looked at the clock before us.
		__u64 was = *(volatile __u64 *)full_at, now = bpf_ktime_get_ns();
		__u64 from = was > now ? was : now;

		// More than these limits can make one owe: it is the debt of slower ones, which were in
		// force before. Kept, it would shut a source out for as long as they allowed.
		if (from - now > burst + packet + CLOCK_SLACK_NS)
			from = now + burst;
		if (from - now > burst)
			return 0;
		if (__sync_val_compare_and_swap(full_at, was, from + packet) == was)
			return 1;
	}
	return 0;
}

// For a frame that is ours. What costs least comes first: a flood of wrong lengths needs no look-up.
static __always_inline enum fog_steer_verdict filter(const struct cursor *c)
{
	__u32 generation = *(volatile __u32 *)&fog_active & 1;
	const struct fog_steer_filter *f = &fog_filter[generation];

	if (f->early_drop && c->fragment)
		return FOG_STEER_DROP_FRAGMENT;
	if (f->early_drop && !length_fits(c))
		return FOG_STEER_DROP_LENGTH;
	if (f->deny_count && is_denied(c, generation))
		return FOG_STEER_DROP_DENIED;
	if (f->packet_ns && !is_exempt(c, generation) && !take_token(c, f))
		return FOG_STEER_DROP_RATE;
	return FOG_STEER_REDIRECTED;
}

SEC("xdp")

int fog_steer(struct xdp_md *ctx)
{
	struct cursor c = {.at = (void *)(long)ctx->data, .end = (void *)(long)ctx->data_end};
	__u32 verdict = parse(&c), zero = 0;
	struct fog_steer_counts *counts;
	int action = XDP_PASS;

	if (verdict == FOG_STEER_REDIRECTED)
		verdict = filter(&c);
	if (verdict == FOG_STEER_REDIRECTED) {
		// Without a socket the frame is dropped, not passed: the kernel would answer that
		// nobody listens on our port.
		action = bpf_redirect_map(&fog_sockets, ctx->rx_queue_index, XDP_DROP);
		if (action != XDP_REDIRECT)
			verdict = FOG_STEER_NO_SOCKET;
	} else if (verdict <= FOG_STEER_DROP_LAST) {
		action = XDP_DROP;
	}
	counts = bpf_map_lookup_elem(&fog_counts, &zero);
	if (counts && verdict < FOG_STEER_VERDICTS)
		counts->of[verdict]++;
	return action;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
