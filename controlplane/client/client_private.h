// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the library's own files share.
#pragma once

#include <stdarg.h>

#include "../mixnet/topology.h"
#include "client.h"
#include "courier.h"
#include "keys.h"
#include "store.h"

struct runner;

struct fog_client {
	char error[512];
	char waiting[512]; // what the network waits for, "": nothing
	uint64_t waiting_ms; // for so long
	char dir[4000];
	int dir_fd, stop_fd;
	struct client_keys *keys;
	struct client_store *store;
	struct fog_topology *network; // the file's
	char wish[80]; // gateway that the caller asks for, "" = any
	bool has_gateway;
	uint8_t gateway[FOG_ID_LEN];
	struct runner *runner; // while it runs
};

// Keeps the sentence, returns 'error'.
__attribute__((format(printf, 3, 4))) int client_fail(
        struct fog_client *, int error, const char *format, ...
);
// The same for what a system call has refused (-errno): its words and, where we know one, the mend. Returns
// -ENOSPC or -EIO.
__attribute__((format(printf, 3, 4))) int client_fail_file(
        struct fog_client *, int error, const char *format, ...
);
// The store's own sentence.
int client_fail_store(struct fog_client *, int error);
int client_keep_gateway(struct fog_client *, const uint8_t id[FOG_ID_LEN]);
