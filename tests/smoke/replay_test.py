#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""A packet is accepted once: neither a copy of it nor a byte-different packet with the same keys gets
through a second time, whichever of them comes first."""
import os

from _init import Lab, equal
from peer import DROPPED, FORWARDED, GEO, QUICK, Books, played, sphinx


def forms(peer, mix):
	"""A packet, and what a malicious sender can make of it: other bytes, right MAC, same keys."""
	packet, keys = sphinx.wrap_with_keys(GEO, peer.way(mix), os.urandom(GEO.payload_len))
	found = {"copy": packet, **sphinx.aliases(GEO, packet, keys[0].mac)}
	# Bit 255 of the inverse as well.
	element = bytearray(found["inverse"][2:34])
	element[31] ^= 0x80
	found["both"] = sphinx.with_element(GEO, packet, bytes(element), keys[0].mac)
	equal(len(set(found.values())), 4, "different packets")
	return found


with Lab(network=QUICK) as lab:
	mix, peer = played(lab)
	with peer:
		books = Books(mix)
		for first in ("copy", "inverse", "bit255", "both"):
			found = forms(peer, mix)
			peer.send(peer.frame(mix, found[first]))
			books.moves(f"{first} first", FORWARDED)
			for second, packet in found.items():
				peer.send(peer.frame(mix, packet))
				books.moves(f"{second} after {first}", DROPPED, "replay")

		# Without the right MAC an alias is a forgery: it must not even be looked up.
		forged = bytearray(forms(peer, mix)["bit255"])
		forged[GEO.header - 1] ^= 1
		peer.send(peer.frame(mix, bytes(forged)))
		books.moves("an alias with a wrong MAC", DROPPED, "bad_mac")
		books.close()
