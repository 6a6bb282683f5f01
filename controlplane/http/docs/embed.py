#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Makes C strings of files. usage: embed.py OUTPUT FILE...; style.css becomes api_docs_style."""
import pathlib
import sys


def main(output, *paths):
	parts = []
	for path in map(pathlib.Path, paths):
		text = path.read_text().replace("\\", "\\\\").replace('"', '\\"')
		lines = "\n".join(f'\t"{line}\\n"' for line in text.rstrip("\n").split("\n"))
		parts.append(f"const char api_docs_{path.stem}[] =\n{lines};\n")
	pathlib.Path(output).write_text('#include "http/docs/docs.h"\n\n' + "\n".join(parts))


main(*sys.argv[1:])
