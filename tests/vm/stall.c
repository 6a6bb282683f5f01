// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// vm_stall TID: stops one thread of another process, as if it were caught in a loop, until that
// process or this one ends.
#include <err.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

int main(int argc, char **argv)
{
	int status;
	pid_t thread = argc > 1 ? (pid_t)atoi(argv[1]) : 0;

	if (thread <= 0)
		errx(2, "usage: vm_stall TID");
	if (ptrace(PTRACE_SEIZE, thread, 0L, 0L) < 0 ||
	    ptrace(PTRACE_INTERRUPT, thread, 0L, 0L) < 0)
		err(1, "thread %d", (int)thread);
	// It stops, and says no more until the end.
	while (waitpid(thread, &status, __WALL) == thread && !WIFEXITED(status) &&
	       !WIFSIGNALED(status))
		;
	return 0;
}
