#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""IPv4 and IPv6, without a VLAN tag and with one: packets come and go over each, and what carries another
tag isn't ours."""
import struct

from _init import Lab, check, equal, wait_for
from peer import QUICK, Books, Peer, counted, ethernet, ip, mac_of, show, start, udp

VLAN = 7
UDP, FRAGMENT_HEADER = 17, 44
EARLY_OFF = {"filter": {"early_drop": False}}  # what it drops is the worker's to name here


def tagged_port(node):
	"""A port on a VLAN that the kernel needn't know: then its neighbours stand in the config."""
	node.options["config"] = {**EARLY_OFF, "ports": [{
		"name": "eth0", "device": "eth0", "vlan": VLAN, "addresses": [node.ip4, node.ip6],
		"neighbours": [{"address": address, "mac": show(peer.mac)} for address in (peer.ip4, peer.ip6, plain.ip6)],
	}]}


def forwards(node, books, vlan):
	for came in (4, 6):
		for goes in (4, 6):
			packet, wanted = peer.make(node, family=goes)
			peer.send(peer.frame(node, packet, family=came, vlan=vlan))
			books.moves(f"IPv{came} to IPv{goes} on {node.name}", {
				"rx": 1, f"from peer{came}": 1, "tx": 1, f"to peer{goes}": 1, "replay_count": 1, "owed_us": 1,
				"given_us": 1, "late_ns": 1})
			wait_for("the packet", lambda wanted=wanted: wanted in peer.packets())
			source = node.ip4 if goes == 4 else node.ip6
			equal([parts[:2] for parts in peer.received() if parts[3] == wanted], [(vlan, source)], "tag and source")


def passes_on(node, books, **options):
	"""A frame that is not for the data plane."""
	before = counted(node)["to_kernel"]
	peer.send(peer.frame(node, peer.make(node)[0], **options))
	wait_for("a frame to the kernel", lambda: counted(node)["to_kernel"] > before)
	books.stand(f"{options} on {node.name}")


def malformed(node, books):
	"""What IPv6 has of its own."""
	packet, here, there = peer.make(node)[0], peer.mac, mac_of(node.netns, "eth0")
	datagram = udp(peer.ip6, node.ip6, packet)
	first = struct.pack("!BBHI", UDP, 0, 1, 99)  # more to come
	later = struct.pack("!BBHI", UDP, 0, 100 << 3, 99)
	seen, unseen = {"rx": 1, "drops": 1, "from peer6": 1}, {"rx": 1, "drops": 1}
	for what, frame, reason, parts in (
		("no UDP checksum", peer.frame(node, packet, 6, udp={"no_checksum": True}), "udp_checksum", seen),
		("wrong UDP checksum", peer.frame(node, packet, 6, udp={"break_checksum": True}), "udp_checksum", seen),
		("length beyond the frame", peer.frame(node, packet, 6, length=8 + len(packet) + 1), "frame_truncated", unseen),
		("first fragment",
			ethernet(there, here, ip(peer.ip6, node.ip6, first + datagram, FRAGMENT_HEADER)), "fragment", unseen),
	):
		peer.send(frame)
		books.moves(what, parts, reason)
	peer.send(ethernet(there, here, ip(peer.ip6, node.ip6, later + datagram, FRAGMENT_HEADER)))
	books.stand("a later fragment")


# The kernel finds its IPv6 neighbours by neighbour discovery, which it sees as it isn't for us.
with Lab(ipv6=True, network=QUICK) as lab, Peer(lab, ipv6=True) as peer:
	plain = lab.add("mix1", "mix", 1, config=EARLY_OFF)
	tagged = lab.add("mix2", "mix", 1, setup=tagged_port, config=EARLY_OFF)
	start(lab)
	for node, vlan in ((plain, 0), (tagged, VLAN)):
		books = Books(node, besides=["to_kernel"])
		forwards(node, books, vlan)
		if not vlan:
			malformed(node, books)
			passes_on(node, books, vlan=VLAN)
		else:
			passes_on(node, books, vlan=0)
			passes_on(node, books, vlan=VLAN + 1, family=6)
		books.close()
	check(len(peer.packets()) == 8, "eight packets on the wire")
