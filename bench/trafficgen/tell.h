// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Sentences for who runs the generator.
#pragma once

#include <stdio.h>

#define tell_error(format, ...) \
	fprintf(stderr, "fog-trafficgen: " format "\n" __VA_OPT__(, ) __VA_ARGS__)
