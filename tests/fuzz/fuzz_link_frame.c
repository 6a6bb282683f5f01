// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// UDP payloads to a worker with encrypted links: whatever they are, each is answered, passed on, kept or
// dropped once, and no buffer is lost. The first byte chooses: bit 0, the tag is made right, so that
// what a peer may do is reached; bit 1, index and counter are those of the next frame; bit 2, the frame
// comes twice in one burst.
#include "../../dataplane/crypto/link.h"
#include "../../dataplane/punt.h"
#include "fuzz_worker.h"

enum { INDEX = 3 << FOG_LINK_SUB_BITS };

static uint64_t counter;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct fog_link_session s = {
	        .class = FOG_LINK_CLIENT, // does all that a node does, and moves
	        .rx_index = INDEX,
	        .rx_count = 2,
	        .ip = {.family = 4},
	        .port = 9001,
	        .rate = 1000000000,
	        .burst = 1000,
	        .rekey_packets = UINT64_MAX,
	        .reject_packets = UINT64_MAX,
	};

	worker_make("link", 1000000000);
	w->punts = rte_ring_create_elem(
	        "punts", sizeof(struct fog_link_punt), FOG_PUNT_SLOTS, SOCKET_ID_ANY,
	        RING_F_SP_ENQ | RING_F_SC_DEQ
	);
	demand(w->punts != NULL);
	demand(fog_link_install(w->links, &s, FOG_LINK_NO_PEER) == 0);
	return 0;
}

static void frame_finish(uint8_t *frame, uint8_t how)
{
	struct fog_link *l = fog_link_find(w->links, INDEX);
	struct fog_gcm_job job = {
	        .key = &l->rx[frame[7] & 1].key,
	        .aad = frame,
	        .text = frame + FOG_FRAME_HEADER,
	        .tag = frame + FOG_FRAME_HEADER + w->geo.packet_len,
	};

	if (how & 2) {
		fog_frame_header_put(frame, FOG_FRAME_DATA, INDEX, counter++);
		job.key = &l->rx[0].key;
	}
	memcpy(job.nonce + 4, frame + 8, 8);
	if (how & 1)
		w->crypto->gcm_seal(1, &job, w->geo.packet_len);
}

// Notices, the only thing in a session that is the control plane's: as many as were counted.
static void check_punts(uint64_t count)
{
	struct fog_link_punt punt;

	for (; rte_ring_sc_dequeue_elem(w->punts, &punt, sizeof(punt)) == 0; count--)
		demand(count > 0 && punt.type == FOG_FRAME_DATA && punt.rx_index == INDEX &&
		       punt.len <= sizeof(punt.data));
	demand(count == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t len = fog_worker_payload_len(w);
	struct fog_link_arrival in[2] = {0};

	if (size < 1)
		return 0;
	unsigned n = data[0] & 4 ? 2 : 1;
	for (unsigned i = 0; i < n; i++) {
		in[i] = (struct fog_link_arrival
		){.m = rte_pktmbuf_alloc(w->pool), .ip = {.family = 4}, .udp_port = 1};
		uint8_t *frame = (uint8_t *)rte_pktmbuf_append(in[i].m, (uint16_t)len);
		memset(frame, 0, len);
		if (i > 0) {
			memcpy(frame, rte_pktmbuf_mtod(in[0].m, uint8_t *), len);
			continue;
		}
		memcpy(frame, data + 1, RTE_MIN(size - 1, (size_t)len));
		fog_pkt(in[i].m)->trace = 0;
		frame_finish(frame, data[0]);
	}
	const struct fog_worker_counters before = w->count;
	stage_link_open(w, 0, in, n, counter + 1);
	uint64_t gone = w->count.answered - before.answered + w->count.punted - before.punted +
	        w->count.drops - before.drops;
	if (gone + w->ready_n != n)
		abort();
	check_punts(w->count.punted - before.punted);
	for (unsigned i = 0; i < w->ready_n; i++) {
		const struct rte_mbuf *m = w->ready[i];
		const uint8_t *packet = rte_pktmbuf_mtod(m, const uint8_t *);
		if (m->data_len != w->geo.packet_len || packet[0] != 0 || packet[1] != 0)
			abort();
		rte_pktmbuf_free(w->ready[i]);
	}
	// Two copies: one of them at the most is taken.
	if (w->ready_n > 1)
		abort();
	w->ready_n = 0;
	if (rte_mempool_avail_count(w->pool) != POOL)
		abort();
	return 0;
}
