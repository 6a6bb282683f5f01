// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Addresses of clients: "MAILBOX.KEY@GATEWAY", 32 bytes each, the first two as base64url without
// padding (RFC 4648, section 5), the gateway's node ID in lower-case hexadecimal. Pure, any thread.
#pragma once

#include "../../dataplane/api/abi.h"
#include "client.h"

struct client_address {
	uint8_t mailbox[FOG_ID_LEN];
	uint8_t key[32]; // X25519, what is sealed for
	uint8_t gateway[FOG_ID_LEN];
};

void client_address_put(const struct client_address *, char out[FOG_CLIENT_ADDRESS_LEN]);
// Returns 0 or -EINVAL: not of this form.
int client_address_parse(const char *text, struct client_address *out);
