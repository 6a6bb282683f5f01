#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Two copies of a packet reach two workers at the same moment: exactly one of them gets through."""
import os
import signal

from _init import Lab, equal, moved, skip, wait_for
from peer import DROPPED, FORWARDED, GEO, QUICK, Books, per_worker, played, port_of_queue, sphinx

ROUNDS, PAIRS = 5, 200

if len(os.sched_getaffinity(0)) < 2:
	skip("needs two CPUs, for two workers at the same moment")

with Lab(network=QUICK) as lab:
	mix, peer = played(lab, queues=2, workers=2)
	with peer:
		ports = [port_of_queue(peer, mix, queue) for queue in range(2)]
		books = Books(mix)
		start = {key: per_worker(mix, key) for key in ("rx", "tx")}
		for number in range(ROUNDS):
			made = [sphinx.make_header(GEO, peer.way(mix))[0] for _ in range(PAIRS)]
			# Mixes don't look into a payload, so any bytes do.
			made = [header + os.urandom(GEO.packet - GEO.header) for header in made]
			# Both workers find all copies waiting when the data plane goes on.
			mix.processes["data"].send_signal(signal.SIGSTOP)
			for packet in made:
				for port in ports:
					peer.send(peer.frame(mix, packet, source_port=port))
			mix.processes["data"].send_signal(signal.SIGCONT)
			books.moves(f"round {number}: one of two copies", FORWARDED, DROPPED, "replay", times=PAIRS)
		seen = moved(start["rx"], per_worker(mix, "rx"))
		equal(seen, {0: ROUNDS * PAIRS, 1: ROUNDS * PAIRS}, "copies seen by each worker")
		wait_for("all packets", lambda: len(peer.packets()) >= ROUNDS * PAIRS)
		equal(len(peer.packets()), ROUNDS * PAIRS, "packets that got through")
		equal(len(set(peer.packets())), ROUNDS * PAIRS, "different packets that got through")
		books.close()
		print("copies that won, by worker:", moved(start["tx"], per_worker(mix, "tx")))
