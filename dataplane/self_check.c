// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "self_check.h"

#include <errno.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/self_test.h"

enum { BATCHES_MAX = 1024 };

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)

struct check {
	struct fog_sphinx_batch batch;
	struct fog_sphinx_hop hop[FOG_SPHINX_BATCH_MAX];
	struct fog_sphinx_route route[FOG_SPHINX_BATCH_MAX];
	uint8_t private_key[32];
	uint8_t original[FOG_SPHINX_BATCH_MAX][FOG_SPHINX_PACKET_MAX];
	uint8_t packet[FOG_SPHINX_BATCH_MAX][FOG_SPHINX_PACKET_MAX];
	uint64_t ns[BATCHES_MAX];
};

int fog_self_check_answers(const struct fog_crypto_ops *ops, char *text, size_t text_len)
{
	const char *what = "crypto";

	if (fog_crypto_self_test(ops, &what) == 0)
		return 0;
	snprintf(
	        text, text_len,
	        "self-check: %s of implementation %s gives a wrong answer on this CPU: choose "
	        "another one with --crypto (ref runs everywhere), and have the machine looked at",
	        what, ops->name
	);
	return -EIO;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

// Packets that come to us and go on to a second hop: a mix has few others.
static int packets_make(struct check *c)
{
	const struct fog_sphinx_batch *b = &c->batch;
	struct fog_sphinx_path_hop path[2] = {0};
	uint8_t payload[FOG_SPHINX_PACKET_MAX];
	unsigned hops = b->geo->slots > 1 ? 2 : 1;
	int ret = 0;

	randombytes_buf(payload, b->geo->payload_len);
	randombytes_buf(c->private_key, sizeof(c->private_key));
	crypto_scalarmult_base(path[0].public_key, c->private_key);
	memcpy(path[1].public_key, path[0].public_key, sizeof(path[1].public_key));
	path[hops - 1].has_recipient = 1;
	for (unsigned i = 0; i < b->n && ret == 0; i++)
		ret = fog_sphinx_wrap(
		        b->ops, b->geo, path, hops, payload, c->original[i], NULL, NULL
		);
	return ret;
}

// How long one batch takes, or 0 when a packet was not opened.
static uint64_t batch_time(struct check *c)
{
	struct fog_sphinx_batch *b = &c->batch;

	for (unsigned i = 0; i < b->n; i++) {
		memcpy(c->packet[i], c->original[i], b->geo->packet_len);
		b->drop[i] = FOG_DROP_NONE;
	}
	uint64_t start = now_ns();
	fog_sphinx_key(b, c->private_key);
	fog_sphinx_mac(b);
	fog_sphinx_open(b);
	fog_sphinx_payload(b);
	fog_sphinx_blind(b);
	uint64_t end = now_ns();
	for (unsigned i = 0; i < b->n; i++)
		if (b->drop[i] != FOG_DROP_NONE)
			return 0;
	return end - start;
}

static int ns_compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

uint64_t fog_self_check_capacity(
        const struct fog_crypto_ops *ops, const struct fog_geometry *g, unsigned batch, unsigned ms
)
{
	struct check *c = calloc(1, sizeof(*c));
	uint64_t median = 0;
	unsigned n = 0;

	if (c == NULL)
		return 0;
	c->batch = (struct fog_sphinx_batch
	){.ops = ops, .geo = g, .n = batch, .hop = c->hop, .route = c->route};
	for (unsigned i = 0; i < batch; i++)
		c->batch.pkt[i] = c->packet[i];
	bool good = packets_make(c) == 0 && batch_time(c) > 0; // which warms up
	for (uint64_t end = now_ns() + ms * NS_PER_MS; good && n < BATCHES_MAX && now_ns() < end;)
		good = (c->ns[n++] = batch_time(c)) > 0;
	if (good && n > 0) {
		qsort(c->ns, n, sizeof(c->ns[0]), ns_compare);
		median = c->ns[n / 2];
	}
	fog_sphinx_hop_wipe(c->hop, batch);
	free(c);
	return median > 0 ? batch * NS_PER_S / median : 0;
}
