// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Alone in its file, so that a program can be linked that speaks an older version: it compiles this
// with FOG_PROTOCOL_MINOR set.
#include "hello.h"

#ifndef FOG_PROTOCOL_MINOR
#define FOG_PROTOCOL_MINOR 2
#endif

const uint16_t fog_protocol_minor = FOG_PROTOCOL_MINOR;
