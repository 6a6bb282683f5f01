// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The VRF for the Python that checks it: one question a line, in hexadecimal, one answer a line.
//   prove SEED ALPHA           the proof
//   verify KEY ALPHA PROOF     beta, or "refused"
// An empty alpha is written as "-".
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../controlplane/vrf/vrf.h"

enum { ALPHA_MAX = 4096 };

static size_t unhex(const char *text, uint8_t *out, size_t max)
{
	size_t len;

	if (strcmp(text, "-") == 0)
		return 0;
	if (sodium_hex2bin(out, max, text, strlen(text), NULL, &len, NULL) != 0)
		exit(2);
	return len;
}

static void print_hex(const uint8_t *data, size_t len)
{
	char text[2 * FOG_VRF_PROOF_LEN + 1];

	puts(sodium_bin2hex(text, sizeof(text), data, len));
	fflush(stdout);
}

int main(void)
{
	static char line[3 * ALPHA_MAX];

	if (sodium_init() < 0)
		return 1;
	while (fgets(line, sizeof(line), stdin) != NULL) {
		uint8_t key[32], alpha[ALPHA_MAX], proof[FOG_VRF_PROOF_LEN], beta[FOG_VRF_BETA_LEN];
		char *save, *verb = strtok_r(line, " \n", &save);
		char *first = strtok_r(NULL, " \n", &save), *second = strtok_r(NULL, " \n", &save);
		char *third = strtok_r(NULL, " \n", &save);

		if (second == NULL || unhex(first, key, sizeof(key)) != sizeof(key))
			return 2;
		size_t len = unhex(second, alpha, sizeof(alpha));
		if (strcmp(verb, "prove") == 0) {
			if (fog_vrf_prove(key, alpha, len, proof) != 0)
				return 3;
			print_hex(proof, sizeof(proof));
		} else if (third == NULL || unhex(third, proof, sizeof(proof)) != sizeof(proof)) {
			return 2;
		} else if (fog_vrf_verify(key, alpha, len, proof, beta) == 0) {
			print_hex(beta, sizeof(beta));
		} else {
			puts("refused");
			fflush(stdout);
		}
	}
	return 0;
}
