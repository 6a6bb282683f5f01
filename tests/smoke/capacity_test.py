#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""20 seconds at 80 % of capacity; capacity_long.py is the same for ten minutes."""
from capacity import soak

soak(20)
