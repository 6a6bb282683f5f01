// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "link_gateway.h"

#include <sodium.h>
#include <string.h>

#include "../../../controlplane/big_endian.h"
#include "../../../controlplane/link/noise.h"
#include "../../../dataplane/crypto/link.h"

enum { HELLO_LEN = sizeof(struct fog_link_hello), OUR_INDEX = 64 };

size_t gateway_frame_len(const struct gateway *g)
{
	return (size_t)g->packet_len + FOG_LINK_OVERHEAD;
}

static void gateway_send(void *ctx, const uint8_t *frame, size_t len)
{
	struct gateway *g = ctx;

	g->odd += len != gateway_frame_len(g);
	memcpy(g->frame, frame, len);
	if (frame[0] == FOG_FRAME_INITIATION) {
		memcpy(g->initiation, frame, len);
		g->initiations++;
	} else {
		g->data++;
	}
}

static void gateway_notice(void *ctx, const uint8_t *data, size_t len)
{
	struct gateway *g = ctx;

	memcpy(g->notice, data, len);
	g->notice_len = len;
	g->notices++;
}

static uint64_t gateway_ns(void *ctx)
{
	return ((struct gateway *)ctx)->now_ns;
}

const struct client_link_ops gateway_ops = {gateway_send, gateway_notice, gateway_ns};

void gateway_make(struct gateway *g, struct client_link_params *p)
{
	memset(g, 0, sizeof(*g));
	crypto_box_keypair(g->s_public, g->s);
	crypto_box_keypair(g->client_public, g->client);
	randombytes_buf(g->network, sizeof(g->network));
	g->now_ns = UINT64_C(1700000000000000000);
	*p = (struct client_link_params){
	        .link_public = g->client_public,
	        .link_private = g->client,
	        .packet_len = g->packet_len = 1200,
	        .tolerance_ms = 500,
	        .rekey_s = 100,
	        .rekey_packets = 50,
	};
	memcpy(p->network, g->network, 32);
	memcpy(p->gateway, g->s_public, 32);
}

struct fog_hello gateway_hello(const struct gateway *g)
{
	struct fog_hello h = {
	        .major = FOG_PROTOCOL_MAJOR,
	        .minor = fog_protocol_minor,
	        .senders = GATEWAY_SUBS,
	        .time_ns = g->now_ns,
	        .features = fog_protocol_features(fog_protocol_minor),
	        .index = OUR_INDEX,
	};

	memcpy(h.network, g->network, sizeof(h.network));
	return h;
}

static void gateway_mac1(
        const uint8_t *static_key, const uint8_t *message, size_t len, uint8_t mac[FOG_LINK_MAC]
)
{
	uint8_t key[32];

	fog_link_mac1_key(static_key, key);
	fog_link_mac(key, sizeof(key), message, len - 2 * FOG_LINK_MAC, mac);
}

