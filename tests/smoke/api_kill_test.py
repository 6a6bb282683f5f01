#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""A control plane killed three times on each store; api_kill_long.py does it 20 times, in 10,000 writes."""
import api_kill

api_kill.main(kills=3, writes=60)
