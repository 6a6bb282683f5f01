// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Places of the server's connections: who is at the other end, and until when he has to get on. Connections of one network have a share
// of those by TCP: 16 of an address (IPv4) or a /64 (IPv6), 24 of a /56, 32 of a /48. Any thread.
#pragma once

#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "dispatch.h"

enum { HTTP_PLACES = 128 };

struct http_place {
	int fd; // -1: free
	bool entered; // it is being served; until then it is only counted
	uint64_t deadline_ms; // 0: none
	struct in6_addr network; // mapped when it is IPv4's; all zero: none is counted
	struct http_peer peer;
};

struct http_places {
	pthread_mutex_t lock;
	struct http_place place[HTTP_PLACES];
};

void http_places_init(struct http_places *);
void http_places_destroy(struct http_places *);
// A place for a connection that was accepted. Returns whether there is one for somebody from there.
bool http_place_take(
        struct http_places *, int fd, const struct sockaddr *from, uint64_t deadline_ms
);
// It begins; the caller fills in 'peer' before anybody else looks at it. NULL: it has no place.
struct http_place *http_place_enter(struct http_places *, int fd, uint64_t deadline_ms);
// It has ended, or has not begun.
void http_place_leave(struct http_places *, struct http_place *); // accepts NULL
void http_place_drop(struct http_places *, int fd);
// 0: as long as it takes.
void http_place_deadline(struct http_places *, struct http_place *, uint64_t deadline_ms);
// End those whose time is over.
void http_places_tick(struct http_places *, uint64_t now_ms);
