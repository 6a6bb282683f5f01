// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "describe.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"

// Whatever way a command says its usage on, and however it ends.
static FILE *describe_run(const struct ctl_command *c, pid_t *pid)
{
	int ends[2];

	if (pipe(ends) < 0)
		return NULL;
	*pid = fork();
	if (*pid == 0) {
		char help[] = "--help", *argv[] = {(char *)c->name, help, NULL};
		dup2(ends[1], STDOUT_FILENO);
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);
		c->run(2, argv);
		fflush(NULL);
		_exit(0);
	}
	close(ends[1]);
	if (*pid > 0)
		return fdopen(ends[0], "r");
	close(ends[0]);
	return NULL;
}

static int describe_one(const struct ctl_command *c)
{
	bool begins = true;
	pid_t pid = -1;

	printf("command %s\t%s\n", c->name, c->help);
	fflush(stdout);
	FILE *said = describe_run(c, &pid);
	if (said == NULL) {
		fprintf(stderr,
		        "fogctl: cannot ask %s for its usage: %s: raise the limits of processes and "
		        "descriptors (ulimit -u, -n)\n",
		        c->name, strerror(errno));
		return CTL_REFUSED;
	}
	for (int ch = fgetc(said); ch != EOF; ch = fgetc(said)) {
		if (begins)
			putchar('\t');
		putchar(ch);
		begins = ch == '\n';
	}
	if (!begins)
		putchar('\n');
	fclose(said);
	waitpid(pid, NULL, 0);
	return CTL_OK;
}

int ctl_describe(const struct ctl_command *commands, size_t count)
{
	int r = CTL_OK;

	for (size_t i = 0; i < count && r == CTL_OK; i++)
		r = describe_one(&commands[i]);
	return r;
}
