// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Pairs of texts from standard input, each as "LENGTH LENGTH\n" and their bytes. Answers each with "LENGTH\n" and its difference.
#include <stdio.h>
#include <stdlib.h>

#include "../../../controlplane/config_history/diff.h"

int main(void)
{
	size_t a_len, b_len, len = 0;

	while (scanf("%zu %zu", &a_len, &b_len) == 2 && getchar() == '\n') {
		char *a = malloc(a_len + 1), *b = malloc(b_len + 1), *out = NULL;
		if (a == NULL || b == NULL || fread(a, 1, a_len, stdin) != a_len ||
		    fread(b, 1, b_len, stdin) != b_len ||
		    fog_diff_unified(a, a_len, "old", b, b_len, "new", &out, &len) < 0)
			return 1;
		printf("%zu\n", len);
		fwrite(out, 1, len, stdout);
		free(a);
		free(b);
		free(out);
	}
	return 0;
}
