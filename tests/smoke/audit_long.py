#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Each kind of cheating data plane alone, in each layer once or twice."""
from audit import run

run([{"mix1a": "drops"}, {"mix2a": "halves"}, {"mix3b": "own"}, {"mix2b": "late"}, {"mix1b": "selective"}])
