#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""As many kills as fit into 30 s; rollover_kill_long.py is the same with all 50."""
from rollover_kill import run

run(50, 30)
