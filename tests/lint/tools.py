# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Rules that a tool of Debian checks for us."""
import pathlib
import re
import shutil
import subprocess
import tempfile

from tree import Finding

PLACE = re.compile(r"^(?P<path>[^:\s]+):(?P<line>\d+):(?:\d+:)? ?(?P<text>.*)$")


# What cppcheck's preprocessor doesn't know, and the older way of saying it that it does.
VA_OPT = re.compile(r"__VA_OPT__\(\s*,\s*\)\s*__VA_ARGS__")


def _run(root, argv, files):
	"""Output of 'argv files' below 'root', or a finding that says how to get the tool."""
	if not files:
		return "", None
	if not shutil.which(argv[0]):
		return "", Finding(argv[0], 0, "not installed; run: sudo ./fogline deps")
	done = subprocess.run([*argv, *files], cwd=root, capture_output=True, text=True)
	return done.stdout + done.stderr, None


def _findings(output):
	for line in output.splitlines():
		match = PLACE.match(line)
		if match:
			yield Finding(match["path"], int(match["line"]), match["text"])


def shell(tree):
	for path in tree.scripts("(ba)?sh"):
		done = subprocess.run(["bash", "-n", path], cwd=tree.root, capture_output=True, text=True)
		if done.returncode:
			yield Finding(path, 1, done.stderr.strip().split("\n")[0])


def clang_format(tree):
	# Files against what becomes of their copies: --dry-run of version 14 also reports places that it then leaves
	# alone. All in one process, which otherwise takes longer to start than to format.
	paths = tree.files(".c", ".h")
	with tempfile.TemporaryDirectory() as folder:
		for path in [*paths, *tree.files(".clang-format")]:
			copy = pathlib.Path(folder) / path
			copy.parent.mkdir(parents=True, exist_ok=True)
			copy.write_text((tree.root / path).read_text())
		_, missing = _run(folder, ["clang-format-14", "-i"], paths)
		if missing:
			yield missing
			return
		for path in paths:
			if (pathlib.Path(folder) / path).read_text() != (tree.root / path).read_text():
				yield Finding(path, 1, "not formatted; run: ./fogline format")


def cppcheck(tree):
	# No include paths: each file is judged by itself, in seconds. Types that stay unknown are the
	# compiler's business.
	argv = [
		"cppcheck", "--quiet", "--enable=warning,performance,portability", "--std=c11", "-j2",
		"--inline-suppr", "--template={file}:{line}: {id}: {message}",
		"--suppress=missingInclude", "--suppress=missingIncludeSystem", "--suppress=unknownMacro",
		"--suppress=preprocessorErrorDirective",
	]
	with tempfile.TemporaryDirectory() as folder:
		for path in tree.files(".c", ".h", ".def", ".inc"):
			copy = pathlib.Path(folder) / path
			copy.parent.mkdir(parents=True, exist_ok=True)
			copy.write_text(VA_OPT.sub(", ##__VA_ARGS__", tree.text(path)))
		output, missing = _run(folder, argv, tree.files(".c"))
	if missing:
		yield missing
	yield from _findings(output)
