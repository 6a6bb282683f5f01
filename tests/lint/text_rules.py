# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Rules about the text of a file: licence lines, comments, white space, paths."""
import re

from tree import Finding

SPDX = re.compile(r"^(//|#) SPDX-License-Identifier: BSD-3-Clause$")
# The kernel loads some helpers for GPL-compatible programs only: xdp/ may be under both.
SPDX_BPF = re.compile(r"^(//|#) SPDX-License-Identifier: \(?(BSD-3-Clause OR GPL-2\.0\S*|GPL-2\.0\S* OR BSD-3-Clause)\)?$")
COPYRIGHT = re.compile(r"^(//|#) Copyright \(c\) \d{4} the Fogline authors$")
STRING = re.compile(r'"(\\.|[^"\\])*"|\'(\\.|[^\'\\])*\'')
# Folders that every Debian system has; a checkout below one of them is told by its whole path.
SYSTEM = {"bin", "boot", "dev", "etc", "home", "lib", "media", "mnt", "opt", "proc", "root", "run",
	"sbin", "srv", "sys", "tmp", "usr", "var"}


def _licensed(tree):
	scripts = set(tree.scripts("(ba)?sh")) | set(tree.scripts("python3"))
	suffixes = (".c", ".h", ".def", ".py", ".sh", ".yaml", ".yml", ".build", ".service")
	return sorted(scripts | set(tree.files(*suffixes)))


def spdx(tree):
	"""The first two lines name the licence and the authors."""
	for path in _licensed(tree):
		lines = tree.text(path).split("\n")
		first = 1 if lines[0].startswith("#!") else 0
		head = lines[first:first + 2] + ["", ""]
		both = path.startswith("xdp/") and SPDX_BPF.match(head[0])
		if not both and not SPDX.match(head[0]):
			yield Finding(path, first + 1, "first line is not the SPDX line (BSD-3-Clause)")
		if not COPYRIGHT.match(head[1]):
			yield Finding(path, first + 2, "second line is not 'Copyright (c) YEAR the Fogline authors'")


def comments(tree):
	"""C has // comments only."""
	for path in tree.files(".c", ".h", ".def"):
		for number, line in tree.lines(path):
			code = STRING.sub('""', line).split("//")[0]
			if "/*" in code:
				yield Finding(path, number, "block comment; write // sentences")


def whitespace(tree):
	"""No blanks at a line's end, no carriage returns, exactly one line end at the file's."""
	for path in tree.files():
		text = tree.text(path)
		if "\0" in text or not text:
			continue
		for number, line in tree.lines(path):
			if line != line.rstrip():
				yield Finding(path, number, "white space at the end of the line")
		if not text.endswith("\n") or text.endswith("\n\n"):
			yield Finding(path, text.count("\n") + 1, "file doesn't end in exactly one line end")


def machine_paths(tree):
	"""Nothing in the tree knows where it is checked out or whose home it lies in."""
	root = tree.root.as_posix()
	top = tree.root.parts[1] if len(tree.root.parts) > 1 else ""
	here = re.escape(root if top in SYSTEM else "/" + top)
	own = rf"{here}(/|\b)" if top else r"(?!)"
	pattern = re.compile(rf"(?<![\w.]){own}|(?<![\w.])/(home|Users)/[a-z]\w*")
	for path in tree.files():
		for number, line in tree.lines(path):
			match = pattern.search(line)
			if match:
				yield Finding(path, number, f"path of one machine: {match.group(0)}")
