// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "pipe_link.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "../dataplane/crypto/link.h"

enum { INDEX = 1 << FOG_LINK_SUB_BITS };

static struct fog_link_session session(
        unsigned workers, const uint8_t node_id[FOG_ID_LEN], const uint8_t rx_key[32],
        const uint8_t tx_key[32]
)
{
	struct fog_link_session s = {
	        .class = FOG_LINK_NODE,
	        .rx_index = INDEX,
	        .tx_index = INDEX,
	        .rx_count = (uint16_t)workers,
	        .initiator = 1, // sent with at once
	        .ip = {.family = 4},
	        .port = 9001,
	        .rekey_packets = UINT64_MAX,
	        .reject_packets = UINT64_MAX,
	};

	memcpy(s.node_id, node_id, sizeof(s.node_id));
	memcpy(s.rx_key, rx_key, sizeof(s.rx_key));
	memcpy(s.tx_key, tx_key, sizeof(s.tx_key));
	return s;
}

int pipe_link_create(
        struct pipe_link *l, const struct fog_crypto_ops *ops, unsigned workers, uint64_t tsc_hz,
        const uint8_t node_id[FOG_ID_LEN], uint16_t slot
)
{
	uint8_t in[32], out[32];
	int ret = -ENOMEM;

	randombytes_buf(in, sizeof(in));
	randombytes_buf(out, sizeof(out));
	const struct fog_link_session ours = session(workers, node_id, in, out),
	                              peer = session(workers, node_id, out, in);
	l->ours = fog_link_table_create(ops, workers, tsc_hz);
	l->peer = fog_link_table_create(ops, workers, tsc_hz);
	if (l->ours != NULL && l->peer != NULL)
		ret = fog_link_install(l->ours, &ours, slot);
	if (ret == 0)
		ret = fog_link_install(l->peer, &peer, 0);
	return ret;
}

void pipe_link_destroy(struct pipe_link *l)
{
	fog_link_table_destroy(l->ours);
	fog_link_table_destroy(l->peer);
}

void pipe_link_seal(
        struct pipe_link *p, unsigned worker, uint8_t *payload, uint32_t packet_len, uint8_t epoch
)
{
	struct fog_link *l = fog_link_sending(p->peer, 0);
	struct fog_gcm_job job = {
	        .key = &l->lane[worker].key,
	        .aad = payload,
	        .text = payload + FOG_FRAME_HEADER,
	        .tag = payload + FOG_FRAME_HEADER + packet_len,
	};
	uint64_t counter;

	fog_link_counter(l, worker, &counter);
	fog_frame_header_put(payload, FOG_FRAME_DATA, l->tx_index + worker, counter);
	memcpy(job.nonce + 4, payload + 8, sizeof(counter));
	job.text[0] = FOG_KIND_SPHINX;
	job.text[1] = epoch;
	p->peer->crypto->gcm_seal(1, &job, packet_len);
}
