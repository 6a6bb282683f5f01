// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What dpclient carries for encrypted links (see dpclient.h): messages that are sent as they come, and
// what the data plane answers and passes on.
#include <sodium.h>

#include "dpclient_internal.h"

static int message_send(struct fog_dpclient *c, const void *msg, size_t len)
{
	if (c->live == NULL)
		return -ENOTCONN;
	int ret = fog_sock_send(c->sock, msg, len, NULL, 0);
	if (ret == -EAGAIN || ret == -ENOBUFS || ret == -ENOMEM)
		return -ENOBUFS;
	return ret < 0 ? -ENOTCONN : 0; // the next read finds out why
}

int fog_dpclient_link_install(struct fog_dpclient *c, const struct fog_link_session *session)
{
	struct fog_msg_link_install *m = c->link_message;

	m->h = (struct fog_msg_header){.type = FOG_MSG_LINK_INSTALL, .size = sizeof(*m)};
	m->session = *session;
	int ret = message_send(c, m, sizeof(*m));
	sodium_memzero(m, sizeof(*m));
	return ret;
}

int fog_dpclient_link_remove(struct fog_dpclient *c, uint32_t rx_index)
{
	struct fog_msg_link_remove m = {
	        .h = {.type = FOG_MSG_LINK_REMOVE, .size = sizeof(m)},
	        .rx_index = rx_index,
	};

	return message_send(c, &m, sizeof(m));
}

int fog_dpclient_link_send(struct fog_dpclient *c, const struct fog_link_send *send)
{
	struct fog_msg_link_send m = {.h = {.type = FOG_MSG_LINK_SEND, .size = sizeof(m)}};

	if (!fog_link_send_good(send))
		return -EINVAL;
	// What is behind 'len' stays here.
	memcpy(&m.send, send, offsetof(struct fog_link_send, data) + send->len);
	return message_send(c, &m, sizeof(m));
}

int dpclient_link_ack(struct fog_dpclient *c, const struct fog_msg_link_ack *m)
{
	if (m->status > 0)
		return -EPROTO;
	if (c->ops.link_ack != NULL)
		c->ops.link_ack(c->ctx, m->rx_index, m->status);
	return 0;
}

static bool punt_good(const struct fog_link_punt *p)
{
	switch (p->type) {
	case FOG_FRAME_INITIATION:
		return p->len == FOG_INITIATION_LEN;
	case FOG_FRAME_RESPONSE:
		return p->len == FOG_RESPONSE_LEN;
	case FOG_FRAME_COOKIE:
		return p->len == FOG_COOKIE_LEN;
	case FOG_FRAME_DATA:
		return p->len <= FOG_NOTICE_MAX;
	default:
		return false;
	}
}

int dpclient_punt(struct fog_dpclient *c, const struct fog_link_punt *punt)
{
	if (!punt_good(punt))
		return -EPROTO;
	if (c->ops.punt != NULL)
		c->ops.punt(c->ctx, punt);
	return 0;
}
