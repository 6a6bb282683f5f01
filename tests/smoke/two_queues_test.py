#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""One neighbour's traffic over two queues loads both workers: an appliance sends from many UDP ports, so
that whatever spreads by flow spreads it. With encrypted links every worker sends under a sub-session of its
own, and each of them spreads so."""
import struct

import rss
from _init import ROOT, Lab, Traffic, check, encrypted, equal, netns, report
from peer import GEO, MIX_PORT, QUICK, Books, Peer, hop, os, per_worker, sphinx, start, taken_apart

COUNT = 400
MESSAGES_MIN, MESSAGES_MAX = 400, 4000
LEAST = 100  # packets by which a worker has taken part: enough to tell halves from a third
DATA = 4  # type of a link's frame
SUB_SESSIONS = 64  # of a session: the low bits of an index say which sending worker's it is
TWO = {"queues": 2, "workers": 2}


def plain():
	with Lab(network=QUICK) as lab, Peer(lab) as peer:
		first = lab.add("mix1", "mix", 1, setup=peer.known)
		second = lab.add("mix2", "mix", 2, setup=peer.known, **TWO)
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


def part_of_workers(node, key, name):
	"""Packets to or from the node of that name, of each worker."""
	return [sum(peer[key] for peer in worker["peers"] if peer["name"] == name) for worker in report.workers(node)]


def queues_of_workers(frames, sender, receiver):
	"""How many frames each sending worker has for each of the receiver's two queues, as a NIC would see it."""
	found = {}
	for _, data in frames:
		parts = taken_apart(data)
		if parts is None or parts[1] != sender.ip4 or data[30:34] != netns.socket.inet_aton(receiver.ip4):
			continue
		_, source, port, payload = parts
		kind, index = struct.unpack_from("!B3xI", payload)
		if kind != DATA:
			equal(port, MIX_PORT, "source port of a handshake")
			continue
		queue = rss.queue_of(source, port, receiver.ip4, MIX_PORT, 2)
		found.setdefault(index % SUB_SESSIONS, [0, 0])[queue] += 1
	return found


def linked():
	"""Both workers of the mix send to the service, and both of the service's take; and each of the mix's reaches
	both queues by a NIC's own measure, which is not the one by which the kernel spreads frames here."""
	captures = []
	with Lab(network={**encrypted(), **QUICK}) as lab:
		lab.add("gateway", "gateway", **TWO)
		mix = lab.add("mix1", "mix", 1, **TWO,
			setup=lambda node: captures.append(netns.Capture(lab.switch.netns, node.switch_port)))
		service = lab.add("service", "service", **TWO)
		lab.start()

		def parts():
			return part_of_workers(mix, "tx", "service"), part_of_workers(service, "rx", "mix1")
		with captures[0] as capture:
			traffic = Traffic(lab["gateway"].rest, service.rest, "service", (ROOT / "LICENSE").read_bytes(), MESSAGES_MIN)
			traffic.run(enough=lambda: min(sum(parts(), [])) >= LEAST or len(traffic.sent) >= MESSAGES_MAX)
			equal((traffic.lost, traffic.corrupted), (0, 0), "messages lost and corrupted")
			check(report.rest_of(lab), "traffic doesn't come to rest")
		sent, taken = parts()
		print("sent by each worker of the mix, taken by each of the service's:", sent, taken)
		check(len(sent) == len(taken) == 2 and min(sent + taken) >= LEAST, "not all workers take part")
		spread = queues_of_workers(capture.frames, mix, service)
		print("frames of each worker of the mix for each queue of the service:", spread)
		equal(sorted(spread), [0, 1], "workers of the mix that send")
		for worker, queues in spread.items():
			check(sum(queues) >= LEAST and 0.3 <= queues[0] / sum(queues) <= 0.7,
				f"worker {worker} of the mix sends {queues} frames to the two queues")


rss.verify()
plain()
linked()
