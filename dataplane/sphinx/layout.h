// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Where the fields of a packet and of one hop's key material lie.
#pragma once

#include "sphinx.h"

enum {
	LAYOUT_POINT = FOG_SPHINX_PREFIX_LEN,
	LAYOUT_ROUTING = LAYOUT_POINT + FOG_SPHINX_POINT_LEN,
	LAYOUT_ROUTING_MAX = FOG_SPHINX_SLOTS_MAX * FOG_SPHINX_SLOT_LEN,
};

static inline unsigned layout_mac(const struct fog_geometry *g)
{
	return LAYOUT_ROUTING + g->routing_len;
}

// Offsets into fog_sphinx_hop.okm.
enum {
	OKM_MAC_KEY = 0,
	OKM_CTR_KEY = 32,
	OKM_IV = 64, // nonce of AES-CTR and of AEZ
	OKM_AEZ_KEY = 80,
	OKM_BLIND_SEED = 128,
};

// A SURB's key entry: AEZ key, then IV.
enum { SURB_KEY_AEZ_LEN = 48, SURB_KEY_IV_LEN = 16 };
