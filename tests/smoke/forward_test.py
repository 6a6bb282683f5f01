#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Packets made by the second implementation are forwarded byte for byte as that one unwraps them, and
delivered where their path ends."""
import base64

from _init import Lab, equal, wait_for
from peer import DELIVERED, FORWARDED, GEO, QUICK, Books, hop, played, sphinx

COUNT = 20

with Lab(network=QUICK) as lab:
	mix, peer = played(lab)
	with peer:
		books = Books(mix)
		made = [peer.make(mix) for _ in range(COUNT)]
		# The appliance takes a packet from any UDP source port.
		for number, (packet, _) in enumerate(made):
			peer.send(peer.frame(mix, packet, source_port=40000 + 7 * number))
		books.moves("packets forwarded", FORWARDED, times=COUNT)

		came = wait_for("all packets back", lambda: len(peer.received()) == COUNT and peer.received())
		equal({source for _, source, _, _ in came}, {mix.ip4}, "source address")
		equal(sorted(packet for _, _, _, packet in came), sorted(wanted for _, wanted in made), "packets")
		# They really are this node's: it can open them with its own key.
		for packet in peer.packets():
			equal(sphinx.unwrap(GEO, peer.nodes[4].private, packet).action, "deliver", "end of the path")

		# flags, reserved, length, text, and zeros to the end: the one message of one packet.
		letter = (b"\0\0\0\5" + b"hello").ljust(GEO.payload_len, b"\0")
		packet = sphinx.wrap(GEO, [hop(mix, recipient=bytes(32))], letter)
		peer.send(peer.frame(mix, packet))
		books.moves("a packet delivered", DELIVERED, "messages received")
		messages = mix.rest.get("/v1/messages")["messages"]
		equal([base64.b64decode(message["data"]) for message in messages], [b"hello"], "messages")
		books.close()
