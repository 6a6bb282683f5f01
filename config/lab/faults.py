# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""What goes wrong between the nodes of a lab: frames that get lost on their way through the switch, by
chance or because somebody keeps them away. nftables on the bridge; gone with the switch's namespace."""
import json
import subprocess

import netns

TABLE = "faults"


class Faults:
	"""Of one lab. Every call holds until clear()."""

	def __init__(self, switch):
		self.netns = switch.netns
		self._nft(f"add table bridge {TABLE}")
		self._nft(f"add chain bridge {TABLE} way {{ type filter hook forward priority 0; }}")

	def _nft(self, *commands):
		done = subprocess.run(
			netns.command(self.netns, ["nft", "-f", "-"]), input="\n".join(commands) + "\n",
			capture_output=True, text=True)
		if done.returncode:
			raise OSError(f"nft: {done.stderr.strip()}")

	def _rule(self, match):
		self._nft(f"add rule bridge {TABLE} way {match} counter drop")

	def loss(self, percent, port=None):
		"""Lose so many UDP datagrams of a hundred, each by chance alone, on every link; with 'port' (an int)
		those to that port only."""
		if not 0 < percent < 100:
			raise ValueError(f"{percent} % is no loss that leaves something")
		where = f"udp dport {port} " if port else "meta l4proto udp "
		self._rule(f"{where}numgen random mod 10000 < {round(percent * 100)}")

	def block(self, source, destination):
		"""Nothing of 'source' reaches 'destination' any more (IPv4 addresses)."""
		self._rule(f"ip saddr {source} ip daddr {destination}")

	def block_all_but(self, sources, destination, port):
		"""Datagrams to UDP 'port' of 'destination' get there from 'sources' (addresses) only."""
		self._rule(f"ip saddr != {{ {', '.join(sources)} }} ip daddr {destination} udp dport {port}")

	def clear(self):
		self._nft(f"flush chain bridge {TABLE} way")

	def lost(self):
		"""Frames that the rules of now have taken."""
		out = subprocess.run(
			netns.command(self.netns, ["nft", "-j", "list", "chain", "bridge", TABLE, "way"]),
			capture_output=True, text=True, check=True).stdout
		return sum(
			part["counter"]["packets"]
			for entry in json.loads(out)["nftables"] for part in entry.get("rule", {}).get("expr", [])
			if "counter" in part)
