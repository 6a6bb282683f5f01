// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The messages of dp.sock about encrypted links. They come as the others do: copied out of the socket
// into locked memory, which is wiped after each message.
#include "session_internal.h"

static int refuse(const char **why, const char *text)
{
	*why = text;
	return -EPROTO;
}

static int ack_send(const struct session_conn *c, uint32_t rx_index, int status, const char **why)
{
	struct fog_msg_link_ack m = {
	        .h = {.type = FOG_MSG_LINK_ACK, .size = sizeof(m)},
	        .rx_index = rx_index,
	        .status = status < 0 ? status : 0,
	};

	*why = "it does not read our answers";
	return fog_sock_send(c->fd, &m, sizeof(m), NULL, 0);
}

int session_link_message(
        struct fog_session *s, struct session_conn *c, size_t len, unsigned nfds, const char **why
)
{
	const union session_msg *m = s->msg;

	if (c->state != CONN_ATTACHED || nfds != 0)
		return refuse(why, "a message about links at a wrong time or with descriptors");
	if (m->h.type == FOG_MSG_LINK_INSTALL && len == sizeof(m->link_install)) {
		const struct fog_link_session *link = &m->link_install.session;
		return ack_send(c, link->rx_index, s->ops.link_install(s->ctx, link), why);
	}
	if (m->h.type == FOG_MSG_LINK_REMOVE && len == sizeof(m->link_remove)) {
		uint32_t rx_index = m->link_remove.rx_index;
		return ack_send(c, rx_index, s->ops.link_remove(s->ctx, rx_index), why);
	}
	if (m->h.type == FOG_MSG_LINK_SEND && len == sizeof(m->link_send)) {
		if (!fog_link_send_good(&m->link_send.send))
			return refuse(why, "LINK_SEND of a type or a length that no frame has");
		s->ops.link_send(s->ctx, &m->link_send.send);
		return 0;
	}
	return refuse(why, "a message about links of an unknown type or a wrong size");
}
