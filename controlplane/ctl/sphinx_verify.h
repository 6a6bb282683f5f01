// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// `fogctl sphinx verify`: run every hop of a vector file through the library and compare every
// byte that the file holds. Whatever can't be compared is a failure, never skipped.
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "../../dataplane/sphinx/sphinx.h"

// Where we are in the file, and the count so far.
struct verify {
	const struct fog_crypto_ops *ops;
	unsigned long verified, failed; // hops
	size_t packet;
	long hop; // -1 while the packet as a whole is looked at
	int bad; // something of the current hop or packet failed
};

// Everything that a hop computes from a packet and its private key.
struct verify_trace {
	struct fog_sphinx_hop hop;
	struct fog_sphinx_route route;
	uint8_t blind[32];
	uint8_t mac[FOG_SPHINX_MAC_LEN];
	// Decrypted routing information with the zeros behind it; the slot is its beginning.
	uint8_t routing[(FOG_SPHINX_SLOTS_MAX + 1) * FOG_SPHINX_SLOT_LEN];
	uint8_t in[FOG_SPHINX_PACKET_MAX];
	uint8_t out[FOG_SPHINX_PACKET_MAX];
};

// Say what is wrong with 'field' at the current place and mark it bad.
void verify_fail(struct verify *v, const char *field, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));

// Tell of fields that nothing here looks at ('names' ends with NULL).
void verify_note_unknown(struct verify *v, const json_t *obj, const char *const names[]);

// Decode a hex field of exactly 'len' bytes. Returns 0, or -EINVAL after verify_fail.
int verify_bytes(
        struct verify *v, const char *field, const json_t *value, uint8_t *out, size_t len
);
// Decode hex of 1..max bytes. Returns the length, or -EINVAL after verify_fail.
long verify_some_bytes(
        struct verify *v, const char *field, const json_t *value, uint8_t *out, size_t max
);
// An integer field within lo..hi. Returns it, or -EINVAL after verify_fail.
long verify_integer(struct verify *v, const json_t *obj, const char *field, long lo, long hi);

// Fail unless the field holds exactly these bytes; absent is a failure too.
void verify_equal(
        struct verify *v, const char *field, const json_t *value, const uint8_t *want, size_t len
);
// The same for a field that a file may leave out.
void verify_equal_if_there(
        struct verify *v, const json_t *obj, const char *field, const uint8_t *want, size_t len
);

// Fail unless the slot is these commands followed by zeros.
void verify_slot(
        struct verify *v, const char *field, const struct verify_trace *t, const uint8_t *commands,
        size_t len
);

// Run one hop over t->in. 'last' says whether it must be the end of the path.
// Returns 0, or -EINVAL after verify_fail (dropped, or the path ends elsewhere).
int verify_run_hop(
        struct verify *v, const struct fog_geometry *g, const uint8_t private_key[32], int last,
        struct verify_trace *t
);

// One packet of each file format.
void verify_katzenpost(struct verify *v, const json_t *packet);
void verify_geometries(struct verify *v, const json_t *packet);

// Close a hop (or the packet as a whole, 'hops' of it) and count it by v->bad.
void verify_hop_done(struct verify *v);
void verify_packet_unusable(struct verify *v, size_t hops);

// The subcommand. Returns the exit code.
int sphinx_verify(const struct fog_crypto_ops *ops, const json_t *file);
