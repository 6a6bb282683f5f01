// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fog-trafficgen pcap: packets into a file.
#pragma once

#include "options.h"

// Returns the exit code.
int pcap_main(const struct options *);
