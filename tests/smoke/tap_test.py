#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""A port without a kernel (`driver: dpdk`, here on net_tap): the worker itself sorts out what isn't for
it, and finds its neighbours in the config."""
import struct

from _init import Lab, equal, skip, wait_for
from peer import DROPPED, FORWARDED, QUICK, Books, Peer, counted, ethernet, ip, mac_of, os, quiet, start, udp

NEIGHBOUR = "02:00:00:00:00:64"
MORE_FRAGMENTS = 0x2000
ARP = b"\x08\x06"

if not os.path.exists("/dev/net/tun"):
	skip("needs tap devices (/dev/net/tun, CONFIG_TUN)")

with Lab(network=QUICK) as lab, Peer(lab) as peer:
	mix = lab.add("mix1", "mix", 1, setup=lambda node: quiet(node.netns))
	mix.options["config"] = {"ports": [{
		"name": "tap", "driver": "dpdk", "device": "net_tap0,iface=fog0", "addresses": [mix.ip4],
		"neighbours": [{"address": peer.ip4, "mac": NEIGHBOUR}],
	}]}
	start(lab)
	# The other end of the wire is the tap's own interface.
	peer.open(mix.netns, "fog0")
	# Its one address is announced twice.
	wait_for("announcements", lambda: counted(mix)["made"] == 2)
	books = Books(mix)

	packet, wanted = peer.make(mix)
	peer.send(peer.frame(mix, packet))
	books.moves("a packet forwarded", FORWARDED)
	equal(wait_for("the packet", peer.packets), [wanted], "packet on the wire")
	came = [data for _, outgoing, data in peer.wire.frames if not outgoing and data[12:14] != ARP]
	equal([data[:6].hex(":") for data in came], [NEIGHBOUR], "to")

	here = mac_of(mix.netns, "fog0")
	arp = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + here + bytes([10, 91, 0, 100]) + bytes(6) + bytes([10, 91, 0, 1])
	at_ip = {"rx": 1, "drops": 1}  # not to our address and port: its source does not count
	for what, frame, reason, parts in (
		("another port", peer.frame(mix, packet, udp={"port": 9002}), "udp_port", at_ip),
		("another address", peer.frame(mix, packet, to="10.91.0.99"), "not_our_address", at_ip),
		("an ARP question", ethernet(b"\xff" * 6, here, arp, ethertype=0x0806), "ethertype", at_ip),
		("a first fragment", peer.frame(mix, packet, fragment=MORE_FRAGMENTS), "fragment", DROPPED),
		("a later fragment", peer.frame(mix, packet, fragment=100), "fragment", at_ip),
		("no UDP", ethernet(here, here, ip(peer.ip4, mix.ip4, udp(peer.ip4, mix.ip4, packet), protocol=132)),
			"not_udp", at_ip),
		("a VLAN tag", peer.frame(mix, packet, vlan=5), "vlan", at_ip),
		("no headers at all", ethernet(here, here, b"\x45" + bytes(18)), "frame_truncated", at_ip),
		("its copy, after all this", peer.frame(mix, packet), "replay", DROPPED),
	):
		peer.send(frame)
		books.moves(what, parts, reason)
	books.close()
