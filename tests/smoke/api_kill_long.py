#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""A control plane killed 20 times in 10,000 acknowledged writes, on each store."""
import api_kill

api_kill.main(kills=20, writes=500)
