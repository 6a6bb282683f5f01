// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "secret.h"

#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "prompt.h"

enum { LINE_LEN = 1024 }; // a password has 512 bytes at most

int ctl_secret_begin(void)
{
	if (sodium_init() >= 0)
		return CTL_OK;
	fputs("fogctl: libsodium does not work on this CPU: take another host\n", stderr);
	return CTL_REFUSED;
}

char *ctl_secret_line(FILE *f, const char *question)
{
	char *line = sodium_malloc(LINE_LEN);
	bool ask = f == stdin && isatty(STDIN_FILENO);

	if (line != NULL && ctl_prompt_secret(f, ask ? question : NULL, line, LINE_LEN) &&
	    strlen(line) < LINE_LEN - 1 && line[0] != '\n') {
		line[strcspn(line, "\r\n")] = '\0';
		return line;
	}
	fprintf(stderr, "fogctl: there is no %s, or it is too long: give one line\n", question);
	sodium_free(line);
	return NULL;
}

char *ctl_secret_new(const char *question)
{
	char *line = ctl_secret_line(stdin, question);

	if (line == NULL || !isatty(STDIN_FILENO))
		return line;
	char *again = ctl_secret_line(stdin, "the same again");
	if (again != NULL && strcmp(line, again) == 0) {
		sodium_free(again);
		return line;
	}
	if (again != NULL)
		fprintf(stderr, "fogctl: these are two %ss: begin again\n", question);
	sodium_free(again);
	sodium_free(line);
	return NULL;
}
