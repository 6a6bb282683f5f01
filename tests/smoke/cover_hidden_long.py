#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Cover can't be told from real traffic by who watches a link: at least 10,000 frames of each."""
from hidden import run

run(10000)
