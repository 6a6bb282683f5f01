// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The control plane's side of mini.h: a thread around the client, and a store that only keeps the
// last sequence numbers, as the real one does in its database.
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "mini.h"

static unsigned boot_index(struct mini_store *s, const uint8_t id[16])
{
	unsigned i = 0;

	while (i < s->boots && memcmp(s->boot[i].id, id, 16) != 0)
		i++;
	if (i == s->boots && i < MINI_BOOTS) {
		memcpy(s->boot[i].id, id, 16);
		s->boots++;
	}
	return i < MINI_BOOTS ? i : MINI_BOOTS - 1;
}

static int on_delivered(
        void *ctx, uint32_t worker, const uint8_t boot_id[16], uint64_t seq,
        const struct fog_deliver *d, const uint8_t *data
)
{
	struct mini_cp *cp = ctx;
	struct mini_store *s = cp->store;
	uint64_t number;

	if (cp->refuse) {
		s->refused++;
		return -EAGAIN;
	}
	for (unsigned i = 0; i < MINI_DATA; i += sizeof(number)) {
		memcpy(&number, data + i, sizeof(number));
		s->corrupt += number != seq || d->data_len != MINI_DATA;
	}
	_Atomic uint64_t *last = &s->boot[boot_index(s, boot_id)].last[worker];
	if (seq <= *last) {
		s->duplicates++;
		return 0;
	}
	s->gaps += seq != *last + 1;
	*last = seq;
	return 0;
}

static void on_event(void *ctx, uint32_t type, const struct fog_evt *evt)
{
	struct mini_cp *cp = ctx;

	if (type == FOG_EVT_PONG)
		cp->store->pong = evt->token;
	if (type == FOG_EVT_RING_FAULT)
		cp->store->ring_faults++;
}

static void on_attached(void *ctx, const struct fog_msg_welcome *m)
{
	struct mini_cp *cp = ctx;

	cp->store->attaches++;
}

static void on_detached(void *ctx, const char *why)
{
	struct mini_cp *cp = ctx;

	cp->store->detaches++;
}

static bool on_hold(void *ctx)
{
	struct mini_cp *cp = ctx;

	cp->holds += cp->hold;
	return cp->hold;
}

static const struct fog_dpclient_ops ops = {
        .attached = on_attached,
        .detached = on_detached,
        .delivered = on_delivered,
        .event = on_event,
        .hold = on_hold,
};

static void *control_run(void *arg)
{
	struct mini_cp *cp = arg;
	struct pollfd p = {.fd = fog_dpclient_fd(cp->client), .events = POLLIN};

	while (!cp->stop) {
		poll(&p, 1, 20);
		fog_dpclient_process(cp->client);
	}
	return NULL;
}

int mini_cp_start(struct mini_cp *cp, const char *path, struct mini_store *store)
{
	struct fog_dpclient_params params = {.socket_path = path, .build = "mini"};

	memset(cp, 0, sizeof(*cp));
	cp->store = store;
	int ret = fog_dpclient_create(&params, &ops, cp, &cp->client);
	return ret < 0 ? ret : -pthread_create(&cp->thread, NULL, control_run, cp);
}

void mini_cp_stop(struct mini_cp *cp)
{
	cp->stop = true;
	pthread_join(cp->thread, NULL);
	fog_dpclient_destroy(cp->client);
}

int mini_cp_inject(struct mini_cp *cp, uint32_t number)
{
	uint8_t packet[MINI_PACKET] = {0};

	memcpy(packet, &number, sizeof(number));
	return fog_dpclient_inject(cp->client, FOG_INJECT_UNWRAP, NULL, 1, packet, sizeof(packet));
}

void mini_blob(struct fog_blob *b, uint64_t generation, uint8_t node)
{
	memset(b, 0, sizeof(*b));
	b->magic = FOG_ABI_MAGIC;
	b->abi = FOG_ABI;
	b->size = sizeof(*b);
	b->generation = generation;
	b->run.node_id[0] = node;
	// Any number that differs with the content does for these tests.
	b->checksum[0] = node;
	memcpy(b->checksum + 1, &generation, sizeof(generation));
}

void *mini_shared(size_t size)
{
	void *m = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return m == MAP_FAILED ? NULL : m;
}

const char *mini_path(void)
{
	static char path[64];
	static unsigned n;

	snprintf(path, sizeof(path), "/tmp/fogt-shm-%d-%u.sock", (int)getpid(), n++);
	return path;
}
