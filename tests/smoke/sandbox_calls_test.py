#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""The policies of the sandboxes against what real processes ask the kernel for: a lab runs under strace,
with traffic, a control plane that comes back, and a new configuration. No call is seen that no row
allows, and a row whose call is not seen says in its reason why it is there."""
import os
import shutil
import sys

from _init import ROOT, SANITIZED, Lab, check, skip, wait_for
from steady import SHORT, Steady, three

sys.path.insert(0, str(ROOT / "tests" / "sandbox"))
import policies

HERE = {"ALL", "AFXDP", "ADAPTIVE"}  # parts of this lab


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
		for tid, call, rest in policies.calls(path.read_text(errors="replace")):
			thread = pid if program == "fog-controlplane" else tid
			if thread in entered:
				calls.setdefault(entered[thread], set()).add(call)
			elif call == "seccomp" and rest.startswith(policies.ENTERS):
				order = ["control"] if program == "fog-controlplane" else ["worker", "interrupt", "manager"]
				entered[thread] = order[len(entered)]
	return calls


def compare(calls):
	found = [sentence for name in ("worker", "manager", "interrupt", "control")
		for sentence in policies.findings(name, HERE, calls.get(name, set()))]
	check(not found, "\n".join(found))


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
