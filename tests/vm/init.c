// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The first process of an emulated machine, and all of its user space: runs the commands of
// /commands one after the other and reports each end on the serial line.
//
// A line of /commands is "NAME [VARIABLE=VALUE]... PROGRAM [ARGUMENT]...", parted by blanks. The
// reports are lines of their own: "vm: begin NAME", "vm: end NAME CODE" (a signal counts as 128 and
// its number), and "vm: done" behind the last.
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINE_MAX_LEN = 1024, WORDS_MAX = 32 };

static void run_child(char **word)
{
	for (; *word != NULL && strchr(*word, '=') != NULL; word++)
		putenv(*word);
	if (*word == NULL)
		errx(127, "a command without a program");
	execv(*word, word);
	err(127, "%s", *word);
}

static void run(char *line)
{
	char *word[WORDS_MAX + 1] = {NULL}, *rest = line;
	int status = 0;
	pid_t child;

	for (unsigned n = 0; n < WORDS_MAX; n++) {
		word[n] = strtok_r(rest, " \n", &rest);
		if (word[n] == NULL)
			break;
	}
	if (word[0] == NULL)
		return;
	printf("\nvm: begin %s\n", word[0]);
	fflush(stdout);
	child = fork();
	if (child == 0)
		run_child(word + 1);
	if (child < 0 || waitpid(child, &status, 0) < 0)
		err(1, "%s", word[0]);
	printf("\nvm: end %s %d\n", word[0],
	       WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static void console_open(void)
{
	int fd;

	if (mount("devtmpfs", "/dev", "devtmpfs", 0, NULL) < 0)
		err(1, "/dev");
	fd = open("/dev/ttyS0", O_RDWR);
	if (fd < 0)
		err(1, "/dev/ttyS0");
	for (int i = 0; i < 3; i++)
		dup2(fd, i);
}

int main(void)
{
	char line[LINE_MAX_LEN];
	FILE *commands;

	console_open();
	if (mount("proc", "/proc", "proc", 0, NULL) < 0)
		err(1, "/proc");
	commands = fopen("/commands", "re");
	if (commands == NULL)
		err(1, "/commands");
	while (fgets(line, sizeof(line), commands) != NULL)
		run(line);
	printf("\nvm: done\n");
	fflush(stdout);
	for (;;)
		pause();
}
