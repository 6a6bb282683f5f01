#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""What the control plane says of its host, from inside its sandbox: the same as fogctl as root where it can see it, nothing where it
can't, least of all something wrong; and still less under a /proc like that of its systemd unit."""
import json
import subprocess

from _init import Lab, check, equal

ROOTS = {"kernel", "memlock", "iommu", "vfio", "queues", "clock"}
HIDDEN = {"cpu", "sysctl", "hugepages", "cpus", "irq"}  # where /proc shows own processes only
SMALL_PROC = ["unshare", "--mount", "sh", "-c", 'mount -t proc -o subset=pid,hidepid=invisible proc /proc && exec "$@"', "sh"]


def by_root(node):
	done = subprocess.run(
		[node.lab.bin / "fogctl", "host", "check", "-j", "--config", node.config_path, "--undo-file", node.folder / "undo.json"],
		capture_output=True, text=True, stdin=subprocess.DEVNULL)
	return {stage["name"]: stage for stage in json.loads(done.stdout)["stages"]}


def seen(node, hidden):
	"""Returns the stages whose state is known."""
	answer = node.rest.get("/v1/host")
	stages = {stage["name"]: stage for stage in answer["stages"]}
	equal({name for name, stage in stages.items() if stage["needs_root"]}, ROOTS, "stages for root")
	unknown = {name for name, stage in stages.items() if stage["state"] is None}
	equal(unknown, ROOTS | hidden, "stages that are not known")
	equal(answer["unknown"], len(unknown), "how many they are")
	for name in unknown:
		check(f"as root: fogctl host check {name}" in stages[name]["mend"], f"mend of {name}: {stages[name]}")
	known = {name: stage for name, stage in stages.items() if name not in unknown}
	order = ["skip", "ok", "warn", "fail"]
	equal(answer["state"], max((stage["state"] for stage in known.values()), key=order.index), "the worst of them")
	return known


def same(node, known):
	root = by_root(node)
	equal(set(root), set(known) | ROOTS | (HIDDEN - set(known)), "stages")
	for name, stage in known.items():
		equal((stage["state"], stage["mend"] or ""), (root[name]["verdict"], root[name]["mend"]), f"stage {name}: {stage}, {root[name]}")


def main(lab):
	gateway, _, service = lab
	service.prefix["control"] = SMALL_PROC
	lab.start()
	same(gateway, seen(gateway, set()))
	same(service, seen(service, HIDDEN))


with Lab() as the_lab:
	for place in (("gateway", "gateway"), ("mix1", "mix", 1), ("service", "service")):
		the_lab.add(*place)
	main(the_lab)
