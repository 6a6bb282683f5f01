// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What a caller is and what he may. Roles are stored as bits, tiers as numbers, scopes as bits in the order of
// scopes.def. Any thread.
#pragma once

#include <stdint.h>

// Not enum fog_role: that is what a node is (mixnet/topology.h).
enum fog_account_role {
	FOG_ROLE_USER = 1 << 0, // its own account, keys, usage, services
	FOG_ROLE_AUDITOR = 1 << 1, // reads everything, changes nothing but its own account
	FOG_ROLE_OPERATOR = 1 << 2, // runs the appliance
	FOG_ROLE_ADMIN = 1 << 3, // accounts and rights, too
	FOG_ROLES_ALL = (1 << 4) - 1, // all of them
};

enum fog_tier { FOG_TIER_FREE, FOG_TIER_PRO, FOG_TIER_ENTERPRISE, FOG_TIERS };

enum fog_scope_bit {

#define X(symbol, name, text) FOG_SCOPE_BIT_##symbol,
#include "scopes.def"
#undef X
	FOG_SCOPES,
};

enum fog_scope {

#define X(symbol, name, text) FOG_SCOPE_##symbol = 1 << FOG_SCOPE_BIT_##symbol,
#include "scopes.def"
#undef X
	FOG_SCOPE_ALL = (1 << FOG_SCOPES) - 1,
};

// Requests a minute by class; 0: what everybody may.
struct fog_limits {
	uint32_t auth, write, read;
};

// Names in the API. Of one bit or number; NULL: there is none.
const char *fog_account_role_name(uint32_t role);
const char *fog_tier_name(unsigned tier);
const char *fog_scope_name(uint32_t scope);
const char *fog_scope_text(uint32_t scope); // one sentence
// And back. Return the bit or number, or -EINVAL.
int fog_account_role_parse(const char *name);
int fog_tier_parse(const char *name);
int fog_scope_parse(const char *name);
