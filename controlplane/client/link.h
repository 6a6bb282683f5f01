// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A client's link with its gateway (dataplane/api/link.h): it initiates Noise IK handshakes, sends packets
// and notices, reads notices, and takes a new session before the old one is too old. No socket and no
// clock: frames go out through 'ops', so a test may stand in between.
//
// One thread. Times are milliseconds of a clock that never goes back.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../dataplane/api/link.h"
#include "../link/hello.h"

struct client_link;

struct client_link_ops {
	void (*send)(void *ctx, const uint8_t *frame, size_t len);
	void (*notice)(void *ctx, const uint8_t *data, size_t len);
	uint64_t (*unix_ns)(void *ctx); // the clock of handshakes
};

struct client_link_params {
	uint8_t network[32]; // fog_network_hash
	uint8_t gateway[32]; // X25519 static key
	const uint8_t *link_public, *link_private; // the client's, must outlive the link
	uint16_t packet_len;
	uint32_t tolerance_ms, rekey_s;
	uint64_t rekey_packets;
};

enum {
	CLIENT_LINK_RETRY_FIRST_MS = 250, // doubles
	CLIENT_LINK_RETRY_MAX_MS = 30000,
	CLIENT_LINK_REFUSED_MS = 5000,
	CLIENT_LINK_BEAT_MS = 10000, // a frame with nothing in it, when nothing else was sent
	CLIENT_LINK_STALE_MS = 25000, // nothing was heard for so long: another session
	CLIENT_LINK_OLD_MS = 30000, // how long a session that was replaced still receives
};

struct client_link_status {
	bool up; // there is a session that frames go out through
	bool confirmed; // ... and something has come through it
	enum fog_link_refusal refusal; // the gateway's last word; ACCEPTED after a handshake
	int64_t offset_ms; // of its clock against ours, as of the last answer
	uint64_t handshakes, tries, sent, received, replayed, malformed;
};

// Returns 0 or -ENOMEM.
int client_link_create(const struct client_link_params *, const struct client_link_ops *, void *ctx, struct client_link **);
void client_link_destroy(struct client_link *); // wipes; accepts NULL
// Handshakes and beats, several times a second.
void client_link_tick(struct client_link *, uint64_t now_ms);
// A UDP payload that came from the gateway's address.
void client_link_read(struct client_link *, const uint8_t *frame, size_t len, uint64_t now_ms);
// Both return 0, -ENOTCONN (no session), -EMSGSIZE.
int client_link_packet(
        struct client_link *, const uint8_t *packet, uint64_t epoch, uint64_t now_ms
);
int client_link_notice(struct client_link *, const uint8_t *data, size_t len, uint64_t now_ms);
struct client_link_status client_link_status(const struct client_link *);
