#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""The peer of a worker with encrypted links, written from the description of the wire alone: what it seals
the worker opens, what the worker seals it opens, packets pass whole, and what is no good is dropped under
its name.

usage: link_check.py LINK_PIPE
"""
import os
import pathlib
import struct
import subprocess
import sys

TESTS = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TESTS / "link_ref"), str(TESTS / "sphinx_ref")]
import link_ref as link  # noqa: E402
import sphinx_ref as sphinx  # noqa: E402

GEO = sphinx.GEOMETRIES["mtu"]
EPOCH = 0xC7  # low byte of that of the worker's mix key
WINDOW = 8192
REJECT = 1 << 31  # counters from here on, as the pipe installs sessions


def same(got, wanted, what):
	if got != wanted:
		raise AssertionError(f"{what}: {got!r}, should be {wanted!r}")


class Session(link.Session):
	"""One session as the peer holds it; 'workers' of ours send."""

	def __init__(self, their_base, our_base, workers):
		super().__init__(os.urandom(32), os.urandom(32), their_base, our_base, GEO.packet)
		self.workers = workers
		self.seen = -1

	def open(self, payload):
		"""The text of a frame of the other side, whose counters must come one after the other."""
		same(len(payload), GEO.packet + 32, "length of a frame")
		kind, index, counter = struct.unpack(">B3xIQ", payload[:16])
		same((kind, payload[1:4], index), (link.DATA, bytes(3), self.rx_index), "header of a frame")
		same(counter, self.seen + 1, "counter")
		self.seen = counter
		return super().open(payload)


class Pipe:
	"""The worker on the other side."""

	def __init__(self, program):
		self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
		self.mix_key = bytes.fromhex(self.line("self"))
		self.id, self.next_key = (bytes.fromhex(self.line(what)) for what in ("next", "next_key"))

	def line(self, what):
		# The rig logs to the same terminal, never to this pipe.
		word, _, rest = self.process.stdout.readline().strip().partition(" ")
		same(word, what, "what the worker says")
		return rest

	def command(self, text, answer):
		self.process.stdin.write(text + "\n")
		self.process.stdin.flush()
		return self.line(answer)

	def install(self, s):
		same(self.command(
			f"session {s.tx_index:x} {s.rx_index:x} {s.workers:x} {s.tx_key.hex()} {s.rx_key.hex()}",
			"status"), "0", "installation")

	def put(self, payload, answer):
		return self.command(f"put {payload.hex()}", answer)

	def close(self):
		self.process.stdin.close()
		same(self.process.wait(), 0, "exit code of the worker")


def packet_for(pipe):
	"""A packet over the worker to us, and what has to come out of it there."""
	path = [sphinx.Hop(os.urandom(32), pipe.mix_key), sphinx.Hop(pipe.id, pipe.next_key, recipient=bytes(32))]
	packet, keys = sphinx.wrap_with_keys(GEO, path, os.urandom(GEO.payload_len))
	return packet, sphinx.unwrap_with_keys(GEO, keys[0], packet).packet


def forwards(pipe, s):
	"""Packets under all our sub-sessions come back as they must, with kind and epoch as they came."""
	for worker in range(s.workers):
		for _ in range(4):
			packet, wanted = packet_for(pipe)
			sent = pipe.put(s.seal(bytes([link.SPHINX, EPOCH]) + packet[2:], worker), "sent")
			text = s.open(bytes.fromhex(sent))
			same(text[:2], bytes([link.SPHINX, EPOCH]), "kind and epoch")
			same(bytes(2) + text[2:], wanted, "packet for the next hop")


def controls(pipe, s):
	"""NOTHING and NOTICE both ways."""
	text = s.open(bytes.fromhex(pipe.command(f"nothing {s.tx_index:x}", "sent")))
	same(text, bytes(GEO.packet), "NOTHING")
	words = os.urandom(1280)
	text = s.open(bytes.fromhex(pipe.command(f"notice {s.tx_index:x} {words.hex()}", "sent")))
	same(text, (struct.pack(">BBH", link.NOTICE, 0, len(words)) + words).ljust(GEO.packet, b"\0"), "NOTICE")
	pipe.put(s.seal(bytes(GEO.packet)), "answered")


def refuses(pipe, s):
	"""Frames that are no good, each under its name; none of them harms the good one after it."""
	packet, wanted = packet_for(pipe)
	good = s.seal(bytes([link.SPHINX, EPOCH]) + packet[2:])
	for bit in range(0, 8 * len(good), 97):
		bad = bytearray(good)
		bad[bit // 8] ^= 1 << bit % 8
		if bit // 8 in (0, 1, 2, 3):
			reason = "link_frame"
		elif bit // 8 in range(4, 8) or int.from_bytes(bad[8:16], "big") >= REJECT:
			reason = "link_session"  # another index, or a counter beyond all
		else:
			reason = "link_tampered"
		same(pipe.put(bytes(bad), "dropped"), reason, f"bit {bit} flipped")
	foreign = Session(s.tx_index, s.rx_index, s.workers)
	same(pipe.put(foreign.seal(bytes(GEO.packet), counter=100000), "dropped"), "link_tampered", "another key")
	same(pipe.put(good[:-1], "dropped"), "undersize", "truncated")
	same(pipe.put(good + b"\0", "dropped"), "oversize", "longer")
	sent = pipe.put(good, "sent")
	same(bytes(2) + s.open(bytes.fromhex(sent))[2:], wanted, "the good one")
	same(pipe.put(good, "dropped"), "link_replay", "again")
	same(pipe.put(s.seal(bytes([3]).ljust(GEO.packet, b"\0")), "dropped"), "link_frame", "unknown kind")


def window(pipe, s):
	"""The window is that of one sub-session, and exactly as long as agreed."""
	nothing = bytes(GEO.packet)
	start, other = s.counter[0], s.counter[1]
	far = start + 3 * WINDOW
	for counter, answer in ((far, "answered"), (far - WINDOW, "answered"), (start, "link_old"),
			(far - WINDOW - 1, "link_old"), (far - WINDOW, "link_replay"), (far, "link_replay"),
			(far - 1, "answered"), (far - 1, "link_replay"), (far + 1, "answered")):
		text = s.seal(nothing, counter=counter)
		if answer == "answered":
			pipe.put(text, answer)
		else:
			same(pipe.put(text, "dropped"), answer, f"counter {counter - far} from the highest")
	pipe.put(s.seal(nothing, sub=1, counter=other), "answered")
	s.counter[0], s.counter[1] = far + 2, other + 1


def keys_differ(pipe, s):
	"""A frame of one sub-session is none of another."""
	frame = bytearray(s.seal(bytes(GEO.packet), sub=1))
	frame[7] ^= 3  # of worker 2
	same(pipe.put(bytes(frame), "dropped"), "link_tampered", "under another sub-session")
	try:
		s.open(s.seal(bytes(GEO.packet)))
	except (AssertionError, link.Refused):
		return
	raise AssertionError("the directions have one key")


pipe = Pipe(sys.argv[1])
try:
	first = Session(0xABCDE << 18 & 0xFFFC0000 | 5 << 6, 0x12345 << 6, 4)
	pipe.install(first)
	for part in (forwards, controls, refuses, window, keys_differ, forwards):
		part(pipe, first)
	second = Session(first.tx_index + 64, 0x54321 << 6, 1)
	pipe.install(second)
	forwards(pipe, second)
	pipe.put(first.seal(bytes(GEO.packet)), "answered")  # the old one goes on receiving
except Exception:
	pipe.process.kill()
	raise
pipe.close()
print("frames of an independent peer are opened, and opened by it, or dropped under their names")
