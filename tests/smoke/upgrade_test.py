#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Every control plane replaced by another build under traffic: no packet and no message is lost, none
comes twice, and the data planes are the same all the time."""
import pathlib
import subprocess
import tempfile

from _init import Lab, books, check, drops, encrypted, equal, missing, none_missing, port_lost, report, wait_for
from steady import SHORT, Steady, three


def another_build(lab, folder):
	"""The same programs, but for the version in the control plane. Returns both versions."""
	program = lab.bin / "fog-controlplane"
	said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
	old = said.split()[1]
	new = f"9{old[1:]}"
	fresh = pathlib.Path(folder) / "fog-controlplane"
	fresh.write_bytes(program.read_bytes().replace(old.encode(), new.encode()))
	fresh.chmod(0o755)
	pathlib.Path(folder).chmod(0o755)
	for name in ("fog-dataplane", "fogctl"):
		(pathlib.Path(folder) / name).symlink_to((lab.bin / name).resolve())
	said = subprocess.run([fresh, "--version"], capture_output=True, text=True, check=True).stdout
	equal(said.split()[1], new, "version of the other build")
	return old, new


def upgrade(node, new):
	before = node.rest.get("/v1/status")
	equal(node.end("control"), 0, f"exit code of the control plane of {node.name}\n{node.log_end('control')}")
	node.start("control")
	node.wait_ready()
	after = node.rest.get("/v1/status")
	equal(after["version"], new, f"version of {node.name}")
	for key in ("node_id", "mix_public_key", "generation"):
		equal(after[key], before[key], f"{key} of {node.name}")
	for key in ("boot_id", "generation", "checksum", "mix_public_key"):
		equal(after["data_plane"][key], before["data_plane"][key], f"{key} of the data plane of {node.name}")


def main(lab, folder):
	three(lab)
	frames = missing(lab)
	# Neighbours that were up first have spoken to a port that was just being opened.
	lost = {node.name: port_lost(node) for node in lab}
	old, new = another_build(lab, folder)
	equal({node.rest.get("/v1/status")["version"] for node in lab}, {old}, "versions")
	lab.bin = pathlib.Path(folder)
	with Steady(lab) as traffic:
		for node in lab:
			traffic.more(30)
			upgrade(node, new)
		traffic.more(30)
		traffic.arrive()
	check(report.rest_of(lab), "traffic doesn't come to rest")
	for node in lab:
		equal(drops(node), {}, f"drops of {node.name}")
		equal(books(node)["accounting_gap"], 0, f"accounting gap of {node.name}")
		equal(port_lost(node), lost[node.name], f"frames lost at the port of {node.name}")
		equal(node.rest.get("/v1/status")["messages"]["deliver_missing"], 0, "missing in the ring")
	none_missing(lab, frames)
	wait_for("word of the new build", lambda: all(new in node.log("data").read_text() for node in lab))


with Lab(network={**encrypted(), **SHORT}) as lab, tempfile.TemporaryDirectory() as folder:
	main(lab, folder)
