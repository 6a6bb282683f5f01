// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The links' part of /metrics; nothing without links.
#pragma once

#include <stdio.h>

struct fog_node;

void metrics_links(FILE *f, struct fog_node *);
