// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Bytes that a client unsealed, and addresses that somebody gave it. The first byte chooses the size of
// fragments.
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "../../controlplane/client/address.h"
#include "../../controlplane/client/fragments.h"

enum { FRAGMENT_ROOM_MAX = 1500 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

// What is taken is written again in the same bytes.
static void fuzz_fragment(const uint8_t *data, size_t len, size_t room)
{
	static uint8_t message[FOG_CLIENT_MESSAGE_MAX],
	        again[CLIENT_FRAGMENT_HEAD + FRAGMENT_ROOM_MAX];
	struct client_fragment f;

	if (client_fragment_parse(data, len, room, &f) < 0)
		return;
	if (f.kind == CLIENT_FRAGMENT_LOOP) {
		client_fragment_put_loop(f.id, room, again);
	} else {
		if (f.len == 0 || f.len > room || f.index * room + f.len > f.length)
			abort();
		memcpy(message + f.index * room, f.data, f.len);
		client_fragment_put(f.id, message, f.length, room, f.index, again);
	}
	if (memcmp(again, data, len) != 0)
		abort();
}

static void fuzz_address(const uint8_t *data, size_t len)
{
	char text[FOG_CLIENT_ADDRESS_LEN], again[FOG_CLIENT_ADDRESS_LEN];
	struct client_address a;

	if (len >= sizeof(text))
		return;
	memcpy(text, data, len);
	text[len] = '\0';
	if (client_address_parse(text, &a) < 0)
		return;
	client_address_put(&a, again);
	if (strcmp(text, again) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len == 0)
		return 0;
	fuzz_fragment(data + 1, len - 1, (size_t)data[0] * 5 + 1);
	fuzz_address(data + 1, len - 1);
	return 0;
}
