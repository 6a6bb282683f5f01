// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the packet format fixes of HKDF-Expand; for the implementations of ops.h only.
#pragma once

#include <stdint.h>

static const uint8_t kdf_info[] = "katzenpost-kdf-v0-hkdf-sha256";

enum {
	KDF_INFO_LEN = sizeof(kdf_info) - 1,
	KDF_OKM_LEN = 192,
};
