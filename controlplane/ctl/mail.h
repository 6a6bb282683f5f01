// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fogctl's commands that are a client of the network themselves, through libfogclient, and need no
// appliance. Each gets its own argv and returns enum ctl_exit.
#pragma once

#include <stdbool.h>

// What usages say of these options, here and of the same commands of a node.
#define MAIL_FOLDER_OPTIONS \
	"  --client DIR     be the client of this folder, without an appliance\n" \
	"  --network FILE   network file (topology.yaml); needed the first time, the folder keeps it\n" \
	"  --gateway NODE   gateway that keeps our mail, by name or ID; the first time, else one is\n" \
	"                   drawn\n"
#define MAIL_SEND_OPTIONS \
	MAIL_FOLDER_OPTIONS \
	"  --wait SECONDS   wait for the acknowledgement for so long [300]; 0: accept it only, whoever\n" \
	"                   runs the folder's network next sends it\n"
#define MAIL_RECEIVE_OPTIONS \
	MAIL_FOLDER_OPTIONS \
	"  --keep           don't forget what was shown\n" \
	"  --raw            the bytes of the messages and nothing else\n"

// Whether there is a --client among the arguments.
bool mail_wanted(int argc, char **argv);
int mail_send(int argc, char **argv);
int mail_receive(int argc, char **argv);
int ctl_ping(int argc, char **argv);
int ctl_mailbox(int argc, char **argv); // `client address|status`
