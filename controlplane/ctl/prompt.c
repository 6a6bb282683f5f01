// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "prompt.h"

#include <signal.h>
#include <termios.h>
#include <unistd.h>

static const int prompt_signals[] = {SIGINT, SIGTERM, SIGHUP};

static void prompt_echo(bool on)
{
	struct termios t;

	if (tcgetattr(STDIN_FILENO, &t) < 0)
		return;
	t.c_lflag = on ? t.c_lflag | ECHO : t.c_lflag & ~(tcflag_t)ECHO;
	tcsetattr(STDIN_FILENO, on ? TCSANOW : TCSAFLUSH, &t);
}

// Ctrl-C at the question: the terminal must show again what is typed.
static void prompt_interrupted(int signal)
{
	prompt_echo(true);
	_exit(128 + signal);
}

static void prompt_guard(void (*handler)(int))
{
	for (size_t i = 0; i < sizeof(prompt_signals) / sizeof(prompt_signals[0]); i++)
		signal(prompt_signals[i], handler);
}

bool ctl_prompt_secret(FILE *f, const char *question, char *line, size_t len)
{
	bool got;

	setvbuf(f, NULL, _IONBF, 0); // no copy of it in a buffer
	if (question != NULL) {
		prompt_guard(prompt_interrupted);
		prompt_echo(false
		); // before anybody answers: it throws away what was typed until now
		fprintf(stderr, "%s: ", question);
	}
	got = fgets(line, (int)len, f) != NULL;
	if (question != NULL) {
		prompt_echo(true);
		fputs("\n", stderr);
		prompt_guard(SIG_DFL);
	}
	return got;
}
