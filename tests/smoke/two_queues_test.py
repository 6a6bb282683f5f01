#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""One neighbour's traffic over two queues loads both workers: an appliance sends from many UDP ports, so
that whatever spreads by flow spreads it."""
from _init import Lab, check, equal, report
from peer import GEO, QUICK, Books, Peer, hop, os, per_worker, sphinx, start

COUNT = 400

with Lab(network=QUICK) as lab, Peer(lab) as peer:
	first = lab.add("mix1", "mix", 1, setup=peer.known)
	second = lab.add("mix2", "mix", 2, setup=peer.known, queues=2, workers=2)
	start(lab)
	books = Books(second, besides=["to_kernel"])  # appliances find each other by ARP
	here = peer.nodes[4]
	path = [hop(first), hop(second), sphinx.Hop(here.id, here.public, recipient=bytes(32))]
	for _ in range(COUNT):
		# Mixes don't look into a payload, so any bytes do.
		header, _ = sphinx.make_header(GEO, path)
		# All of the peer's frames are one flow.
		peer.send(peer.frame(first, header + os.urandom(GEO.packet - GEO.header)))
	books.moves("packets forwarded", {
		"rx": 1, "tx": 1, "from mix1": 1, "to peer4": 1, "replay_count": 1, "owed_us": 1, "given_us": 1,
		"late_ns": 1}, times=COUNT)
	books.close()
	share = per_worker(second, "rx")
	print("packets of each worker:", share)
	for worker, packets in share.items():
		check(packets >= COUNT // 10, f"worker {worker} took {packets} of {COUNT} packets")
	ports = {port for _, source, port, _ in peer.received() if source == second.ip4}
	check(len(ports) > 32, f"the appliance sends from {len(ports)} UDP ports")
	equal(report.links(lab), [{"from": "mix1", "to": "mix2", "tx": COUNT, "rx": COUNT}], "links")
