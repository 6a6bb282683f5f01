// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Answers path_check.py: path_answer TOPOLOGY FROM TO COUNT MEMORY draws paths, with a memory when MEMORY is
// 1, and writes the names of each on a line.
#include <stdio.h>
#include <stdlib.h>

#include "../../../controlplane/mixnet/path.h"

int main(int argc, char **argv)
{
	const struct fog_topology_node *path[FOG_SPHINX_SLOTS_MAX];
	struct fog_path_memory *memory = NULL;
	struct fog_report report = {0};
	struct fog_topology *t;

	if (argc != 6 || fog_topology_load(argv[1], &t, &report) < 0) {
		fputs(report.text, stderr);
		return 1;
	}
	const struct fog_path_wish wish = {
	        .from = fog_topology_find_name(t, argv[2]),
	        .to = fog_topology_find_name(t, argv[3]),
	        .with_from = true,
	        .max = FOG_SPHINX_SLOTS_MAX,
	};
	if (atoi(argv[5]) != 0 && fog_path_memory_create(&memory) < 0)
		return 1;
	for (long i = 0; i < atol(argv[4]); i++) {
		int n = fog_path_choose(t, &wish, memory, path);
		if (n < 0)
			printf("%d", n);
		for (int k = 0; k < n; k++)
			printf("%s%s", k > 0 ? " " : "", path[k]->name);
		printf("\n");
	}
	fog_path_memory_destroy(memory);
	fog_topology_free(t);
	return 0;
}