bool gateway_answer(struct gateway *g, struct fog_hello *ours, uint8_t *frame)
{
	const size_t mac1 = FOG_INITIATION_LEN - 2 * FOG_LINK_MAC;
	uint8_t prologue[FOG_PROLOGUE_LEN], wire[HELLO_LEN], mac[FOG_LINK_MAC];
	struct fog_noise n;
	size_t len;

	gateway_mac1(g->s_public, g->initiation, FOG_INITIATION_LEN, mac);
	fog_link_prologue(g->network, prologue);
	if (memcmp(mac, g->initiation + mac1, sizeof(mac)) != 0 ||
	    fog_noise_start(
	            &n, FOG_NOISE_IK, false, prologue, sizeof(prologue), g->s, g->s_public, NULL
	    ) < 0 ||
	    fog_noise_read(
	            &n, g->initiation + FOG_FRAME_HEADER,
	            FOG_INITIATION_LEN - FOG_FRAME_HEADER - 2 * FOG_LINK_MAC, wire, sizeof(wire),
	            &len
	    ) < 0 ||
	    fog_hello_parse(wire, &g->theirs) < 0 ||
	    memcmp(g->theirs.network, g->network, sizeof(g->theirs.network)) != 0)
		return false;
	randombytes_buf(frame, gateway_frame_len(g));
	fog_frame_header_put(frame, FOG_FRAME_RESPONSE, g->theirs.index, 0);
	fog_hello_put(ours, wire);
	if (fog_noise_write(
	            &n, wire, sizeof(wire), frame + FOG_FRAME_HEADER,
	            FOG_RESPONSE_LEN - FOG_FRAME_HEADER - 2 * FOG_LINK_MAC, &len
	    ) < 0)
		return false;
	gateway_mac1(
	        g->client_public, frame, FOG_RESPONSE_LEN,
	        frame + FOG_RESPONSE_LEN - 2 * FOG_LINK_MAC
	);
	g->tx_index = g->theirs.index;
	g->rx_index = ours->index;
	memset(g->counter, 0, sizeof(g->counter));
	return fog_noise_split(&n, g->tx, g->rx) == 0;
}

void gateway_cookie(const struct gateway *g, const uint8_t cookie[16], uint8_t *frame)
{
	const uint8_t *mac1 = g->initiation + FOG_INITIATION_LEN - 2 * FOG_LINK_MAC;
	uint8_t key[32], nonce[24];

	randombytes_buf(frame, gateway_frame_len(g));
	randombytes_buf(nonce, sizeof(nonce));
	fog_link_cookie_key(g->s_public, key);
	fog_frame_header_put(
	        frame, FOG_FRAME_COOKIE, (uint32_t)fog_be_get(g->initiation + 4, 4), 0
	);
	fog_link_cookie_seal(key, nonce, cookie, mac1, frame + FOG_FRAME_HEADER);
}

static void gateway_job(
        const struct gateway *g, const uint8_t *direction, unsigned sub, uint8_t *frame,
        struct fog_gcm_key *key, struct fog_gcm_job *job
)
{
	uint8_t sub_key[32];

	fog_link_sub_key(direction, sub, sub_key);
	fog_crypto_ops_get(NULL)->gcm_key(key, sub_key);
	*job = (struct fog_gcm_job){
	        .key = key,
	        .aad = frame,
	        .text = frame + FOG_FRAME_HEADER,
	        .tag = frame + FOG_FRAME_HEADER + g->packet_len,
	};
	memcpy(job->nonce + 4, frame + 8, 8);
}

void gateway_seal(
        struct gateway *g, unsigned sub, uint64_t counter, const uint8_t *text, uint8_t *frame
)
{
	static struct fog_gcm_key key; // ASan's stack of this compiler does not keep its alignment
	struct fog_gcm_job job;

	fog_frame_header_put(frame, FOG_FRAME_DATA, g->tx_index + sub, counter);
	memcpy(frame + FOG_FRAME_HEADER, text, g->packet_len);
	gateway_job(g, g->tx, sub, frame, &key, &job);
	fog_crypto_ops_get(NULL)->gcm_seal(1, &job, g->packet_len);
}

int64_t gateway_open(const struct gateway *g, uint8_t *text)
{
	uint8_t frame[GATEWAY_FRAME_MAX];
	static struct fog_gcm_key key; // ASan's stack of this compiler does not keep its alignment
	struct fog_gcm_job job;

	memcpy(frame, g->frame, gateway_frame_len(g));
	if (frame[0] != FOG_FRAME_DATA || fog_be_get(frame + 4, 4) != g->rx_index)
		return -1;
	gateway_job(g, g->rx, 0, frame, &key, &job);
	if (fog_crypto_ops_get(NULL)->gcm_open(1, &job, g->packet_len) != 0)
		return -1;
	memcpy(text, frame + FOG_FRAME_HEADER, g->packet_len);
	return (int64_t)fog_be_get(frame + 8, 8);
}
