# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Rules about size and place: files, functions, names, a README for every folder."""
import pathlib
import re

from tree import Finding

FILE_MAX, FILE_WARN = 800, 500
FUNCTION_MAX = 100
SOURCES = (".c", ".h", ".def", ".py", ".sh", ".yaml")


def file_size(tree):
	for path in tree.files(".c", ".h", ".def", ".py"):
		count = tree.text(path).count("\n")
		if count > FILE_MAX:
			yield Finding(path, FILE_MAX, f"{count} lines, {FILE_MAX} are the most")
		elif count > FILE_WARN:
			yield Finding(path, FILE_WARN, f"{count} lines; about 200 are the aim", warning=True)


def _c_functions(tree, path):
	"""(first line, length) of each body: Linux style puts its braces in column 0."""
	start = None
	for number, line in tree.lines(path):
		if line.rstrip() == "{":
			start = number
		elif line.rstrip() == "}" and start:
			yield start, number - start + 1
			start = None


def _python_functions(tree, path):
	start, indent, last = None, 0, 0
	for number, line in tree.lines(path) + [(0, "end")]:
		blank = not line.strip()
		depth = len(line) - len(line.lstrip())
		if start and not blank and depth <= indent and line.strip() not in (")", "):"):
			yield start, last - start + 1
			start = None
		if start is None and re.match(r"\s*(async )?def ", line):
			start, indent = number, depth
		if not blank:
			last = number


def function_size(tree):
	for path in tree.files(".c", ".h", ".py"):
		split = _python_functions if path.endswith(".py") else _c_functions
		for line, length in split(tree, path):
			if length > FUNCTION_MAX:
				yield Finding(path, line, f"function of {length} lines, {FUNCTION_MAX} are the most")


def names(tree):
	"""No drawer for what belongs nowhere."""
	for path in tree.files():
		if re.search(r"(^|/)(common|util|utils|misc|helpers)(/|\.[ch]$)", path):
			yield Finding(path, 1, "name says nothing; put it where its user is")


def readme(tree):
	"""A folder with sources has a README.md, or its parent's README names it as `folder/`."""
	folders = {pathlib.PurePosixPath(path).parent for path in tree.files(*SOURCES)}
	for folder in sorted(folders):
		own = (folder / "README.md").as_posix()
		parent = (folder.parent / "README.md").as_posix()
		if own in tree.paths:
			continue
		if parent in tree.paths and f"{folder.name}/" in tree.text(parent):
			continue
		yield Finding(folder.as_posix(), 1, f"no README.md, and {parent} doesn't explain {folder.name}/")
