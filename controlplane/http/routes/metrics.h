// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Pieces of /metrics that its files share. Text of OpenMetrics 1.0 goes to 'f'.
#pragma once

#include <stdio.h>

#include "snapshot.h"

// The head of a family; 'unit' may be "".
void metrics_family(
        FILE *f, const char *name, const char *unit, const char *type, const char *help
);
// A family of one sample.
void metrics_gauge(FILE *f, const char *name, const char *unit, const char *help, double value);
void metrics_counter(FILE *f, const char *name, const char *unit, const char *help, uint64_t value);

// Only when ports_valid.
void metrics_ports(FILE *f, const struct snapshot *);
// How well the traffic hides; what is not measured is left out. Takes node->lock.
void metrics_timing(FILE *f, struct fog_node *);
// Epochs, clock, descriptors (epochs.c).
void metrics_epochs(FILE *f, struct fog_node *);
// Cover traffic and what it tells (cover.c). Takes node->lock.
void metrics_cover(FILE *f, struct fog_node *);
// What the control plane wants of the ports' filter. Takes node->lock.
void metrics_filter(FILE *f, struct fog_node *);
