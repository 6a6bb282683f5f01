#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""The rules of the house that a machine can check. One line per rule, one per finding.

usage: lint.py [--root DIR] [RULE...]
Exit code 0: nothing found, 1: findings, 2: wrong usage.
"""
import argparse
import pathlib
import sys

import dependencies
import layout
import messages
import python_rules
import sql_rules
import text_rules
import tools
from tree import Tree

RULES = {
	"spdx": text_rules.spdx,
	"comments": text_rules.comments,
	"whitespace": text_rules.whitespace,
	"machine-paths": text_rules.machine_paths,
	"file-size": layout.file_size,
	"function-size": layout.function_size,
	"names": layout.names,
	"readme": layout.readme,
	"layers": dependencies.layers,
	"foreign-headers": dependencies.foreign_headers,
	"include-cycles": dependencies.cycles,
	"mends": messages.mends,
	"log-lines": messages.log_lines,
	"sql": sql_rules.statements,
	"python": python_rules.check,
	"shell": tools.shell,
	"clang-format": tools.clang_format,
	"cppcheck": tools.cppcheck,
}


def run(root, names, out=sys.stdout):
	"""Check the tree below 'root' against the named rules. Returns the number of findings."""
	tree = Tree(root)
	total = 0
	for name in names:
		found = list(RULES[name](tree))
		errors = [finding for finding in found if not finding.warning]
		total += len(errors)
		print(f"{'FAIL' if errors else 'ok  '}  lint/{name}", file=out)
		for finding in found:
			kind = "warning" if finding.warning else "error"
			print(f"      {finding.path}:{finding.line}: {kind}: {finding.text}", file=out)
	return total


def main():
	here = pathlib.Path(__file__).resolve()
	parser = argparse.ArgumentParser(description="Check the tree against the rules of the house.")
	parser.add_argument("--root", type=pathlib.Path, default=here.parents[2])
	parser.add_argument("rules", metavar="RULE", nargs="*", help=f"of: {', '.join(RULES)}")
	options = parser.parse_args()
	unknown = set(options.rules) - set(RULES)
	if unknown:
		parser.error(f"unknown rule: {', '.join(sorted(unknown))}")
	total = run(options.root.resolve(), options.rules or RULES)
	print(f"{total} findings")
	return 1 if total else 0


if __name__ == "__main__":
	sys.exit(main())
