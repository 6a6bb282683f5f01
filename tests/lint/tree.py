# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""The files that the rules look at: all of the source tree, nothing that was built."""
import dataclasses
import pathlib
import re

SKIP = re.compile(r"^(\.git|\.cache|__pycache__|build.*)$")
# Fuzzing corpora and vectors are bytes from elsewhere, not text of ours.
DATA = re.compile(r"(^|/)(corpus|vectors)/")


@dataclasses.dataclass
class Finding:
	path: str
	line: int
	text: str
	warning: bool = False


class Tree:
	def __init__(self, root):
		self.root = pathlib.Path(root)
		self.paths = sorted(self._walk(self.root))
		self._text = {}

	def _walk(self, folder):
		for entry in folder.iterdir():
			if entry.is_symlink() or (entry.is_dir() and SKIP.match(entry.name)):
				continue
			if entry.is_dir():
				yield from self._walk(entry)
			elif not DATA.search(entry.relative_to(self.root).as_posix()):
				yield entry.relative_to(self.root).as_posix()

	def files(self, *suffixes):
		"""Relative paths, in order; with suffixes, only those that end in one of them."""
		return [path for path in self.paths if not suffixes or path.endswith(suffixes)]

	def text(self, path):
		if path not in self._text:
			self._text[path] = (self.root / path).read_text(errors="replace")
		return self._text[path]

	def lines(self, path):
		"""(number, line) from 1, without line ends."""
		return list(enumerate(self.text(path).split("\n"), 1))

	def scripts(self, interpreter):
		"""Files that start with a shebang naming the interpreter, whatever their suffix."""
		return [
			path for path in self.paths
			if re.match(rf"#!\S*(/|env ){interpreter}\b", self.text(path)[:60])
		]
