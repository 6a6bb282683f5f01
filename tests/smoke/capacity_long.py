#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Ten minutes at 80 % of capacity: nothing lost that isn't counted, memory flat, books closed."""
from capacity import soak

soak(600)
