#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Cover can't be told from real traffic by who watches a link: some 1,000 frames of each; cover_hidden_long.py is
the same with 10,000."""
from hidden import run

run(1000)
