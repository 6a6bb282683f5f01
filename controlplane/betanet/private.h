// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the files of this folder share.
#pragma once

#include "betanet.h"

// The state of a row, as its number. $1 is the time in every statement that has it.
#define BETANET_STATE \
	"CASE WHEN maintenance = 1 THEN 5" \
	" WHEN seen_us > $1 - 180000000 AND seen_us >= coalesce(deployed_us, 0) THEN 2" \
	" WHEN seen_us >= coalesce(deployed_us, 0) THEN 3" \
	" WHEN deployed_us IS NULL THEN 0" \
	" WHEN enrolment_until_us > $1 THEN 1" \
	" ELSE 4 END"
#define BETANET_COLUMNS \
	"id, version, name, node_type, region, maintenance, node_id, created_us, changed_us, seen_us, " \
	"deployed_us, enrolment_until_us, enrolled_us, " BETANET_STATE

enum { BETANET_COLUMN_COUNT = 14 };

// The row that 'rows' stands at.
void betanet_row(const struct fog_rows *, struct fog_betanet_node *out);
// In a transaction: 0 or -ENOENT.
int betanet_find(struct fog_tx *, int64_t id, int64_t now_us, struct fog_betanet_node *out);

enum { BETANET_HASH = 32 };

// What an appliance signs.
struct betanet_statement {
	char label[sizeof("fogline enrolment v1")];
	uint8_t hash[BETANET_HASH];
};

// A new token and its hash.
void betanet_token(char token[FOG_BETANET_TOKEN_LEN], uint8_t hash[BETANET_HASH]);
int betanet_statement(
        const char *token, struct betanet_statement *out
); // 0, or -EINVAL: it is no token
