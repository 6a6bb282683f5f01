#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Five kinds of cheating data planes, of which the judge tells those apart that are in different layers."""
from audit import run

run([{"mix1a": "halves", "mix2b": "own", "mix3a": "late"}, {"mix1b": "selective", "mix2a": "drops"}])
