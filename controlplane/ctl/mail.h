// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fogctl's commands that are a client of the network themselves, through libfogclient, and need no
// appliance. Each gets its own argv and returns enum ctl_exit.
#pragma once

#include <stdbool.h>

// Whether there is a --client among the arguments.
bool mail_wanted(int argc, char **argv);
int mail_send(int argc, char **argv);
int mail_receive(int argc, char **argv);
int ctl_ping(int argc, char **argv);
int ctl_mailbox(int argc, char **argv); // `client address|status`
