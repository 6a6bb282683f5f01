// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "node_mail.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "../log/log.h"
#include "node_epochs.h"
#include "now.h"

static int mail_inject_answer(void *ctx, const struct fog_store_answer_packet *a)
{
	return fog_sender_pass(
	        ((struct fog_node *)ctx)->sender, a->inject_type, a->first_hop, a->epoch, a->packet,
	        (uint32_t)a->len
	);
}

static const struct fog_mailboxes_ops mail_ops = {.inject = mail_inject_answer};

static bool mail_serves(void *ctx)
{
	struct fog_node *n = ctx;

	pthread_rwlock_rdlock(&n->lock);
	const struct fog_topology_node *self = fog_node_self(n);
	bool serves = self != NULL && self->role == FOG_ROLE_GATEWAY &&
	        n->topology->links == FOG_LINKS_NOISE && n->config->links.clients > 0;
	pthread_rwlock_unlock(&n->lock);
	return serves;
}

static bool mail_over(void *ctx, uint64_t epoch)
{
	return node_epochs_active(ctx) && node_epoch_over(ctx, epoch);
}

static int mail_inject(void *ctx, const struct fog_parcel *p)
{
	return fog_sender_pass(
	        ((struct fog_node *)ctx)->sender, p->inject_type, p->first_hop, p->epoch, p->packet,
	        p->packet_len
	);
}

int node_mail_create(struct fog_node *n)
{
	struct fog_inbox_ways ways = {
	        .serves = mail_serves, .over = mail_over, .inject = mail_inject, .ctx = n};
	int r = fog_mailboxes_create(n->store, NULL, &mail_ops, n, &n->mail);

	if (r < 0) {
		LOG_ERR("mail of clients: %s: free memory, or look at the store", strerror(-r));
		return r;
	}
	memcpy(ways.self, n->identity->node_id, sizeof(ways.self));
	ways.mail = n->mail;
	fog_inbox_ways_set(n->inbox, &ways);
	return 0;
}

void node_mail_destroy(struct fog_node *n)
{
	fog_mailboxes_destroy(n->mail);
}

int node_mail_start(void *node)
{
	int r = fog_mailboxes_start(((struct fog_node *)node)->mail);

	if (r < 0)
		LOG_ERR("mail: no thread for answers: %s: raise TasksMax", strerror(-r));
	return r;
}

void node_mail_stop(void *node)
{
	fog_mailboxes_stop(((struct fog_node *)node)->mail);
}

int node_mail_health(void *node, char text[FOG_SERVICE_TEXT_LEN])
{
	if (fog_mailboxes_answers(((struct fog_node *)node)->mail))
		return 0;
	snprintf(text, FOG_SERVICE_TEXT_LEN, "its thread has ended for want of memory");
	return -ESRCH;
}

// What notices of the data plane's packets hold; 0: not known.
static size_t mail_room(struct fog_node *n)
{
	struct fog_dpclient_geometry now;
	struct fog_geometry geometry;

	if (fog_dpclient_geometry(n->dp, &now) < 0 ||
	    fog_geometry_init(&geometry, now.slots, now.payload_len) < 0)
		return 0;
	return fog_notice_room(geometry.packet_len);
}

void node_mail_notice(void *ctx, const uint8_t static_key[32], const uint8_t *data, size_t len)
{
	struct fog_node *n = ctx;
	uint8_t out[FOG_NOTICE_MAX];
	int r = fog_mailboxes_notice(
	        n->mail, static_key, data, len, mail_room(n), fog_now_ms(), out
	);

	if (r > 0) {
		// Lost, like any datagram, when the data plane takes none now; then, as when there is nothing, the
		// client asks again.
		(void)fog_links_client_notice(n->links, static_key, out, (size_t)r);
		sodium_memzero(out, (size_t)r);
	}
	(void)fog_mailboxes_answered(n->mail); // logged by the store
}
