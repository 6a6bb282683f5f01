#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""`driver: auto` on an interface that no vfio-pci could take: the port goes over XDP, and why is said by
`fogctl config check`, by the log, by the REST API and by `fogctl ports`."""
import subprocess

from _init import Lab, check, equal, wait_for
from peer import FORWARDED, QUICK, Books, Peer, start

WHY = "eth0 is no PCI device that vfio-pci could take: XDP on it"


def checked(node):
	"""`fogctl config check` inside the node's network."""
	argv = ["ip", "netns", "exec", node.netns, lab.bin / "fogctl", "config", "check", node.config_path]
	return subprocess.run(argv, capture_output=True, text=True)


with Lab(network=QUICK) as lab, Peer(lab) as peer:
	mix = lab.add("mix1", "mix", 1, setup=peer.known)
	mix.options["config"] = {"ports": [{"name": "wan", "driver": "auto", "device": "eth0"}]}
	start(lab)
	done = checked(mix)
	check(f"wan: driver auto takes afxdp: {WHY}" in done.stdout, f"config check: {done.stdout}{done.stderr}")
	check(f"port wan: driver auto: {WHY}" in mix.log("data").read_text(), "the log says why")
	port = wait_for("ports", lambda: mix.rest.get("/v1/ports")["ports"])[0]
	equal(port["driver_why"], WHY, "reason in the REST API")
	check(not port["mode"].startswith("dpdk"), f"mode {port['mode']}")
	check(f"wan: driver auto: {WHY}" in mix.fogctl("ports"), "reason in fogctl ports")
	books = Books(mix)
	packet, wanted = peer.make(mix)
	peer.send(peer.frame(mix, packet))
	books.moves("a packet forwarded", FORWARDED)
	equal(wait_for("the packet", peer.packets), [wanted], "packet on the wire")

	# Nothing to take: refused, with what to do.
	mix.config_path.write_text(mix.config_path.read_text().replace('"eth0"', '"eth7"'))
	done = checked(mix)
	check(done.returncode != 0 and "there is no interface eth7: name one that is there" in done.stderr,
		f"config check of a port that is not there: {done.stdout}{done.stderr}")
