// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Whoever sends his head or his body a byte a second loses his connection; others are served meanwhile.
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../run.h"
#include "http_rig.h"

enum { PATIENCE_S = 100 };

struct slow {
	int fd;
	const char *begin;
	bool ended;
};

// A byte more; notes when the other end has gone.
static void slow_send(struct slow *s)
{
	struct pollfd p = {s->fd, POLLIN, 0};
	char byte;

	if (s->ended)
		return;
	if (poll(&p, 1, 0) > 0 && recv(s->fd, &byte, 1, MSG_DONTWAIT) <= 0 && errno != EAGAIN)
		s->ended = true;
	else if (send(s->fd, "x", 1, MSG_NOSIGNAL) < 0 && errno != EAGAIN)
		s->ended = true;
}

void test_http_slow(void)
{
	struct slow all[] = {
	        {dial(true), "GET /healthz HTTP/1.1\r\nX-Slow: ", false},
	        {dial(false), "", false}, // not even the first line
	        {dial(false),
	         "POST /v1/loops HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10000\r\n\r\n{",
	         false},
	};
	unsigned ended = 0, count = sizeof(all) / sizeof(all[0]);

	for (unsigned i = 0; i < count; i++)
		CU_ASSERT_EQUAL(
		        send(all[i].fd, all[i].begin, strlen(all[i].begin), MSG_NOSIGNAL),
		        (ssize_t)strlen(all[i].begin)
		);
	for (unsigned s = 0; s < PATIENCE_S && ended < count; s++) {
		ended = 0;
		for (unsigned i = 0; i < count; i++) {
			slow_send(&all[i]);
			ended += all[i].ended;
		}
		CU_ASSERT_EQUAL(ask("GET", "/healthz", ""), 200);
		if (ended < count)
			sleep(1);
	}
	CU_ASSERT_EQUAL(ended, count);
	for (unsigned i = 0; i < count; i++)
		close(all[i].fd);
}
