// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Log lines of the manager; a worker never calls any of it.
#pragma once

#include "../log/log.h"
