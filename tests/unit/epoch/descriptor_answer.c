// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Signs descriptors for descriptor_check.py. "sign" is followed by seed, network, link key, VRF
// key (hexadecimal), vrf_from, sequence, the numbers of mix keys and proofs, then "epoch key" and "epoch
// proof" of each; the answer is the descriptor in hexadecimal. "open HEX" is answered by 0 or -errno of
// fog_descriptor_parse.
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "../../../controlplane/directory/descriptor.h"

static int hex(uint8_t *out, size_t len)
{
	char text[2 * FOG_DESCRIPTOR_MAX + 1];
	size_t got = 0;

	return scanf("%1520s", text) == 1 &&
	                sodium_hex2bin(out, len, text, strlen(text), NULL, &got, NULL) == 0 &&
	                got == len
	        ? 0
	        : -1;
}

static int sign(void)
{
	struct fog_descriptor d = {0};
	uint8_t seed[32], secret[64], out[FOG_DESCRIPTOR_MAX];
	char text[2 * FOG_DESCRIPTOR_MAX + 1];

	if (hex(seed, 32) < 0 || hex(d.network, 32) < 0 || hex(d.link_key, 32) < 0 ||
	    hex(d.vrf_key, 32) < 0 ||
	    scanf("%" SCNu64 "%" SCNu64 "%u%u", &d.vrf_from, &d.sequence, &d.mix_count,
	          &d.proof_count) != 4 ||
	    d.mix_count > 4 || d.proof_count > 4)
		return -1;
	for (unsigned i = 0; i < d.mix_count; i++)
		if (scanf("%" SCNu64, &d.mix[i].epoch) != 1 || hex(d.mix[i].public_key, 32) < 0)
			return -1;
	for (unsigned i = 0; i < d.proof_count; i++)
		if (scanf("%" SCNu64, &d.proof[i].epoch) != 1 || hex(d.proof[i].proof, 80) < 0)
			return -1;
	crypto_sign_seed_keypair(d.identity, secret, seed);
	crypto_generichash(d.node_id, 32, d.identity, 32, NULL, 0);
	int len = fog_descriptor_sign(&d, secret, out);
	if (len < 0)
		return -1;
	puts(sodium_bin2hex(text, sizeof(text), out, (size_t)len));
	return 0;
}

static int parse(void)
{
	char text[4 * FOG_DESCRIPTOR_MAX + 1];
	uint8_t data[2 * FOG_DESCRIPTOR_MAX];
	struct fog_descriptor d;
	size_t len = 0;

	if (scanf("%3040s", text) != 1 ||
	    sodium_hex2bin(data, sizeof(data), text, strlen(text), NULL, &len, NULL) != 0)
		return -1;
	printf("%d\n", fog_descriptor_parse(data, len, &d));
	return 0;
}

int main(void)
{
	char word[8];
	int r = sodium_init() < 0 ? -1 : 0;

	while (r == 0 && scanf("%7s", word) == 1) {
		r = strcmp(word, "sign") == 0 ? sign() : strcmp(word, "open") == 0 ? parse() : -1;
		fflush(stdout);
	}
	return r == 0 ? 0 : 1;
}
