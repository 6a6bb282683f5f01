// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What is told about clients' mail: totals.
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "../../node.h"

json_t *view_mail(struct fog_node *); // of the status
void metrics_mail(FILE *, struct fog_node *);
