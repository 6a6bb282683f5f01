// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Signs descriptors for descriptor_check.py. "sign" is followed by the seed in hexadecimal; role, layer
// wish, bandwidth, flags as numbers; network, link key, VRF key, TLS key in hexadecimal; name, operator,
// family, region, software ("-": empty); AS number, protocol minor, mix port, directory port, address family;
// address in hexadecimal, 16 bytes; time, vrf_from, sequence; the numbers of mix keys and proofs, then "epoch
// key" and "epoch proof" of each. The answer is the descriptor in hexadecimal. "open HEX" is answered by 0 or
// -errno of fog_descriptor_parse.
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "../../../controlplane/directory/descriptor.h"

static int hex(uint8_t *out, size_t len)
{
	char said[2 * FOG_DESCRIPTOR_MAX + 1];
	size_t got = 0;

	return scanf("%2000s", said) == 1 &&
	                sodium_hex2bin(out, len, said, strlen(said), NULL, &got, NULL) == 0 &&
	                got == len
	        ? 0
	        : -1;
}

static int text(char *out, size_t size)
{
	char word[40];

	if (scanf("%39s", word) != 1 || strlen(word) >= size)
		return -1;
	if (strcmp(word, "-") != 0)
		memcpy(out, word, strlen(word));
	return 0;
}

static int number(uint64_t *out)
{
	return scanf("%" SCNu64, out) == 1 ? 0 : -1;
}

static int head(struct fog_descriptor *d, uint8_t seed[32])
{
	uint64_t n[9];

	if (hex(seed, 32) < 0)
		return -1;
	for (unsigned i = 0; i < 4; i++)
		if (number(&n[i]) < 0)
			return -1;
	if (hex(d->network, 32) < 0 || hex(d->link_key, 32) < 0 || hex(d->vrf_key, 32) < 0 ||
	    hex(d->tls_key, 32) < 0 || text(d->name, sizeof(d->name)) < 0 ||
	    text(d->operator, sizeof(d->operator)) < 0 || text(d->family, sizeof(d->family)) < 0 ||
	    text(d->region, sizeof(d->region)) < 0 || text(d->software, sizeof(d->software)) < 0)
		return -1;
	for (unsigned i = 4; i < 9; i++)
		if (number(&n[i]) < 0)
			return -1;
	d->role = (uint8_t)n[0];
	d->layer_wish = (uint8_t)n[1];
	d->bandwidth = (uint8_t)n[2];
	d->flags = (uint8_t)n[3];
	d->as_number = (uint32_t)n[4];
	d->protocol_minor = (uint16_t)n[5];
	d->mix_port = (uint16_t)n[6];
	d->directory_port = (uint16_t)n[7];
	d->address.family = (uint8_t)n[8];
	return hex(d->address.addr, 16);
}

static int lists(struct fog_descriptor *d)
{
	if (number(&d->time_ms) < 0 || number(&d->vrf_from) < 0 || number(&d->sequence) < 0 ||
	    scanf("%u%u", &d->mix_count, &d->proof_count) != 2 ||
	    d->mix_count > FOG_DESCRIPTOR_MIX_MAX || d->proof_count > FOG_DESCRIPTOR_PROOF_MAX)
		return -1;
	for (unsigned i = 0; i < d->mix_count; i++)
		if (number(&d->mix[i].epoch) < 0 || hex(d->mix[i].public_key, 32) < 0)
			return -1;
	for (unsigned i = 0; i < d->proof_count; i++)
		if (number(&d->proof[i].epoch) < 0 || hex(d->proof[i].proof, 80) < 0)
			return -1;
	return 0;
}

static int sign(void)
{
	struct fog_descriptor d = {0};
	uint8_t seed[32], secret[64], out[FOG_DESCRIPTOR_MAX];
	char said[2 * FOG_DESCRIPTOR_MAX + 1];

	if (head(&d, seed) < 0 || lists(&d) < 0)
		return -1;
	crypto_sign_seed_keypair(d.identity, secret, seed);
	crypto_generichash(d.node_id, 32, d.identity, 32, NULL, 0);
	int len = fog_descriptor_sign(&d, secret, out);
	if (len < 0)
		return -1;
	puts(sodium_bin2hex(said, sizeof(said), out, (size_t)len));
	return 0;
}

static int parse(void)
{
	char said[4 * FOG_DESCRIPTOR_MAX + 1];
	uint8_t data[2 * FOG_DESCRIPTOR_MAX];
	struct fog_descriptor d;
	size_t len = 0;

	if (scanf("%4000s", said) != 1 ||
	    sodium_hex2bin(data, sizeof(data), said, strlen(said), NULL, &len, NULL) != 0)
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
