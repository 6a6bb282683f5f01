#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Everything that can be wrong with a packet is dropped under its own name; what isn't for us goes on
to the kernel and touches no book."""
import os
import struct

from _init import Lab, equal
from peer import DROPPED, GEO, QUICK, Books, ethernet, hop, ip, mac_of, played, sphinx, udp

EACH = 3
MORE_FRAGMENTS = 0x2000
LOW_ORDER = [bytes(32), b"\1" + bytes(31), (sphinx.P25519 - 1).to_bytes(32, "little")]
DELAY = b"\x80" + bytes(4)
CLAIMED = {"replay_count": 1}  # its MAC was right, so it can't come again


def with_commands(mix, commands):
	"""A packet whose slot for 'mix' holds these bytes, and the MAC is right."""
	return sphinx.wrap(GEO, [hop(mix, raw_commands=commands)], os.urandom(GEO.payload_len))


def changed(packet, at, to=None):
	return packet[:at] + (to if to is not None else bytes([packet[at] ^ 0x55])) + packet[at + len(to or b"x"):]


def packets(peer, mix):
	"""(reason, how many claims, one function that makes such a packet)."""
	def good():
		return peer.make(mix)[0]
	stranger = sphinx.Hop(os.urandom(32), sphinx.Node().public, recipient=bytes(32))
	return [
		("undersize", 0, lambda number: good()[:-1 - 700 * number]),
		("oversize", 0, lambda number: good() + bytes(1 + number)),
		("bad_prefix", 0, lambda number: changed(good(), number % 2)),
		("zero_secret", 0, lambda number: changed(good(), 2, LOW_ORDER[number])),
		("bad_mac", 0, lambda number: changed(good(), [GEO.header - 1, 40, 3][number])),
		("unknown_command", 1, lambda number: with_commands(mix, [b"\x7f", DELAY * 2, DELAY + b"\xff"][number])),
		("truncated_command", 1,
			lambda number: with_commands(mix, DELAY + b"\2" + bytes(32) + [b"\1", b"\1\1", b"\1ab"][number])),
		("bad_padding", 1,
			lambda number: with_commands(mix, (b"\2" + bytes(33 + 7 * number)) + b"\1")),
		("no_destination", 1, lambda number: with_commands(mix, DELAY * (number % 2))),
		("bad_payload_tag", 1, lambda number: changed(
			sphinx.wrap(GEO, [hop(mix, recipient=bytes(32))], bytes(GEO.payload_len)), [GEO.packet - 1, 700, GEO.header][number])),
		("unknown_next_hop", 1, lambda number: sphinx.wrap(GEO, [hop(mix), stranger], bytes(GEO.payload_len))),
	]


def frames(peer, mix):
	"""what -> (reason, frame with a good packet and a bad header)."""
	def bad(**options):
		return peer.frame(mix, peer.make(mix)[0], **options)
	whole = bad()
	return {
		"frame without its last byte": ("frame_truncated", whole[:-1]),
		"frame cut short": ("frame_truncated", whole[:60]),
		"IP length beyond the frame": ("frame_truncated", bad(length=1437)),
		"UDP length beyond the IP packet": ("frame_truncated", bad(udp={"length": 1417})),
		"UDP length below its header": ("frame_truncated", bad(udp={"length": 7})),
		"IPv4 header checksum": ("ip_header", bad(break_checksum=True)),
		"IPv4 length below its header": ("ip_header", bad(length=19)),
		"first fragment": ("fragment", bad(fragment=MORE_FRAGMENTS)),
		"UDP checksum": ("udp_checksum", bad(udp={"break_checksum": True})),
	}


def not_ours(peer, mix):
	packet, here, there = peer.make(mix)[0], peer.mac, mac_of(mix.netns, "eth0")
	arp = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 2) + here + bytes([10, 91, 0, 250]) + there + bytes([10, 91, 0, 251])
	return {
		"another port": peer.frame(mix, packet, udp={"port": 9002}),
		"another address": peer.frame(mix, packet, to="10.91.0.99"),
		"a later fragment": peer.frame(mix, packet, fragment=100),
		"the last fragment": peer.frame(mix, packet, fragment=MORE_FRAGMENTS | 100),
		"an ARP answer": ethernet(there, here, arp, ethertype=0x0806),
		"no UDP": ethernet(there, here, ip(peer.ip4, mix.ip4, udp(peer.ip4, mix.ip4, packet), protocol=132)),
		"a VLAN tag": peer.frame(mix, packet, vlan=5),
		"no headers at all": ethernet(there, here, b"\x45" + bytes(18)),
	}


with Lab(network=QUICK) as lab:
	# What the XDP program would drop early is the worker's to name here.
	mix, peer = played(lab, config={"filter": {"early_drop": False}})
	# The kernel drops what isn't for it, and says nothing about it.
	with peer:
		books = Books(mix)
		for reason, claims, make in packets(peer, mix):
			for number in range(EACH):
				peer.send(peer.frame(mix, make(number)))
			books.moves(reason, DROPPED, reason, CLAIMED if claims else {}, times=EACH)
		for what, (reason, frame) in frames(peer, mix).items():
			peer.send(frame)
			# Behind a wrong address or length nobody can say who sent it.
			books.moves(what, {"rx": 1, "drops": 1}, reason, {"from peer4": 1} if "UDP" in what else {})
		for what, frame in not_ours(peer, mix).items():
			peer.send(frame)
			books.moves(what, {"to_kernel": 1})
		books.close()
		equal(peer.packets(), [], "packets that came through")
