// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Frames to a port without a kernel: what they ask is read, and answered. The first byte chooses the
// port's VLAN (bit 0), and whether ICMP checksums are made right (bit 1), which hardly any other
// input would get past.
#include <stdlib.h>
#include <string.h>

#include "../../dataplane/frame.h"
#include "../../dataplane/question.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct fog_port port = {
        .vlan = 0,
        .mtu = 1500,
        .mac = {2, 0x66, 0x6f, 0x67, 0, 1},
        .bare = true,
        .address_count = 2,
        .address = {{.family = 4, .addr = {10, 0, 0, 1}}, {.family = 6, .addr = {0xfd, [15] = 1}}},
        .prefix = {24, 64},
        .link_local = {.family = 6, .addr = {0xfe, 0x80, [15] = 1}},
};

// RFC 1071, byte by byte.
static uint32_t sum(const uint8_t *bytes, size_t len, uint32_t start)
{
	for (size_t i = 0; i < len; i++)
		start += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	while (start >> 16)
		start = (start & 0xffff) + (start >> 16);
	return start;
}

// Where the ICMP message of a frame lies, and the sum of its pseudo header. 0: there is none.
static size_t icmp_of(const uint8_t *frame, size_t size, size_t *len, uint32_t *pseudo)
{
	size_t at = 14;

	if (size >= 18 && frame[12] == 0x81 && frame[13] == 0)
		at = 18;
	*pseudo = 0;
	if (size >= at + 28 && frame[at] == 0x45 && frame[at + 9] == 1) {
		*len = (size_t)(frame[at + 2] << 8 | frame[at + 3]);
		if (*len < 28 || *len > size - at)
			return 0;
		*len -= 20;
		return at + 20;
	}
	if (size >= at + 48 && frame[at] >> 4 == 6 && frame[at + 6] == 58) {
		*len = (size_t)(frame[at + 4] << 8 | frame[at + 5]);
		if (*len < 8 || *len > size - at - 40)
			return 0;
		*pseudo = sum(frame + at + 8, 32, (uint32_t)*len + 58);
		return at + 40;
	}
	return 0;
}

static void checksum_fix(uint8_t *frame, size_t size)
{
	uint32_t pseudo;
	size_t len, at = icmp_of(frame, size, &len, &pseudo);

	if (at == 0)
		return;
	frame[at + 2] = frame[at + 3] = 0;
	uint32_t good = ~sum(frame + at, len, pseudo) & 0xffff;
	frame[at + 2] = (uint8_t)(good >> 8);
	frame[at + 3] = (uint8_t)good;
}

static void answer_check(const uint8_t *frame, size_t size, bool icmp)
{
	uint32_t pseudo;
	size_t len, at = icmp_of(frame, size, &len, &pseudo);

	if (memcmp(frame + 6, port.mac, 6) != 0 || (icmp && at == 0) ||
	    (at != 0 && sum(frame + at, len, pseudo) != 0xffff))
		abort();
	// An answer asks nobody anything: two of us would never end.
	struct fog_port other = port;
	memcpy(other.mac, frame, 6);
	if (at != 0 && (frame[at] == 8 || frame[at] == 128 || frame[at] == 135))
		abort();
	if (fog_question_read(&other, frame, (uint32_t)size).kind == FOG_QUESTION_ECHO)
		abort();
}

static void answer(uint8_t *frame, size_t size, const struct fog_question *q)
{
	uint8_t *out = malloc(FOG_FRAME_MAX);
	unsigned len = 0;

	if (q->kind == FOG_QUESTION_ARP)
		len = fog_frame_arp(
		        out, &port, FOG_ARP_REPLY, q->mac, &q->target, q->mac, &q->sender
		);
	if (q->kind == FOG_QUESTION_ND)
		len = fog_frame_advertise(out, &port, &q->target, &q->sender, q->mac);
	if (q->kind == FOG_QUESTION_ARP || q->kind == FOG_QUESTION_ND)
		answer_check(out, len, q->kind == FOG_QUESTION_ND);
	if (q->kind == FOG_QUESTION_ECHO) {
		len = fog_frame_echo(frame, &port, q);
		if (len > size)
			abort();
		answer_check(frame, len, true);
	}
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	// The exact size on the heap, so that a byte too far is found.
	size_t len = size - 1;
	uint8_t *exact = malloc(len > 0 ? len : 1);

	memcpy(exact, data + 1, len);
	port.vlan = data[0] & 1 ? 100 : 0;
	if (data[0] & 2)
		checksum_fix(exact, len);
	struct fog_question q = fog_question_read(&port, exact, (uint32_t)len);
	// Whom we answer, and whose word is heard, is one host.
	if (q.kind > FOG_QUESTION_BAD && (q.has_mac || q.kind == FOG_QUESTION_ECHO) &&
	    (q.mac[0] & 1) != 0)
		abort();
	answer(exact, len, &q);
	free(exact);
	return 0;
}
