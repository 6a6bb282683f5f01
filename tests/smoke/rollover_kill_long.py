#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Either process of a mix killed 50 times at random moments of its rollovers."""
from rollover_kill import run

run(50, 3600)
