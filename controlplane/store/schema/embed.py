#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Makes the C source of a schema from its steps, files that are called NNN_name.sql.

usage: embed.py SCHEMA OUTPUT STEP...
"""
import hashlib
import pathlib
import re
import sys


def literal(text):
	"""C string literals, one a line of the text."""
	lines = text.replace("\\", "\\\\").replace('"', '\\"').split("\n")
	return "\n".join(f'\t"{line}\\n"' for line in lines)


def step(path):
	match = re.fullmatch(r"(\d{3})_(\w+)\.sql", path.name)
	if not match:
		sys.exit(f"{path}: a step is called NNN_name.sql")
	text = path.read_bytes()
	digest = hashlib.blake2b(text, digest_size=32).hexdigest()
	sql = literal(text.decode().rstrip("\n"))
	return int(match[1]), f'{{.number = {int(match[1])}, .name = "{match[2]}", .digest = "{digest}", .sql =\n{sql}}},\n'


def main(schema, output, *paths):
	steps = sorted(step(pathlib.Path(path)) for path in paths)
	numbers = [number for number, _ in steps]
	if len(set(numbers)) != len(numbers):
		sys.exit(f"embed.py: two steps have one number: {numbers}")
	pathlib.Path(output).write_text(
		'#include "store/db.h"\n\n'
		f"static const struct fog_schema_step steps[] = {{\n{''.join(text for _, text in steps)}}};\n\n"
		f"const struct fog_schema {schema} = {{steps, {len(steps)}}};\n")


if __name__ == "__main__":
	if len(sys.argv) < 4:
		sys.exit(__doc__)
	main(*sys.argv[1:])
