#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""The power is cut once under writes; with $FOGLINE_LONG ten times on each store, under more of them."""
import os

import power_cut

LONG = bool(os.environ.get("FOGLINE_LONG"))

power_cut.main(cuts=10 if LONG else 1, writes=200 if LONG else 40, stores=["sqlite", "postgresql"] if LONG else ["sqlite"])
