# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Policies of the sandboxes against calls that strace has seen."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROW = re.compile(r"^(?:CALL|ONLY|ABSENT)\((\w+), (?:([A-Z|]+), )?.*\"(.*)\"\)$", re.MULTILINE)
LINE = re.compile(r"^(\d+) +(\w+)\((.*)")
ENTERS = "SECCOMP_SET_MODE_FILTER, 0, {"  # libseccomp asks with NULL what the kernel can do
# What a reason says of a row whose call is not seen: by itself, or because it is for the way down or for
# hardware.
EXPLAINED = re.compile(r"\bseen\b|the kernel's own|call_die|call_refuse")


def rows(name, parts):
	"""call -> reasons of its rows, of those that are for one of these parts of a configuration"""
	found = {}
	for call, whom, reason in ROW.findall((ROOT / "sandbox" / f"{name}.def").read_text()):
		if not whom or parts & set(whom.split("|")):
			found.setdefault(call, []).append(reason)
	return found


def calls(text):
	"""(thread, call, what is behind its parenthesis) of each line that strace -f has written."""
	for match in filter(None, map(LINE.match, text.split("\n"))):
		yield match.groups()


def findings(name, parts, made):
	"""What is wrong between a policy and the calls that were made under it, as sentences."""
	allowed = rows(name, parts)
	if len(made) <= 2:
		yield f"{name}: only {sorted(made)} seen"
	if not made <= set(allowed):
		yield f"{name}: {sorted(made - set(allowed))} without a row"
	dumb = {call for call, reasons in allowed.items() if call not in made
		and not any(EXPLAINED.search(reason) for reason in reasons)}
	if dumb:
		yield f"{name}: {sorted(dumb)} not seen, and their reasons don't say why they are there"
