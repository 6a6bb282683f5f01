// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Schemas from the rows of config/keys.h: how each kind reads in JSON (config.c), 'low' and 'high' as there.
#pragma once

#include "../../config/config.h"
#include "../../config/keys.h"
#include "parts.h"

// clang-format off
#define KIND_TEXT(low, high) TEXT(low, high)
#define KIND_NAME(low, high) TEXT(low, high, .pattern = "^([A-Za-z0-9][A-Za-z0-9._-]*)?$")
#define KIND_PATH(low, high) TEXT(low, high)
#define KIND_SOCKET(low, high) TEXT(low, high)
#define KIND_BOOL(low, high, ...) SCHEMA(API_BOOLEAN, ##__VA_ARGS__)
#define KIND_COUNT(low, high, ...) INTEGER(low, high, ##__VA_ARGS__)
#define KIND_MIB(low, high) INTEGER(low, high)
#define KIND_MS(low, high) SCHEMA(API_STRING, .pattern = "^[0-9]+ms$")
#define KIND_DRIVER(low, high) ONE_OF("loop", "afxdp", "dpdk", "auto")
#define KIND_IDLE(low, high) ONE_OF("busy", "adaptive")
#define KIND_XDP_MODE(low, high) ONE_OF("auto", "native", "generic")
#define KIND_TLS(low, high) ONE_OF("auto", "on", "off")
#define KIND_ROLE(low, high) ONE_OF("gateway", "mix", "service")
#define KIND_LOG_LEVEL(low, high) ONE_OF("error", "warning", "info", "debug")
#define KIND_IP(low, high) TEXT(0, 45)

// What came of a change of the configuration or of the filter.
#define CHANGED_FIELDS \
	FIELD("generation", schema_count_or_null, "generation that came of it; null while there is none"), \
	FIELD("state", schema_config_state, "what the data plane has made of it so far"), \
	FIELD("text", TEXT(1, 203, .nullable = true), "what the data plane says, why it refuses it; null when nothing")
// clang-format on
