// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "net.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../../controlplane/mixnet/message.h"
#include "../../../controlplane/mixnet/recipient.h"

void net_maybe_die(struct net *n)
{
	if (n->kill > 0 && randombytes_uniform(n->kill) == 0)
		raise(SIGKILL);
}

struct net *net_make(void)
{
	struct net *n =
	        mmap(NULL, sizeof(*n), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (n == MAP_FAILED)
		return NULL;
	fog_geometry_named(&n->geometry, "mtu");
	n->now_us = INT64_C(1800000000000000);
	for (unsigned i = 0; i < NET_NODES; i++) {
		randombytes_buf(n->node[i].id, FOG_ID_LEN);
		randombytes_buf(n->node[i].private_key, 32);
		crypto_scalarmult_base(n->node[i].public_key, n->node[i].private_key);
	}
	for (unsigned i = 0; i < NET_CLIENTS; i++)
		n->box[i].next = 1;
	return n;
}

void net_free(struct net *n)
{
	munmap(n, sizeof(*n));
}

static unsigned net_node(const struct net *n, const uint8_t *id)
{
	unsigned i = 0;

	while (i < NET_NODES && memcmp(n->node[i].id, id, FOG_ID_LEN) != 0)
		i++;
	return i;
}

// A packet begins its way to a node, or is lost on it.
static void net_fly(struct net *n, unsigned node, const uint8_t *packet)
{
	n->packets++;
	if (node >= NET_NODES || randombytes_uniform(1000) < n->loss) {
		n->lost++;
		return;
	}
	for (unsigned i = 0; i < NET_FLIGHT_MAX; i++) {
		struct net_flight *f = &n->flight[i];
		if (f->used)
			continue;
		memcpy(f->packet, packet, n->geometry.packet_len);
		f->node = node;
		f->due_us = n->now_us + 1000 + randombytes_uniform(40000);
		f->used = true;
		return;
	}
	n->lost++;
}

static void net_keep(
        struct net_box *b, uint8_t kind, const void *head, size_t head_len, const uint8_t *data,
        size_t len
)
{
	for (unsigned i = 0; i < NET_MAILS_MAX; i++) {
		struct net_mail *m = &b->mail[i];
		if (m->number != 0)
			continue;
		m->data[0] = kind;
		memcpy(m->data + 1, head, head_len);
		memcpy(m->data + 1 + head_len, data, len);
		m->len = 1 + head_len + len;
		m->number = b->next++;
		return;
	}
}

static void net_reply(struct net *n, const struct fog_message *m, const void *data, size_t len)
{
	uint8_t payload[FOG_SPHINX_PACKET_MAX], packet[FOG_SPHINX_PACKET_MAX], first[FOG_ID_LEN];

	if (m->surb == NULL)
		return;
	fog_message_encode(&n->geometry, NULL, data, len, payload);
	if (fog_surb_reply(
	            fog_crypto_ops_get(NULL), &n->geometry, m->surb, payload, packet, first
	    ) == 0)
		net_fly(n, net_node(n, first), packet);
}

static void net_deliver(struct net *n, const struct fog_sphinx_route *route, const uint8_t *pkt)
{
	const uint8_t *payload = pkt + n->geometry.header_len + FOG_SPHINX_TAG_LEN;
	uint8_t answer = FOG_MAIL_NO_MAILBOX, nobody[FOG_ID_LEN], echo[FOG_ID_LEN];
	struct net_box *b = NULL;
	struct fog_message m;

	for (unsigned i = 0; i < NET_CLIENTS; i++)
		if (n->box[i].open && memcmp(n->box[i].id, route->recipient, FOG_ID_LEN) == 0)
			b = &n->box[i];
	if (route->has_surb) {
		if (b != NULL)
			net_keep(
			        b, FOG_MAIL_REPLY, route->surb_id, 16, payload - FOG_SPHINX_TAG_LEN,
			        FOG_SPHINX_TAG_LEN + n->geometry.payload_len
			);
		return;
	}
	if (fog_message_decode(&n->geometry, payload, &m) < 0)
		return;
	fog_recipient_drop(nobody);
	fog_recipient_echo(echo);
	if (memcmp(route->recipient, nobody, FOG_ID_LEN) == 0) {
		n->drops++;
		return;
	}
	if (memcmp(route->recipient, echo, FOG_ID_LEN) == 0) {
		n->echoes++;
		net_reply(n, &m, m.data, m.len);
		return;
	}
	if (b != NULL) {
		n->bare += m.surb == NULL;
		answer = b->full ? FOG_MAIL_FULL : FOG_MAIL_STORED;
		if (!b->full)
			net_keep(b, FOG_MAIL_MESSAGE, "", 0, m.data, m.len);
	}
	net_reply(n, &m, &answer, 1);
}

static void net_arrive(struct net *n, struct net_flight *f)
{
	struct fog_sphinx_route route;
	enum fog_drop drop;

	f->used = false;
	drop = fog_sphinx_unwrap(
	        fog_crypto_ops_get(NULL), &n->geometry, n->node[f->node].private_key, f->packet,
	        n->geometry.packet_len, &route, NULL
	);
	if (drop != FOG_DROP_NONE)
		n->lost++;
	else if (route.has_next_hop)
		net_fly(n, net_node(n, route.next_hop), f->packet);
	else
		net_deliver(n, &route, f->packet);
}

void net_step(struct net *n, int64_t us)
{
	n->now_us += us;
	for (unsigned i = 0; i < NET_FLIGHT_MAX; i++)
		if (n->flight[i].used && n->flight[i].due_us <= n->now_us)
			net_arrive(n, &n->flight[i]);
}

static int net_way(
        void *ctx, const uint8_t *from, const uint8_t *to, struct fog_sphinx_path_hop *hop,
        uint64_t *epoch
)
{
	struct net_client *c = ctx;
	const struct net *n = c->net;
	unsigned first = net_node(n, from), last = net_node(n, to);
	const unsigned way[] = {first, 2, 3, 4, last};

	*epoch = 7;
	if (first >= NET_NODES || last >= NET_NODES)
		return -ENOENT;
	if (n->no_way)
		return -EAGAIN;
	if (n->no_path < 0 && last == 1)
		return n->no_path;
	for (unsigned i = 0; i < 5; i++) {
		memcpy(hop[i].id, n->node[way[i]].id, FOG_ID_LEN);
		memcpy(hop[i].public_key, n->node[way[i]].public_key, 32);
	}
	return 5;
}

static int net_anybody(void *ctx, uint8_t *to)
{
	struct net_client *c = ctx;

	memcpy(to, c->net->node[randombytes_uniform(2)].id, FOG_ID_LEN);
	return 0;
}

static void net_packet(void *ctx, const uint8_t *packet, uint64_t epoch)
{
	struct net_client *c = ctx;

	net_maybe_die(c->net);
	net_fly(c->net, c->number, packet);
	net_maybe_die(c->net);
}

// The gateway's answer to a question for mail: the oldest that was not sent since, or all again when that
// is long ago.
static void net_answer(struct net_client *c, const struct fog_fetch *f, struct fog_mail *m)
{
	struct net_box *b = &c->net->box[c->number];
	struct net_mail *best = NULL;

	if (c->net->now_us - b->sent_us > 300000)
		b->sent = 0;
	*m = (struct fog_mail){.seen = f->seen, .settled = f->have};
	for (unsigned i = 0; i < NET_MAILS_MAX; i++) {
		struct net_mail *o = &b->mail[i];
		if (o->number != 0 && o->number <= f->have)
			o->number = 0;
		if (o->number == 0)
			continue;
		m->waiting++;
		if (o->number > b->sent && (best == NULL || o->number < best->number))
			best = o;
	}
	if (best == NULL)
		return;
	b->sent = best->number;
	b->sent_us = c->net->now_us;
	m->number = best->number;
	m->parts = 1;
	m->whole = best->len;
	m->data = best->data;
	fog_mail_cut(m);
}

static void net_notice(void *ctx, const uint8_t *data, size_t len)
{
	struct net_client *c = ctx;
	uint8_t out[FOG_MAIL_HEAD + NET_MAIL_LEN];
	struct fog_fetch f;
	struct fog_mail m;

	if (fog_fetch_parse(data, len, &f) < 0 || randombytes_uniform(1000) < c->net->loss)
		return;
	fog_recipient_mailbox(c->keys->link_public, c->net->box[c->number].id);
	c->net->box[c->number].open = true;
	net_answer(c, &f, &m);
	net_maybe_die(c->net);
	len = fog_mail_put(&m, out);
	if (randombytes_uniform(1000) >= c->net->loss)
		c->error = courier_notice(c->courier, out, len, c->net->now_us);
	net_maybe_die(c->net);
}

const struct courier_ops net_ops = {
        .way = net_way, .anybody = net_anybody, .packet = net_packet, .notice = net_notice};

int net_client_open(struct net *n, unsigned number, const char *dir, struct net_client *c)
{
	struct courier_params p = {
	        .geometry = &n->geometry, .patience_us = 600000, .fetch_us = 2000};
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;
	char text[200];

	*c = (struct net_client){.net = n, .number = number};
	r = fd < 0 ? -errno : client_keys_open(fd, &c->keys, text, sizeof(text));
	if (fd >= 0)
		close(fd);
	if (r == 0)
		r = client_store_open(dir, c->keys->secret->store_key, &c->store);
	if (r < 0)
		return r;
	p.store = c->store;
	p.keys = c->keys;
	memcpy(p.gateway, n->node[number].id, FOG_ID_LEN);
	return courier_create(&p, &net_ops, c, &c->courier);
}

void net_client_close(struct net_client *c)
{
	courier_destroy(c->courier);
	client_store_close(c->store);
	client_keys_close(c->keys);
}

void net_address(const struct net_client *c, struct client_address *a)
{
	memcpy(a->mailbox, c->net->box[c->number].id, FOG_ID_LEN);
	memcpy(a->key, c->keys->mail_public, 32);
	memcpy(a->gateway, c->net->node[c->number].id, FOG_ID_LEN);
}

void net_folder_make(char path[40])
{
	strcpy(path, "/tmp/fogline-client-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(path));
}

static int net_remove(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	return remove(path);
}

void net_folder_remove(const char *path)
{
	nftw(path, net_remove, 8, FTW_DEPTH | FTW_PHYS);
}
