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
	if (f->inner_vlan) {
		at = put16(at, f->inner_tpid ? f->inner_tpid : 0x8100);
		at = put16(at, f->inner_vlan);
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
	put16(at + 2, len + 8 + f->payload + f->ip_len_off);
	put16(at + 6, f->fragment_offset | (f->more_fragments ? 0x2000 : 0));
	at[8] = 64;
	at[9] = f->protocol ? f->protocol : IPPROTO_UDP;
	memcpy(at + 12, from->addr, 4);
	memcpy(at + 16, to->addr, 4);
	memset(at + 20, 1, 4 * f->options); // no-operation
	put16(at + 10, sum_fold(sum_bytes(0, at, len)));
	return at + len;
}

static uint8_t extension_type(char letter)
{
	switch (letter) {
	case 'h':
		return IPPROTO_HOPOPTS;
	case 'r':
	case 'R':
		return IPPROTO_ROUTING;
	case 'f':
		return IPPROTO_FRAGMENT;
	case 'a':
		return IPPROTO_AH;
	default:
		return IPPROTO_DSTOPTS;
	}
}

// Write one extension header and return where the next begins.
static uint8_t *build_extension(const struct frame *f, char letter, uint8_t next, uint8_t *at)
{
	unsigned len = letter == 'D' ? 16 : 8;

	memset(at, 0, len);
	at[0] = next;
	if (letter == 'f') {
		put16(at + 2, f->fragment_offset << 3 | f->more_fragments);
		return at + len;
	}
	at[1] = len / 8 - 1;
	if (letter == 'r' || letter == 'R') {
		at[2] = 4;
		at[3] = letter == 'R';
	} else if (letter != 'a') {
		at[2] = 1; // PadN
		at[3] = len - 4;
	}
	return at + len;
}

static uint8_t *build_ipv6(
        const struct frame *f, const struct fog_ip *from, const struct fog_ip *to, uint8_t *at
)
{
	const char *extensions = f->extensions ? f->extensions : f->fragmented ? "f" : "";
	uint8_t last = f->protocol ? f->protocol : IPPROTO_UDP, *ip = at;

	memset(at, 0, 40);
	at[0] = (f->version ? f->version : 6) << 4;
	at[6] = *extensions ? extension_type(*extensions) : last;
	at[7] = 64;
	memcpy(at + 8, from->addr, 16);
	memcpy(at + 24, to->addr, 16);
	at += 40;
	for (; *extensions; extensions++)
		at = build_extension(
		        f, *extensions, extensions[1] ? extension_type(extensions[1]) : last, at
		);
	put16(ip + 4, at - ip - 40 + 8 + f->payload + f->ip_len_off);
	return at;
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
	put16(udp + 4, len + f->udp_len_off);
	put16(udp + 6, 0);
	for (unsigned i = 0; i < f->payload; i++)
		udp[8 + i] = i + seed;
	sum = sum_bytes(sum_bytes(sum, from.addr, address), to.addr, address);
	sum = sum_fold(sum_bytes(sum, udp, len));
	put16(udp + 6, sum ? sum : 0xffff);
	memset(udp + len, 0, f->padding);
	return udp + len + f->padding - out;
}
