#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Every route of the API names a command that fogctl says it has, or why there is none; every such command is in the manual and
completed by bash. Usage: commands_check.py FOGCTL FOG_OPENAPI"""
import json
import pathlib
import re
import subprocess
import sys

FOGCTL, OPENAPI = sys.argv[1:3]
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "config" / "man"))
import completion
import manual

wrong, passed = [], 0


def check(what, condition):
	global passed
	passed += bool(condition)
	if not condition:
		wrong.append(what)
		print(f"FAILED: {what}", flush=True)


def told(words, known):
	"""Whether the usage of a command has these words: a command of a command, an option."""
	name, *rest = words.split(" ")
	if name not in known:
		return False
	synopsis = " ".join(known[name].synopsis)
	return all(
		re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", synopsis) if word.startswith("-")
		else word in completion._subcommands(name, known[name]) for word in rest)


def main():
	listed = manual.commands(FOGCTL)
	known = {name: usage for name, _, usage in listed}
	description = json.loads(subprocess.run([OPENAPI], check=True, capture_output=True, text=True).stdout)
	script, page = completion.script(listed), manual.fogctl_page(listed, "1").text()
	manual.explained(listed)
	for path, methods in description["paths"].items():
		for method, route in methods.items():
			what = f"{method.upper()} {path}"
			words, none = route.get("x-fogctl"), route.get("x-fogctl-none")
			check(f"{what} names either a command or why there is none", (words is None) != (none is None))
			check(f"{what} has a reason: {none!r}", none is None or len(none) > 8)
			if words is None:
				continue
			words = words.removeprefix("fogctl ")
			name, *rest = words.split(" ")
			check(f"{what}: fogctl knows '{words}'", told(words, known))
			check(f"{what}: '{words}' is in the manual", f"fogctl {words}".replace("-", r"\-").split(" --")[0] in page)
			case = re.search(rf"^\t{name}\)\n(.*?)^\t\t;;", script, re.M | re.S)
			check(f"{what}: '{words}' is completed", case and all(
				re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", case[1]) for word in rest))
	check("a command that there is not is found", not told("services nonsense", known) and not told("nonsense", known))
	print(f"{passed} passed, {len(wrong)} failed")
	sys.exit(bool(wrong))


main()
