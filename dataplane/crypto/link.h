// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What both ends of a link and both processes compute alike: MACs of handshake messages, cookies,
// keys of sub-sessions. Pure, any thread. After the WireGuard paper (NDSS 2017, section 5.4.4 to
// 5.4.7) with HMAC-SHA-256 (RFC 2104) in the place of keyed BLAKE2s.
//
//   mac1 key   = SHA-256("fogline mac1" | static public key of the receiver)
//   mac1       = HMAC-SHA-256(mac1 key, message up to MAC1)[0:16]
//   cookie     = HMAC-SHA-256(secret of the receiver, family 1 | address 16 | port 2, big endian)[0:16]
//   mac2       = HMAC-SHA-256(cookie, message up to MAC2)[0:16]; zero without a cookie
//   cookie key = SHA-256("fogline cookie" | static public key of the receiver)
//   sub key    = HMAC-SHA-256(key of the direction, "fogline sub-session" | number 4, big endian)
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "../api/abi.h"
#include "../api/link.h"

void fog_link_mac1_key(const uint8_t static_key[32], uint8_t out[32]);
void fog_link_cookie_key(const uint8_t static_key[32], uint8_t out[32]);
// HMAC-SHA-256 truncated to 16 bytes: MAC1 under a mac1 key (32), MAC2 under a cookie (16).
void fog_link_mac(
        const uint8_t *key, size_t key_len, const uint8_t *msg, size_t len,
        uint8_t mac[FOG_LINK_MAC]
);

enum { FOG_LINK_PLACE = 19 };

// What a cookie is made of besides the secret.
void fog_link_place_bytes(const struct fog_ip *, uint16_t port, uint8_t out[FOG_LINK_PLACE]);
void fog_link_cookie(
        const uint8_t secret[32], const struct fog_ip *, uint16_t port, uint8_t cookie[16]
);
// The body of a COOKIE frame (nonce 24, sealed cookie 32). open returns 0 or -EBADMSG.
void fog_link_cookie_seal(
        const uint8_t cookie_key[32], const uint8_t nonce[24], const uint8_t cookie[16],
        const uint8_t mac1[FOG_LINK_MAC], uint8_t body[56]
);
int fog_link_cookie_open(
        const uint8_t cookie_key[32], const uint8_t body[56], const uint8_t mac1[FOG_LINK_MAC],
        uint8_t cookie[16]
);
void fog_link_sub_key(const uint8_t direction_key[32], uint32_t sub, uint8_t out[32]);
// Write the header of a frame.
void fog_frame_header_put(
        uint8_t out[FOG_FRAME_HEADER], enum fog_frame_type, uint32_t index, uint64_t counter
);
