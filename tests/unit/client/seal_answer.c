// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Asked by seal_check.py: seals and cuts, opens and reads. One question a line, all in hexadecimal:
//   cut ROOM ID RECEIVER MESSAGE     the sealed fragments, one a line, then an empty line
//   open ROOM PRIVATE SEALED         kind count index length id bytes, or "no"
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../controlplane/client/client.h"
#include "../../../controlplane/client/fragments.h"
#include "../../../controlplane/client/sealed.h"

static uint8_t message[FOG_CLIENT_MESSAGE_MAX + 1], piece[FOG_SPHINX_PACKET_MAX],
        sealed[FOG_SPHINX_PACKET_MAX];
static char line[3 * FOG_CLIENT_MESSAGE_MAX], hex[3 * FOG_CLIENT_MESSAGE_MAX];

static size_t answer_bytes(const char *text, uint8_t *out, size_t room)
{
	size_t len = 0;

	if (text == NULL || sodium_hex2bin(out, room, text, strlen(text), NULL, &len, NULL) != 0)
		exit(1);
	return len;
}

static const char *answer_hex(const uint8_t *data, size_t len)
{
	return sodium_bin2hex(hex, sizeof(hex), data, len);
}

static void answer_cut(size_t room)
{
	uint8_t id[CLIENT_FRAGMENT_ID], receiver[32];

	answer_bytes(strtok(NULL, " \n"), id, sizeof(id));
	answer_bytes(strtok(NULL, " \n"), receiver, sizeof(receiver));
	size_t len = answer_bytes(strtok(NULL, " \n"), message, sizeof(message));
	for (unsigned i = 0; i < client_fragment_count(len, room); i++) {
		client_fragment_put(id, message, len, room, i, piece);
		if (client_seal(receiver, piece, CLIENT_FRAGMENT_HEAD + room, sealed) < 0)
			exit(1);
		puts(answer_hex(sealed, CLIENT_FRAGMENT_HEAD + room + CLIENT_SEAL_OVERHEAD));
	}
	puts("");
}

static void answer_open(size_t room)
{
	uint8_t private_key[32], public_key[32];
	struct client_fragment f;

	answer_bytes(strtok(NULL, " \n"), private_key, sizeof(private_key));
	size_t len = answer_bytes(strtok(NULL, " \n"), sealed, sizeof(sealed));
	crypto_scalarmult_base(public_key, private_key);
	if (client_unseal(public_key, private_key, sealed, len, piece) < 0 ||
	    client_fragment_parse(piece, len - CLIENT_SEAL_OVERHEAD, room, &f) < 0) {
		puts("no");
		return;
	}
	printf("%u %u %u %u %s", (unsigned)f.kind, f.count, f.index, f.length,
	       answer_hex(f.id, sizeof(f.id)));
	printf(" %s\n", answer_hex(f.data, f.len));
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
	while (fgets(line, sizeof(line), stdin) != NULL) {
		const char *what = strtok(line, " \n"), *room = strtok(NULL, " \n");
		if (what == NULL || room == NULL)
			return 1;
		if (strcmp(what, "cut") == 0)
			answer_cut((size_t)atoi(room));
		else
			answer_open((size_t)atoi(room));
		fflush(stdout);
	}
	return 0;
}
