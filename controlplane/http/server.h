// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The HTTP server: connections in, requests to the dispatcher, answers out. One thread a connection, at most 64, 16 from one
// address; request heads of 16 KiB, bodies of 1 MiB; 10 s for a head, 30 s for a body, 60 s for an answer to be read, 45 s between
// requests.
#pragma once

#include "../auth/token.h"
#include "http.h"

struct fog_server;

// 'token' may be NULL: then nobody gets in by TCP. Both outlive the server.
// Returns 0, -EINVAL (the table of routes contradicts itself), -EIO or -ENOMEM, logged.
int fog_server_start(struct fog_node *, const struct fog_token *token, struct fog_server **);
// Take the connections that wait on a listening socket. Control thread.
void fog_server_accept(struct fog_server *, int listen_fd);
// End the connections that take too long. A few times a second. Control thread.
void fog_server_tick(struct fog_server *);
// End: no new requests, running ones are finished. fog_inbox_wake before it, or waits delay it.
// Accepts NULL.
void fog_server_stop(struct fog_server *);
