#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""The policies of the sandboxes against what real processes ask the kernel for: a lab runs under strace,
with traffic, a control plane that comes back, and a new configuration. No call is seen that no row
allows, and a row whose call is not seen says in its reason why it is there."""
import os
import re
import shutil

from _init import ROOT, SANITIZED, Lab, check, skip, wait_for
from steady import SHORT, Steady, three

ROW = re.compile(r"^(?:CALL|ONLY|ABSENT)\((\w+), (?:([A-Z|]+), )?.*\"(.*)\"\)$", re.MULTILINE)
LINE = re.compile(r"^(\d+) +(\w+)\((.*)")
ENTERS = "SECCOMP_SET_MODE_FILTER, 0, {"  # libseccomp asks with NULL what the kernel can do
# What a reason says of a row whose call is not seen here: by itself, or because it is for the way down
# or for hardware.
EXPLAINED = re.compile(r"\bseen\b|the kernel's own|call_die|call_refuse")
HERE = {"ALL", "AFXDP", "ADAPTIVE"}  # parts of this lab


def rows(name):
	"""call -> reasons of its rows, which other configurations have as well"""
	found = {}
	for call, whom, reason in ROW.findall((ROOT / "sandbox" / f"{name}.def").read_text()):
		if not whom or HERE & set(whom.split("|")):
			found.setdefault(call, []).append(reason)
	return found


def wrap(lab):
	"""The lab's programs under strace. Returns the folder of what it writes."""
	folder, logs = lab.run.folder / "strace", lab.run.folder / "calls"
	folder.mkdir()
	logs.mkdir()
	for path in lab.bin.iterdir():
		# -D: the program is the process that the lab started, and the tracer its grandchild.
		traced = f"strace -D -f -qq -e signal=none -o {logs}/{path.name}.$$" if path.name.endswith("plane") else ""
		(folder / path.name).write_text(f"#!/bin/sh\nexec {traced} {path} \"$@\"\n")
		(folder / path.name).chmod(0o755)
	lab.bin = folder
	return logs


def seen(logs):
	"""policy -> calls that threads made after they had entered their sandbox: in a data plane the one
	worker first, then EAL's thread, then the manager; in a control plane all of them at once."""
	calls = {}
	for path in logs.iterdir():
		program, pid = path.name.split(".")
		entered = {}  # thread -> its policy
		for match in filter(None, map(LINE.match, path.read_text(errors="replace").split("\n"))):
			tid, call, rest = match.groups()
			thread = pid if program == "fog-controlplane" else tid
			if thread in entered:
				calls.setdefault(entered[thread], set()).add(call)
			elif call == "seccomp" and rest.startswith(ENTERS):
				order = ["control"] if program == "fog-controlplane" else ["worker", "interrupt", "manager"]
				entered[thread] = order[len(entered)]
	return calls


def compare(calls):
	for name in ("worker", "manager", "interrupt", "control"):
		allowed, made = rows(name), calls.get(name, set())
		check(len(made) > 2, f"{name}: only {sorted(made)} seen")
		check(made <= set(allowed), f"{name}: {sorted(made - set(allowed))} without a row")
		dumb = {call for call, reasons in allowed.items() if call not in made
			and not any(EXPLAINED.search(reason) for reason in reasons)}
		check(not dumb, f"{name}: {sorted(dumb)} not seen, and their reasons don't say why they are there")


if SANITIZED:
	skip("a build without sanitizers: it has no sandbox")
if not shutil.which("strace"):
	skip("strace")
with Lab(network=SHORT) as lab:
	logs = wrap(lab)
	three(lab)
	mix = lab["mix1"]
	with Steady(lab, rate=20) as traffic:
		traffic.more(40)
		mix.kill("control")  # another one gets new rings
		mix.start("control")
		mix.wait_ready()
		os.chown(mix.folder, mix.uid, mix.uid)  # where its configuration is replaced
		_, headers, config = mix.rest.call("GET", "/v1/config")
		config["ports"][0]["name"] = "east"
		status, _, text = mix.rest.call("PUT", "/v1/config", config, {"If-Match": headers["ETag"]})
		check(status == 200, f"PUT: {status} {text}")
		traffic.more(20)
		traffic.arrive()
	for node in lab:
		for which in ("data", "control"):  # under strace they end more slowly
			node.end(which, seconds=120)
	wait_for("strace to write", lambda: not any(path.stat().st_size == 0 for path in logs.iterdir()))
	compare(seen(logs))
