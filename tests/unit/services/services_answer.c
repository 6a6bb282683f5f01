// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Tables from standard input, one a line: "NAME:NEEDS:USES ..", needs and uses joined by commas. Answers each with its
// order and layers ("a=0 b=1"), or with "! " and what is wrong.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../controlplane/services/order.h"

static int start(void *ctx)
{
	(void)ctx;
	return 0;
}

static const char *const *names(char *text)
{
	const char **list = calloc(FOG_SERVICES_MAX + 1, sizeof(*list));
	char *save = NULL;
	unsigned n = 0;

	for (char *p = strtok_r(text, ",", &save); list != NULL && p != NULL;
	     p = strtok_r(NULL, ",", &save))
		list[n++] = p;
	return list;
}

static void answer(char *line)
{
	struct fog_service table[FOG_SERVICES_MAX + 1] = {0};
	struct services_graph g;
	char error[1024], *save = NULL;
	unsigned count = 0;

	for (char *p = strtok_r(line, " \n", &save); p != NULL && count <= FOG_SERVICES_MAX;
	     p = strtok_r(NULL, " \n", &save)) {
		table[count].name = strsep(&p, ":");
		table[count].needs = names(strsep(&p, ":"));
		table[count].uses = names(p);
		table[count++].start = start;
	}
	if (services_graph_make(table, count, &g, error, sizeof(error)) < 0)
		printf("! %s", error);
	else
		for (unsigned n = 0; n < count; n++)
			printf("%s%s=%u", n > 0 ? " " : "", table[g.order[n]].name,
			       g.layer[g.order[n]]);
	printf("\n");
	for (unsigned i = 0; i < count; i++) {
		free((void *)table[i].needs);
		free((void *)table[i].uses);
	}
}

int main(void)
{
	static char line[1 << 16];

	while (fgets(line, sizeof(line), stdin) != NULL)
		answer(line);
	return 0;
}
