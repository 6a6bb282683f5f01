# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""A text file as a C string, so that a program needs no data file beside it.

usage: embed.py FILE NAME  (writes the header to standard output)
"""
import json
import pathlib
import sys

path, name = pathlib.Path(sys.argv[1]), sys.argv[2]
print(f"// Made from {path.name} by embed.py.\n#pragma once\n\nstatic const char {name}[] =")
for line in path.read_text(encoding="ascii").splitlines():
	print(f"\t{json.dumps(line + chr(10))}")
print(";")
