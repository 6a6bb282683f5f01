#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Where the secrets of a node lie while packets flow: wherever their bytes are found in the memory of
its two processes, that memory is locked (no swap) and kept out of core dumps; and so are the stacks of the
data plane's threads."""
from _init import SANITIZED, Lab, check, equal, skip, wait_for
from memory import areas, mix_key, places, replay_keys, stack_pointer, tasks
from steady import SHORT, Steady, three

LOOKS = 3  # at different moments of the traffic
SAFE = {"dd", "lo"}  # VM_DONTDUMP, VM_LOCKED


def secrets_of(node):
	"""name -> (bytes, processes that must have it)"""
	private, = [mix_key(f"lab{node.lab.run.number}-{node.name}", node.uid)]
	replay, = replay_keys(node.replay_dir)
	identity = (node.state_dir / "identity.key").read_bytes()
	equal((len(private), len(identity)), (32, 64), "lengths of the keys")
	return {
		"mix key": (private, ("data", "control")),
		"replay fingerprint key": (replay, ("data",)),
		"identity key": (identity[:32], ("control",)),
	}


def look(node):
	for name, (secret, processes) in secrets_of(node).items():
		check(len(set(secret)) > 4, f"{name} is no key: {secret!r}")
		for which in ("data", "control"):
			found = places(node.processes[which].pid, secret)
			bad = [f"{where} ({' '.join(sorted(flags))})" for where, flags in found if not flags >= SAFE]
			check(not bad, f"{node.name}: {name} lies in the {which} plane's {', '.join(bad)}")
			check(bool(found) == (which in processes), f"{node.name}: {len(found)} copies of the {name} in the {which} plane")


def stacks(node):
	"""Where threads of the data plane have keys and shared secrets in their hands: no byte to look for,
	so the mapping that the stack pointer is in tells."""
	pid = node.processes["data"].pid
	found = {}
	for task in tasks(pid):
		pointer = wait_for(f"thread {task.name} to wait", lambda task=task: stack_pointer(task), every=0.001)
		name = (task / "comm").read_text().strip()
		found[name], = [flags for begin, end, _, _, flags in areas(pid) if begin <= pointer < end]
		check(found[name] >= SAFE, f"{node.name}: stack of {name}: {found[name]}")
	check(len(found) == 3, f"{node.name}: threads {sorted(found)}")


def locked(node):
	"""Nothing of the data plane's own memory goes to a swap file, whatever went through it."""
	for begin, _, permissions, name, flags in areas(node.processes["data"].pid):
		if permissions == "rw-p":
			check("lo" in flags, f"{node.name}: {begin:x} {permissions} {name} is not locked: {flags}")


if SANITIZED:
	skip("a build without sanitizers: they replace the calls that lock memory")
with Lab(network=SHORT) as lab:
	three(lab)
	with Steady(lab) as traffic:
		for _ in range(LOOKS):
			traffic.more(50)
			for node in lab:
				look(node)
				stacks(node)
				locked(node)
		traffic.arrive()
