// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The operator's list of nodes that are not taken: IDs of 64 hexadecimal digits, one a line; '#' begins a
// comment. Main thread.
#pragma once

#include <stdint.h>
#include <sys/stat.h>

#include "service.h"

struct refuse {
	const char *path;
	struct stat seen; // the file as it was read last; st_ino 0: it is to be read again
	uint8_t digest[32]; // of the list in force
	int error; // that was told of
};

// Read it, whether it has changed or not. A list that can't be read leaves the one before in force. Returns 0
// or -errno, logged with its mend.
int refuse_read(struct refuse *, struct service *);
// Read it when the file at this path is another one, or has changed. About once a second.
void refuse_poll(struct refuse *, struct service *);
