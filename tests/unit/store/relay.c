// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "relay.h"

struct relay {
	int listener;
	struct sockaddr_un here, server;
	pthread_t thread;
	_Atomic enum relay_cut cut;
	atomic_uint cuts;
};

struct conversation {
	struct relay *relay;
	int client;
};

static void address_set(struct sockaddr_un *a, const char *folder, int port)
{
	a->sun_family = AF_UNIX;
	snprintf(a->sun_path, sizeof(a->sun_path), "%s/.s.PGSQL.%d", folder, port);
}

// Whether this COMMIT is the one; if so 'cut' says when.
static bool cut_takes(struct relay *relay, const char *data, ssize_t n, enum relay_cut *cut)
{
	if (memmem(data, (size_t)n, "COMMIT", 6) == NULL)
		return false;
	*cut = atomic_load(&relay->cut);
	if (*cut == RELAY_BEFORE || *cut == RELAY_AFTER)
		atomic_store(&relay->cut, RELAY_NEVER);
	if (*cut != RELAY_NEVER)
		atomic_fetch_add(&relay->cuts, 1);
	return *cut != RELAY_NEVER;
}

// Returns false at the end.
static bool pass(struct relay *relay, int from, int to, bool from_client)
{
	char data[16384];
	ssize_t n = read(from, data, sizeof(data));
	enum relay_cut cut;

	if (n <= 0)
		return false;
	bool cuts = from_client && cut_takes(relay, data, n, &cut);
	if (cuts && cut != RELAY_AFTER)
		return false;
	if (write(to, data, (size_t)n) != n)
		return false;
	if (cuts && read(to, data, sizeof(data)) <= 0)
		fprintf(stderr, "relay: the server ended before its answer\n");
	return !cuts;
}

static void *converse(void *ctx)
{
	struct conversation *c = ctx;
	int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct pollfd fds[2] = {
	        {.fd = c->client, .events = POLLIN}, {.fd = server, .events = POLLIN}};
	const void *address = &c->relay->server;
	bool goes_on = connect(server, address, sizeof(c->relay->server)) == 0;

	while (goes_on && poll(fds, 2, -1) > 0) {
		if (fds[0].revents != 0)
			goes_on = pass(c->relay, c->client, server, true);
		if (goes_on && fds[1].revents != 0)
			goes_on = pass(c->relay, server, c->client, false);
	}
	close(server);
	close(c->client);
	free(c);
	return NULL;
}

static void *serve(void *ctx)
{
	struct relay *relay = ctx;
	int client;

	while ((client = accept4(relay->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		struct conversation *c = malloc(sizeof(*c));
		pthread_t thread;

		*c = (struct conversation){relay, client};
		pthread_create(&thread, NULL, converse, c);
		pthread_detach(thread);
	}
	return NULL;
}

struct relay *relay_start(const char *folder)
{
	// Conversations that have ended just now may still look at it.
	static struct relay one;
	struct relay *relay = &one;
	const void *address = &relay->here;

	address_set(&relay->here, folder, 5433);
	address_set(&relay->server, folder, 5432);
	unlink(relay->here.sun_path);
	relay->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(relay->listener, address, sizeof(relay->here)) < 0 ||
	    listen(relay->listener, 16) < 0 ||
	    pthread_create(&relay->thread, NULL, serve, relay) != 0) {
		close(relay->listener);
		return NULL;
	}
	return relay;
}

void relay_cut(struct relay *relay, enum relay_cut cut)
{
	atomic_store(&relay->cut, cut);
}

unsigned relay_cuts(const struct relay *relay)
{
	return atomic_load(&relay->cuts);
}

void relay_stop(struct relay *relay)
{
	shutdown(relay->listener, SHUT_RDWR);
	pthread_join(relay->thread, NULL);
	close(relay->listener);
	unlink(relay->here.sun_path);
}
