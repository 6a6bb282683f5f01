// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "prefix.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static int prefix_af(const struct fog_ip *ip)
{
	return ip->family == 4 ? AF_INET : AF_INET6;
}

static unsigned prefix_bits(const struct fog_ip *ip)
{
	return ip->family == 4 ? 32 : 128;
}

// Zero all bits from 'len' on; whether there were any.
static bool prefix_clear_host(struct fog_ip *ip, unsigned len)
{
	bool any = false;

	for (unsigned i = 0; i < prefix_bits(ip) / 8; i++) {
		unsigned kept = len >= 8 * (i + 1) ? 8 : len > 8 * i ? len - 8 * i : 0;
		uint8_t mask = (uint8_t)(0xff00u >> kept);
		any |= (ip->addr[i] & ~mask) != 0;
		ip->addr[i] &= mask;
	}
	return any;
}

// Decimal, no sign, no leading zero, at most 'max'.
static int prefix_length(const char *text, unsigned max, uint8_t *len)
{
	unsigned v = 0;

	if (text[0] == '\0' || (text[0] == '0' && text[1] != '\0'))
		return -EINVAL;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		v = v * 10 + (unsigned)(*text - '0');
		if (v > max)
			return -EINVAL;
	}
	*len = (uint8_t)v;
	return 0;
}

int fog_prefix_parse(const char *text, struct fog_prefix *out, char *why, size_t why_len)
{
	struct fog_prefix p = {.ip.family = 4};
	const char *slash = strchr(text, '/');
	size_t len = slash != NULL ? (size_t)(slash - text) : strlen(text);
	char address[INET6_ADDRSTRLEN], mend[FOG_PREFIX_TEXT_LEN];

	snprintf(address, sizeof(address), "%.*s", (int)(len < sizeof(address) ? len : 0), text);
	if (inet_pton(AF_INET, address, p.ip.addr) != 1) {
		p.ip.family = 6;
		if (inet_pton(AF_INET6, address, p.ip.addr) != 1) {
			snprintf(
			        why, why_len,
			        "'%.60s' is not a prefix such as 192.0.2.0/24 or 2001:db8::/32",
			        text
			);
			return -EINVAL;
		}
	}
	p.len = (uint8_t)prefix_bits(&p.ip);
	if (slash != NULL && prefix_length(slash + 1, prefix_bits(&p.ip), &p.len) < 0) {
		snprintf(
		        why, why_len, "'%.60s' has no prefix length from 0 to %u behind the '/'",
		        text, prefix_bits(&p.ip)
		);
		return -EINVAL;
	}
	if (prefix_clear_host(&p.ip, p.len)) {
		snprintf(
		        why, why_len, "'%.60s' has bits behind its length: write %s", text,
		        fog_prefix_print(&p, mend)
		);
		return -EINVAL;
	}
	*out = p;
	return 0;
}

const char *fog_prefix_print(const struct fog_prefix *p, char text[FOG_PREFIX_TEXT_LEN])
{
	char address[INET6_ADDRSTRLEN] = "?";

	inet_ntop(prefix_af(&p->ip), p->ip.addr, address, sizeof(address));
	snprintf(text, FOG_PREFIX_TEXT_LEN, "%s/%u", address, p->len);
	return text;
}

int fog_prefix_compare(const struct fog_prefix *a, const struct fog_prefix *b)
{
	return memcmp(a, b, sizeof(*a)); // big-endian, reserved bytes zero
}

bool fog_prefix_holds(const struct fog_prefix *p, const struct fog_ip *ip)
{
	struct fog_ip head = *ip;

	if (p->ip.family != ip->family)
		return false;
	prefix_clear_host(&head, p->len);
	return memcmp(&head, &p->ip, sizeof(head)) == 0;
}

size_t fog_prefix_find(
        const struct fog_prefix *list, size_t count, const struct fog_prefix *p, bool *found
)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (fog_prefix_compare(&list[middle], p) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*found = low < count && fog_prefix_compare(&list[low], p) == 0;
	return low;
}
