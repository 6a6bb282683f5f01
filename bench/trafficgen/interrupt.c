// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "interrupt.h"

#include <signal.h>

static volatile sig_atomic_t interrupt_came;

static void interrupt_signal(int number)
{
	interrupt_came = 1;
}

void interrupt_watch(void)
{
	// Calls that wait come back, and whoever asks a second time gets the default.
	struct sigaction action = {.sa_handler = interrupt_signal, .sa_flags = (int)SA_RESETHAND};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

bool interrupt_seen(void)
{
	return interrupt_came != 0;
}
