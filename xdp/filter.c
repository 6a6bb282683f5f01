// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The filter's two generations: the idle one is filled while the program reads the other, then one
// store changes them. Map updates and the mapped .bss need no privilege.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "steer_object.h"

#define NS_PER_S UINT64_C(1000000000)

_Static_assert((int)FOG_STEER_DENY_MAX == (int)FOG_DENY_MAX, "the map holds every prefix");
_Static_assert((int)FOG_STEER_EXEMPT_MAX == (int)FOG_NODES_MAX, "the map holds every node");
_Static_assert(
        offsetof(struct fog_steer_prefix, generation) == sizeof(uint32_t) &&
                offsetof(struct fog_steer_prefix, addr) ==
                        sizeof(uint32_t) + FOG_STEER_PREFIX_HEAD / 8,
        "the bits in front of an address"
);

// Delete all keys of 'generation' from a map; 'at' is where its byte lies in a key.
static int filter_clear(int map, size_t at, uint8_t generation)
{
	uint8_t key[2][32], *now = key[0], *next = key[1];
	void *from = NULL;
	int ret;

	while ((ret = bpf_map_get_next_key(map, from, next)) == 0) {
		// The key that we stand on must outlive the step, so it goes after it.
		if (from && now[at] == generation && (ret = bpf_map_delete_elem(map, now)) < 0)
			return ret;
		uint8_t *other = now;
		now = next;
		next = other;
		from = now;
	}
	if (ret != -ENOENT)
		return ret;
	if (from && now[at] == generation)
		return bpf_map_delete_elem(map, now);
	return 0;
}

static int filter_deny(int map, const struct fog_steer_rules *rules, uint8_t generation)
{
	const uint8_t value = 1;
	int ret = 0;

	for (uint32_t i = 0; i < rules->deny_count && ret == 0; i++) {
		struct fog_steer_prefix key = {
		        .len = FOG_STEER_PREFIX_HEAD + rules->deny[i].len,
		        .generation = generation,
		        .family = rules->deny[i].ip.family,
		};
		memcpy(key.addr, rules->deny[i].ip.addr, sizeof(key.addr));
		ret = bpf_map_update_elem(map, &key, &value, BPF_ANY);
	}
	return ret;
}

static int filter_exempt(int map, const struct fog_steer_rules *rules, uint8_t generation)
{
	const uint8_t value = 1;
	int ret = 0;

	for (uint32_t i = 0; i < rules->exempt_count && ret == 0; i++) {
		struct fog_steer_exempt key = {
		        .family = rules->exempt[i].family,
		        .generation = generation,
		};
		memcpy(key.addr, rules->exempt[i].addr, sizeof(key.addr));
		ret = bpf_map_update_elem(map, &key, &value, BPF_ANY);
	}
	return ret;
}

int fog_steer_set_rules(struct fog_steer *s, const struct fog_steer_rules *rules)
{
	const int deny = bpf_map__fd(s->skel->maps.fog_deny);
	const int exempt = bpf_map__fd(s->skel->maps.fog_exempt);
	const uint32_t idle = !s->skel->bss->fog_active;
	struct fog_steer_filter *f = (struct fog_steer_filter *)&s->skel->bss->fog_filter[idle];
	int ret;

	if (rules->deny_count > FOG_DENY_MAX || rules->exempt_count > FOG_NODES_MAX)
		return -E2BIG;
	if ((ret = filter_clear(deny, offsetof(struct fog_steer_prefix, generation), idle)) < 0 ||
	    (ret = filter_clear(exempt, offsetof(struct fog_steer_exempt, generation), idle)) < 0 ||
	    (ret = filter_deny(deny, rules, idle)) < 0 ||
	    (ret = filter_exempt(exempt, rules, idle)) < 0)
		return ret;
	f->early_drop = rules->early_drop;
	f->deny_count = rules->deny_count;
	// Rounded up: a source gets a little less than its limit, never more.
	f->packet_ns = rules->source_rate ? (NS_PER_S + rules->source_rate - 1) / rules->source_rate
	                                  : 0;
	f->burst_ns = rules->source_burst > 1 ? (rules->source_burst - 1) * f->packet_ns : 0;
	__atomic_store_n(&s->skel->bss->fog_active, idle, __ATOMIC_RELEASE);
	return 0;
}
