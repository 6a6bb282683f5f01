// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// How far a chain had come, kept outside of the store: who rewrites the store can't rewrite this.
//
// A file of JSON lines, heads: {"chain":..,"sequence":..,"hash":..,"time_us":..,"key":..,"signature":..}. 'key' is the public key
// that the chain is named after, 'signature' its Ed25519 signature (RFC 8032) of 32 bytes: BLAKE2b-256 of the fields
// "fogline audit head v1", chain, sequence, hash, time_us, written as in row.h. The first line has "newest":true besides, is as long as
// FOG_AUDIT_NEWEST_LEN says, and is overwritten after every group of rows; others are appended. Lines of the log that tell
// of heads have the same fields.
//
// One thread at a time.
#pragma once

#include <stdbool.h>

#include "row.h"

enum { FOG_AUDIT_NEWEST_LEN = 512, FOG_AUDIT_HEAD_PATH_MAX = 512 };

struct fog_audit_head {
	char chain[FOG_AUDIT_CHAIN_LEN];
	int64_t sequence; // 0: the chain had no row
	uint8_t hash[FOG_AUDIT_HASH_LEN];
	int64_t time_us;
	bool newest; // of a first line
	uint8_t key[32], signature[64];
};

// Read one line, without its end. Returns 0 or -EBADMSG.
int fog_audit_head_read(const char *line, size_t len, struct fog_audit_head *);
// The same of a line of the log, in any of its formats; -EBADMSG: it tells of no head.
int fog_audit_head_logged(const char *line, size_t len, struct fog_audit_head *);
// Whether the signature is that of the key which the chain is named after.
bool fog_audit_head_good(const struct fog_audit_head *);

struct audit_head_file {
	int fd;
	char path[FOG_AUDIT_HEAD_PATH_MAX];
	const uint8_t *secret_key; // 64 bytes, the caller's
	uint8_t public_key[32];
};

// Open the file or make it, durably. 'newest' gets its first line, or sequence 0 when it is new. What a killed process
// left half written at its end is cut off; the file of another chain is put aside as PATH.CHAIN. Returns 0,
// 1: the first line can't be read, or is signed by nobody, or -errno, logged.
int audit_head_open(
        struct audit_head_file *, const char *path, const uint8_t *secret_key, const char *chain,
        struct fog_audit_head *newest
);
void audit_head_close(struct audit_head_file *);
// Sign and overwrite the first line. It is not forced to the disk: after a power cut an older one is there, which claims
// less. 'head' gets key and signature, as below. Returns 0 or -errno.
int audit_head_newest(struct audit_head_file *, struct fog_audit_head *head);
// Sign and append, durably. Returns 0 or -errno.
int audit_head_append(struct audit_head_file *, struct fog_audit_head *head);
