#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""A flood of forged initiations at a mix, from made-up addresses and half of them with a right MAC1: meanwhile all
sessions are replaced again and again within three tries, no message is lost, and every forged frame is counted."""
import os
import random
import socket
import struct
import sys
import threading
import time
from collections import Counter

from _init import ROOT, SANITIZED, Lab, check, drops, encrypted, equal, moved, netns, report, wait_for
from peer import GEO, MIX_PORT, ethernet, ip, mac_of, udp
from steady import Steady, three

sys.path.insert(0, str(ROOT / "tests" / "link_ref"))
import link_ref as ref  # noqa: E402

PACE = 4_000 if SANITIZED else 20_000  # a second at most; under ASan a worker is so much slower
FRAMES = 5 * PACE
DISTINCT = 4000  # of them; they differ in source, index and all random bytes
INITIATION_LEN = 224  # up to the end of MAC2
MAC = 16
TRIES_MAX = 3
REKEYS_MIN = 3


def initiation(link_key, right):
	"""Nothing but noise, with a MAC1 that is right or not; no MAC2."""
	body = struct.pack("!B3sIQ", 1, bytes(3), random.getrandbits(32), 0) + os.urandom(INITIATION_LEN - 16 - 2 * MAC)
	body = ref.macs(body, link_key) if right else body + os.urandom(MAC) + bytes(MAC)
	return body + os.urandom(GEO.packet + ref.OVERHEAD - len(body))


def forged(node, space):
	"""Frames from addresses of nobody, right and wrong in turn."""
	key = bytes.fromhex(node.status["link_key"])
	to, source = mac_of(node.netns, "eth0"), mac_of(space, "eth0")
	for i in range(DISTINCT):
		address = f"10.91.{random.randrange(1, 255)}.{random.randrange(1, 255)}"
		datagram = udp(address, node.ip4, initiation(key, i % 2 == 0), random.randrange(1024, 65536), MIX_PORT)
		yield ethernet(to, source, ip(address, node.ip4, datagram))


class Flood:
	def __init__(self, space, frames):
		def make():
			sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
			sock.bind(("eth0", 0))
			return sock
		self.sock, self.frames = netns.inside(space, make), frames
		self.sent, self.error = 0, None
		self.thread = threading.Thread(target=self.run)

	def run(self):
		begin = time.monotonic()
		try:
			while self.sent < FRAMES:
				if self.sent % 100 == 0:
					time.sleep(max(0, begin + self.sent / PACE - time.monotonic()))
				self.sock.send(self.frames[self.sent % DISTINCT])
				self.sent += 1
			self.seconds = time.monotonic() - begin
		except OSError as error:  # shown by the caller
			self.error = error


def links(node):
	return node.rest.get("/v1/links")


class Rekeys:
	"""Sessions of all nodes replaced in turn; the most tries that any handshake took."""

	def __init__(self, lab):
		self.lab, self.tries, self.rounds = lab, 0, 0

	def look(self):
		for node in self.lab:
			for entry in links(node)["links"]:
				if entry["class"] == "node":
					self.tries = max(self.tries, entry["tries"])

	def round(self):
		begin = time.monotonic()
		# Not the flooded mix: its own initiations would go where no flood is.
		for name in ("gateway", "service"):
			self.lab[name].fogctl("links", "rekey")

		def replaced():
			self.look()
			elapsed_ms = (time.monotonic() - begin) * 1000
			return all(entry["age_ms"] is not None and entry["age_ms"] < elapsed_ms
				for node in self.lab for entry in links(node)["links"] if entry["class"] == "node")
		wait_for("new sessions of everybody", replaced, self.lab.patience_s)
		self.rounds += 1


def judge(lab, mix, before):
	"""Each forged frame ended where it has to, nothing else was dropped anywhere."""
	for node in lab:
		change = moved(before[node], drops(node))
		other = {reason: n for reason, n in change.items() if not reason.startswith("handshake_")}
		equal(other, {}, f"other drops of {node.name}")
	change = Counter(moved(before[mix], drops(mix)))
	print(f"dropped at the mix: {dict(change)}")
	equal(change["handshake_mac"], FRAMES // 2, "initiations without a right MAC1")
	# Before the flood is noticed some reach the control plane, which can't decrypt them; genuine
	# initiations under load are answered with a cookie too, and counted so.
	passed = links(mix)["handshakes"]["malformed"]
	held = change["handshake_cookie"] + change["handshake_rate"]
	check(passed < 1000, f"{passed} forged initiations reached the control plane")
	check(FRAMES // 2 <= held + passed <= FRAMES // 2 + 200, f"{held} held back and {passed} passed of {FRAMES // 2}")


def main():
	with Lab(network=encrypted()) as lab:
		space, _, _ = lab.add_host("flood", 200)
		three(lab)
		for node in lab:
			wait_for(f"links of {node.name}", node.linked, lab.patience_s, alive=node.check_alive)
		mix = lab["mix1"]
		flood, rekeys, before = Flood(space, list(forged(mix, space))), Rekeys(lab), {node: drops(node) for node in lab}
		with Steady(lab) as steady:
			steady.more(20)
			flood.thread.start()
			try:
				while flood.thread.is_alive():
					rekeys.round()
			finally:
				flood.thread.join()
			equal((flood.error, flood.sent), (None, FRAMES), "error of the flood, and frames sent")
			print(f"{flood.sent} forged initiations in {flood.seconds:.1f} s; all sessions replaced "
				f"{rekeys.rounds} times, {rekeys.tries} tries at most")
			steady.arrive()
			print(f"{steady.sent} messages and replies arrived")
		check(rekeys.rounds >= REKEYS_MIN, f"sessions replaced {rekeys.rounds} times, {REKEYS_MIN} are needed")
		check(rekeys.tries <= TRIES_MAX, f"a handshake took {rekeys.tries} tries")
		check(report.rest_of(lab), "traffic doesn't come to rest")
		judge(lab, mix, before)
		for node in lab:
			for worker in node.rest.get("/v1/workers")["workers"]:
				equal(worker["accounting_gap"], 0, f"gap in the books of {node.name}")
		equal(len(links(mix)["links"]), 2, "links of the mix")


if __name__ == "__main__":
	main()
