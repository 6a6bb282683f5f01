# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Rules that a tool of Debian checks for us."""
import re
import shutil
import subprocess

from tree import Finding

PLACE = re.compile(r"^(?P<path>[^:\s]+):(?P<line>\d+):(?:\d+:)? ?(?P<text>.*)$")


def _run(tree, argv, files):
	"""Standard error of 'argv files', or a finding that says how to get the tool."""
	if not files:
		return "", None
	if not shutil.which(argv[0]):
		return "", Finding(argv[0], 0, "not installed; run: sudo ./fogline deps")
	done = subprocess.run([*argv, *files], cwd=tree.root, capture_output=True, text=True)
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
	output, missing = _run(tree, ["clang-format-14", "--dry-run", "-Werror"], tree.files(".c", ".h"))
	if missing:
		yield missing
	seen = set()
	for finding in _findings(output):
		if finding.path not in seen:
			seen.add(finding.path)
			finding.text = "not formatted; run: ./fogline format"
			yield finding


def cppcheck(tree):
	# No include paths: each file is judged by itself, in seconds. Types that stay unknown are the
	# compiler's business.
	argv = [
		"cppcheck", "--quiet", "--enable=warning,performance,portability", "--std=c11", "-j2",
		"--inline-suppr", "--template={file}:{line}: {id}: {message}",
		"--suppress=missingInclude", "--suppress=missingIncludeSystem", "--suppress=unknownMacro",
		"--suppress=preprocessorErrorDirective",
	]
	output, missing = _run(tree, argv, tree.files(".c"))
	if missing:
		yield missing
	yield from _findings(output)
