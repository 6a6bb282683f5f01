// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "frame.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

struct fog_ip frame_ip(const char *text)
{
	struct fog_ip ip = {.family = strchr(text, ':') ? 6 : 4};

	if (inet_pton(ip.family == 6 ? AF_INET6 : AF_INET, text, ip.addr) != 1)
		ip.family = 0;
	return ip;
}

static uint8_t *put16(uint8_t *at, uint16_t value)
{
	at[0] = value >> 8;
	at[1] = value & 0xff;
	return at + 2;
}

static uint32_t sum_bytes(uint32_t sum, const uint8_t *at, unsigned len)
{
	for (unsigned i = 0; i < len; i++)
		sum += i & 1 ? at[i] : at[i] << 8;
	return sum;
}

static uint16_t sum_fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static uint8_t *build_ethernet(const struct frame *f, uint8_t *at)
{
	bool v6 = strchr(f->to, ':');

	memcpy(at, f->mac_to, 6);
	memcpy(at + 6, f->mac_from, 6);
	at += 12;
	if (f->vlan) {
		at = put16(at, f->tpid ? f->tpid : 0x8100);
		at = put16(at, f->vlan);
	}
	return put16(at, f->ethertype ? f->ethertype : (v6 ? 0x86dd : 0x0800));
}

static uint8_t *build_ipv4(
        const struct frame *f, const struct fog_ip *from, const struct fog_ip *to, uint8_t *at
)
{
	unsigned len = 20 + 4 * f->options;

	memset(at, 0, len);
	at[0] = (f->version ? f->version : 4) << 4 | (f->ihl ? f->ihl : 5 + f->options);
	put16(at + 2, len + 8 + f->payload);
	put16(at + 6, f->fragment_offset | (f->more_fragments ? 0x2000 : 0));
	at[8] = 64;
	at[9] = f->protocol ? f->protocol : IPPROTO_UDP;
	memcpy(at + 12, from->addr, 4);
	memcpy(at + 16, to->addr, 4);
	memset(at + 20, 1, 4 * f->options); // no-operation
	put16(at + 10, sum_fold(sum_bytes(0, at, len)));
	return at + len;
}

static uint8_t *build_ipv6(
        const struct frame *f, const struct fog_ip *from, const struct fog_ip *to, uint8_t *at
)
{
	uint8_t next = f->protocol ? f->protocol : IPPROTO_UDP;

	memset(at, 0, 48);
	at[0] = (f->version ? f->version : 6) << 4;
	put16(at + 4, (f->fragmented ? 8 : 0) + 8 + f->payload);
	at[6] = f->fragmented ? IPPROTO_FRAGMENT : next;
	at[7] = 64;
	memcpy(at + 8, from->addr, 16);
	memcpy(at + 24, to->addr, 16);
	if (!f->fragmented)
		return at + 40;
	at[40] = next;
	put16(at + 42, f->fragment_offset << 3 | f->more_fragments);
	return at + 48;
}

unsigned frame_build(const struct frame *f, uint8_t seed, uint8_t *out)
{
	struct fog_ip to = frame_ip(f->to);
	const char *any = to.family == 6 ? "2001:db8::1" : "192.0.2.1";
	struct fog_ip from = frame_ip(f->from ? f->from : any);
	uint8_t *at = build_ethernet(f, out), *udp;
	unsigned address = to.family == 6 ? 16 : 4, len = 8 + f->payload;
	uint32_t sum = IPPROTO_UDP + len;

	udp = to.family == 6 ? build_ipv6(f, &from, &to, at) : build_ipv4(f, &from, &to, at);
	put16(udp, 40000);
	put16(udp + 2, f->port ? f->port : FRAME_MIX_PORT);
	put16(udp + 4, len);
	put16(udp + 6, 0);
	for (unsigned i = 0; i < f->payload; i++)
		udp[8 + i] = i + seed;
	sum = sum_bytes(sum_bytes(sum, from.addr, address), to.addr, address);
	sum = sum_fold(sum_bytes(sum, udp, len));
	put16(udp + 6, sum ? sum : 0xffff);
	return udp + len - out;
}
