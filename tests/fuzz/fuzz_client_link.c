// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What a client reads from its gateway's address, and the notices in it. The first byte chooses: bit 0, the
// frame is sealed with the session's keys, so that what a gateway may do is reached; bit 1, it is of the next
// counter; bit 2, it comes twice; bit 3, no session is there, but a handshake under way.
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "../../controlplane/big_endian.h"
#include "../../controlplane/mixnet/mail.h"
#include "../unit/client/link_gateway.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct gateway g;
static struct client_link_params params;
static struct client_link *up, *trying;
static uint64_t now = 1000;

static void demand(bool condition)
{
	if (!condition)
		abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	uint8_t frame[GATEWAY_FRAME_MAX];

	demand(sodium_init() >= 0 && fog_crypto_init() >= 0);
	gateway_make(&g, &params);
	params.rekey_s = 1000000;
	demand(client_link_create(&params, &gateway_ops, &g, &trying) == 0);
	demand(client_link_create(&params, &gateway_ops, &g, &up) == 0);
	client_link_tick(trying, now);
	client_link_tick(up, now);
	struct fog_hello ours = gateway_hello(&g);
	demand(gateway_answer(&g, &ours, frame));
	client_link_read(up, frame, gateway_frame_len(&g), now);
	demand(client_link_status(up).up);
	return 0;
}

// A notice is no longer than a frame, and a mail's part lies inside of its whole.
static void fuzz_notice(void)
{
	struct fog_mail m;

	demand(g.notice_len <= fog_notice_room(g.packet_len));
	if (fog_mail_parse(g.notice, g.notice_len, &m) == 0 && m.number > 0)
		demand(m.at + m.len <= m.whole && m.whole <= FOG_MAIL_MAX && m.part < m.parts &&
		       m.data + m.len <= g.notice + g.notice_len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t frame[GATEWAY_FRAME_MAX] = {0}, text[FOG_SPHINX_PACKET_MAX] = {0};
	size_t len = gateway_frame_len(&g);
	unsigned how, times, before = g.notices;

	if (size == 0)
		return 0;
	how = data[0];
	times = how & 4 ? 2 : 1;
	if (size - 1 < len && !(how & 1))
		len = size - 1;
	memcpy(frame, data + 1, size - 1 < len ? size - 1 : len);
	if (how & 1) {
		uint64_t counter = how & 2 ? ++g.counter[0] : fog_be_get(frame + 8, 8);
		unsigned sub = how & 2 ? 0 : frame[7] % 4; // there are two
		memcpy(text, frame + FOG_FRAME_HEADER, g.packet_len);
		gateway_seal(&g, sub, counter, text, frame);
	}
	for (unsigned i = 0; i < times; i++)
		client_link_read(how & 8 ? trying : up, frame, len, ++now);
	demand(g.notices - before <= 1);
	if (g.notices > before)
		fuzz_notice();
	struct client_link_status s = client_link_status(up);
	demand(s.up && s.handshakes == 1 && !client_link_status(trying).up);
	return 0;
}
