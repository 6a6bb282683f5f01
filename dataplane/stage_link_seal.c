// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Into the frames of encrypted links: packets for their next hop, and what the control plane tells
// its peers.
#include <errno.h>

#include "crypto/link.h"
#include "link_stage.h"

// Frame header in front, room for the tag behind. NULL: the buffer has no room for them.
static uint8_t *frame_room(struct rte_mbuf *m)
{
	// What came in a frame has both; what was made here has headroom, and a buffer holds any frame.
	if (rte_pktmbuf_headroom(m) < FOG_FRAME_HEADER || rte_pktmbuf_tailroom(m) < FOG_FRAME_TAG)
		return NULL;
	rte_pktmbuf_append(m, FOG_FRAME_TAG);
	return (uint8_t *)rte_pktmbuf_prepend(m, FOG_FRAME_HEADER);
}

// Queue a packet with its first two bytes, which say its kind. Returns FOG_DROP_NONE, or why it can't
// be sent; it is the caller's then.
static enum fog_drop seal_put(
        struct fog_worker *w, struct rte_mbuf *m, const struct fog_next_hop *to,
        struct fog_link *link
)
{
	struct fog_seal_queue *q = &w->seal;
	uint64_t counter;

	if (q->n == FOG_BURST)
		stage_link_seal(w);
	if (!fog_link_counter(link, w->index, &counter))
		return FOG_DROP_NO_LINK;
	uint8_t *frame = frame_room(m);
	if (frame == NULL)
		return FOG_DROP_NO_BUFFER;
	fog_frame_header_put(frame, FOG_FRAME_DATA, link->tx_index + w->index, counter);
	q->frame[q->n] = m;
	q->to[q->n] = to;
	struct fog_gcm_job *job = &q->job[q->n++];
	*job = (struct fog_gcm_job){
	        .key = &link->lane[w->index].key,
	        .aad = frame,
	        .text = frame + FOG_FRAME_HEADER,
	        .tag = frame + FOG_FRAME_HEADER + w->geo.packet_len,
	};
	memcpy(job->nonce + 4, frame + 8, sizeof(counter));
	return FOG_DROP_NONE;
}

void stage_link_seal_put(struct fog_worker *w, struct rte_mbuf *m, const struct fog_next_hop *to)
{
	struct fog_link *link = fog_link_sending(w->links, to->peer);
	const struct fog_pkt *pkt = fog_pkt(m);
	uint8_t *packet = rte_pktmbuf_mtod(m, uint8_t *);
	enum fog_drop reason = FOG_DROP_NO_LINK;

	packet[0] = pkt->kind; // in the place of the constant prefix
	packet[1] = pkt->epoch;
	if (link != NULL)
		reason = seal_put(w, m, to, link);
	if (reason != FOG_DROP_NONE)
		fog_worker_drop(w, m, reason);
}

void stage_link_seal(struct fog_worker *w)
{
	struct fog_seal_queue *q = &w->seal;

	w->links->crypto->gcm_seal(q->n, q->job, w->geo.packet_len);
	for (unsigned i = 0; i < q->n; i++)
		stage_frame(w, q->frame[i], q->to[i]);
	q->n = 0;
}

// Where a node is sent to, or NULL.
static const struct fog_next_hop *control_hop(
        const struct fog_worker *w, const struct fog_link *link
)
{
	if (w->conf == NULL || link->class != FOG_LINK_NODE)
		return NULL;
	int node = fog_conf_find(w->conf, link->node_id);
	return node >= 0 && w->conf->node[node].resolved ? &w->conf->node[node] : NULL;
}

static void control_fill(
        uint8_t *packet, uint32_t packet_len, enum fog_kind kind, const uint8_t *data, uint32_t len
)
{
	memset(packet, 0, packet_len);
	packet[0] = (uint8_t)kind;
	packet[2] = (uint8_t)(len >> 8);
	packet[3] = (uint8_t)len;
	if (len > 0)
		memcpy(packet + FOG_NOTICE_HEADER, data, len);
}

// Make a frame and queue it. Returns 0, -EMSGSIZE, -ENOTCONN or -ENOBUFS (link_stage.h).
static int control_put(
        struct fog_worker *w, struct fog_link *link, const struct fog_next_hop *to,
        enum fog_kind kind, const uint8_t *data, uint32_t len
)
{
	if (len > fog_notice_room(w->geo.packet_len))
		return -EMSGSIZE;
	struct rte_mbuf *m = rte_pktmbuf_alloc(w->pool);
	if (m == NULL)
		return -ENOBUFS;
	fog_pkt(m)->trace = 0;
	control_fill(
	        (uint8_t *)rte_pktmbuf_append(m, (uint16_t)w->geo.packet_len), w->geo.packet_len,
	        kind, data, len
	);
	enum fog_drop reason = seal_put(w, m, to, link);
	if (reason == FOG_DROP_NONE) {
		w->count.made++;
		return 0;
	}
	rte_pktmbuf_free(m);
	return reason == FOG_DROP_NO_LINK ? -ENOTCONN : -ENOBUFS;
}

int stage_link_send_control(
        struct fog_worker *w, uint32_t rx_index, enum fog_kind kind, const uint8_t *data,
        uint32_t len
)
{
	struct fog_link *link = w->links != NULL ? fog_link_find(w->links, rx_index) : NULL;

	if (link == NULL)
		return -ENOENT;
	const struct fog_next_hop *to = control_hop(w, link);
	return to != NULL ? control_put(w, link, to, kind, data, len) : -ENETUNREACH;
}

int stage_link_send_client(
        struct fog_worker *w, uint32_t rx_index, const struct fog_next_hop *to, enum fog_kind kind,
        const uint8_t *data, uint32_t len
)
{
	struct fog_link *link = w->links != NULL ? fog_link_find(w->links, rx_index) : NULL;

	if (link == NULL || link->class != FOG_LINK_CLIENT)
		return -ENOENT;
	return to->resolved ? control_put(w, link, to, kind, data, len) : -ENETUNREACH;
}
