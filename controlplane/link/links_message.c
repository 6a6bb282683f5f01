// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Handshake messages outside of Noise: header, hello, MACs.
#include <sodium.h>
#include <string.h>

#include "../../dataplane/crypto/link.h"
#include "../big_endian.h"
#include "links_internal.h"

uint32_t links_header_index(const uint8_t *msg)
{
	return (uint32_t)fog_be_get(msg + 4, 4);
}

bool links_header_valid(const struct fog_link_punt *p, enum fog_frame_type type, uint32_t len)
{
	return p->len >= len && p->data[0] == type && sodium_is_zero(p->data + 1, 3) &&
	        sodium_is_zero(p->data + 8, 8);
}

void links_hello_make(struct fog_links *l, struct fog_hello *h, uint32_t index, uint16_t senders)
{
	*h = (struct fog_hello){
	        .major = FOG_PROTOCOL_MAJOR,
	        .minor = l->self.minor,
	        .patch = FOG_PROTOCOL_PATCH,
	        .senders = senders,
	        .time_ns = links_time(l),
	        .features = fog_protocol_features(l->self.minor),
	        .index = index,
	};
	memcpy(h->network, l->network, sizeof(h->network));
}

void links_macs_put(
        struct fog_link_send *send, uint32_t len, const uint8_t receiver[32], const uint8_t *cookie
)
{
	uint8_t key[32], *mac1 = send->data + len - 2 * FOG_LINK_MAC, *mac2 = mac1 + FOG_LINK_MAC;

	fog_link_mac1_key(receiver, key);
	fog_link_mac(key, sizeof(key), send->data, len - 2 * FOG_LINK_MAC, mac1);
	memset(mac2, 0, FOG_LINK_MAC);
	if (cookie != NULL)
		fog_link_mac(cookie, 16, send->data, len - FOG_LINK_MAC, mac2);
	send->len = len;
}

bool links_mac1_right(const struct fog_links *l, const struct fog_link_punt *p)
{
	uint32_t at = p->type == FOG_FRAME_INITIATION ? FOG_INITIATION_LEN : FOG_RESPONSE_LEN;
	uint8_t mac[FOG_LINK_MAC];

	at -= 2 * FOG_LINK_MAC;
	fog_link_mac(l->mac1_key, sizeof(l->mac1_key), p->data, at, mac);
	return sodium_memcmp(mac, p->data + at, sizeof(mac)) == 0;
}

// The peer chooses it: also the one whose positive is none.
uint64_t links_abs(int64_t v)
{
	return v < 0 ? -(uint64_t)v : (uint64_t)v;
}
