#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""A hostile control plane: whatever it says on dp.sock and writes into the rings, the mix forwards
every packet, hangs up on it, counts that, and works with an honest one afterwards."""
import errno
import fcntl
import mmap
import os
import random
import socket
import struct

import hostile
from _init import LONG, Lab, books, check, drops, equal, report, wait_for
from hostile import (BLOB_SEALS, CONFIG, CONTROL_PAGE, CONTROL_SEALS, DELIVER_TAIL, EPOCH, EVT_TAIL, FORWARD, HELLO,
	KEY_INSTALL, LINE, RING_EVT, RING_INJECT, RINGS, UNWRAP, Peer, half, memfd, noise)
from steady import SHORT, Steady, three

ROUNDS = 200 if LONG else 12
PACKET_LEN = 1408
COMMANDS, COMMAND_LEN = 6, 24  # the last enum fog_cmd_type; struct fog_cmd
LOG_LEVEL, TRACE_START, TRACE_STATE, TRACE = 3, 4, 5, 6
ALL_WORKERS = (1 << 32) - 1
KEPT = "for the next control plane"
GARBAGE = {"bad_prefix", "bad_mac", "zero_secret", "unknown_next_hop"}  # ends of injected noise
rng = random.Random(20260101)


def impossible(slots):
	"""An index that is none, seen from 0."""
	return rng.randrange(slots + 1, 1 << 32)


# What is wrong before the rings are there. Each gets a connection; the data plane has to hang up.

def talk_noise(peer):
	peer.send(noise(rng, 1))


def talk_noise_later(peer):
	peer.hello()
	peer.send(noise(rng, 1))


def talk_long(peer):
	peer.send(noise(rng, 5000, 60000))


def talk_wrong_magic(peer):
	peer.message(HELLO, struct.pack("=QII64s", 1, hostile.ABI, 0, b""))


def talk_wrong_abi(peer):
	peer.message(HELLO, struct.pack("=QII64s", hostile.MAGIC, 77, 0, b"\xff" * 64))


def talk_out_of_order(peer):
	peer.message(RINGS)


def talk_twice(peer):
	peer.hello()
	peer.hello()


def talk_surplus_fds(peer):
	peer.hello()
	peer.rings(lambda fds: fds.extend(os.dup(peer.stats_fd) for _ in range(rng.randint(1, 100))))


def talk_missing_fds(peer):
	peer.hello()
	peer.rings(lambda fds: os.close(fds.pop()))


def exchange(make):
	"""A conversation that is right, but for the descriptor of the inject ring."""
	def talk(peer):
		def change(fds):
			os.close(fds[1])
			fds[1] = make(peer)
		peer.hello()
		peer.rings(change)
	talk.__name__ = f"talk_{make.__name__}"
	return talk


def no_memfd(peer):
	read, write = os.pipe()
	os.close(write)
	return read


def a_socket(peer):
	return socket.socket().detach()


def read_only_stats(peer):
	return os.dup(peer.stats_fd)


def unsealed(peer):
	return memfd(half(RING_INJECT, peer.inject_slots, peer.inject_size), 0)


def shrinkable(peer):
	return memfd(half(RING_INJECT, peer.inject_slots, peer.inject_size), CONTROL_SEALS & ~fcntl.F_SEAL_SHRINK)


def too_small(peer):
	return memfd(half(RING_INJECT, peer.inject_slots, peer.inject_size)[:-1])


def too_large(peer):
	return memfd(half(RING_INJECT, peer.inject_slots * 2, peer.inject_size))


def other_kind(peer):
	return memfd(half(RING_EVT, peer.inject_slots, peer.inject_size))


def other_shape(peer):
	ring = bytearray(half(RING_INJECT, peer.inject_slots, peer.inject_size))
	struct.pack_into("=II", ring, 16, rng.getrandbits(32), rng.getrandbits(32))
	return memfd(ring)


TALKS = [
	talk_noise, talk_noise_later, talk_long, talk_wrong_magic, talk_wrong_abi, talk_out_of_order, talk_twice,
	talk_surplus_fds, talk_missing_fds, *map(exchange, [
		no_memfd, a_socket, read_only_stats, unsealed, shrinkable, too_small, too_large, other_kind, other_shape]),
]


# What is wrong in the rings of an attached peer.

def ring_inject_head(peer):
	peer.inject_head(impossible(peer.inject_slots))


def ring_inject_length(peer):
	peer.inject_slot(0, (1, UNWRAP, rng.randrange(peer.inject_size, 1 << 32)), noise(rng))
	peer.inject_head(1)


def ring_inject_short(peer):
	peer.inject_slot(0, (1, rng.choice([UNWRAP, FORWARD]), rng.randrange(PACKET_LEN)), noise(rng))
	peer.inject_head(1)


def ring_inject_type(peer):
	body = struct.pack("=32sII", bytes(32), EPOCH, PACKET_LEN) + rng.randbytes(PACKET_LEN)
	peer.inject_slot(0, (1, rng.randrange(3, 1 << 32), len(body)), body)
	peer.inject_head(1)


def ring_inject_inner_length(peer):
	body = struct.pack("=32sII", bytes(32), EPOCH, rng.randrange(PACKET_LEN + 1, 1 << 32)) + bytes(PACKET_LEN)
	peer.inject_slot(0, (1, UNWRAP, len(body)), body)
	peer.inject_head(1)


def ring_inject_noise(peer):
	for at in range(0, len(peer.inject[0]), 4096):
		end = min(at + 4096, len(peer.inject[0]))
		peer.inject[0][at:end] = rng.randbytes(end - at)
	peer.wake()


def ring_inject_flicker(peer):
	"""Lengths and types change while they are looked at."""
	for i in range(2000):
		peer.inject_slot(0, (1, i & 3, rng.choice([0, 40 + PACKET_LEN, 1 << 31])), b"")
		peer.inject_head(i)


def ring_command_head(peer):
	struct.pack_into("=I", peer.cmd, CONTROL_PAGE + LINE, impossible(peer.cmd_slots))


def ring_command_type(peer):
	peer.command((1, rng.randrange(COMMANDS + 1, 1 << 32), COMMAND_LEN))


def ring_command_length(peer):
	peer.command((1, 1, rng.choice([0, 8, COMMAND_LEN - 1, COMMAND_LEN + 1, 1 << 31])))


def ring_event_tail(peer):
	"""Shows when there is an event."""
	peer.tail(EVT_TAIL, impossible(peer.evt_slots))
	peer.command((1, 1, COMMAND_LEN), b"hello..!" + bytes(COMMAND_LEN - 8))


RINGS_BROKEN = [
	ring_inject_head, ring_inject_length, ring_inject_short, ring_inject_type, ring_inject_inner_length,
	ring_inject_noise, ring_inject_flicker, ring_command_head, ring_command_type, ring_command_length,
	ring_event_tail,
]


class Mix:
	"""The mix under attack."""

	def __init__(self, lab, traffic):
		self.lab, self.traffic, self.node = lab, traffic, lab["mix1"]
		self.path = self.node.run_dir / "dp.sock"
		self.hung_up = 0

	def forwards(self, count=10):
		"""Packets pass, now."""
		service = self.lab["service"]
		before = books(service)["delivered"]
		wait_for("packets through the mix", lambda: books(service)["delivered"] >= before + count,
			alive=self.alive)

	def alive(self):
		self.node.check_alive()
		self.traffic.alive()

	def peer(self):
		return Peer(self.path)

	def hangs_up(self, peer, what):
		check(peer.closed(), f"the data plane doesn't hang up: {what}")
		self.hung_up += 1
		self.alive()


def sealed(mix):
	"""The data plane's memory can't be written, by no way."""
	with mix.peer() as peer:
		peer.hello()
		for fd in (peer.stats_fd, peer.evt_fd, *peer.deliver_fds):
			for attempt in (
				lambda fd=fd: mmap.mmap(fd, 4096, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE),
				lambda fd=fd: os.pwrite(fd, b"x", 0),
				lambda fd=fd: os.ftruncate(fd, 0),
			):
				try:
					attempt()
				except PermissionError:
					continue
				raise AssertionError("the data plane's memory can be changed")


def talks(mix):
	for talk in TALKS:
		with mix.peer() as peer:
			try:
				talk(peer)
			except hostile.Gone:
				pass
			mix.hangs_up(peer, talk.__name__)
	mix.forwards()


def refusals(mix):
	"""Requests that are well made and wrong get an answer, and the connection stays."""
	with mix.peer() as peer:
		peer.attach()
		generation = peer.generation + 1
		blob = bytearray(noise(rng, 50000, 60000))
		struct.pack_into("=QIIx", blob, 0, hostile.MAGIC, hostile.ABI, len(blob))
		struct.pack_into("=Q", blob, 48, generation)
		peer.message(CONFIG, struct.pack("=Q", generation), [memfd(blob, BLOB_SEALS)])
		status, text = peer.ack()
		check(status < 0 and text, f"a blob of noise: {status} {text!r}")
		peer.message(KEY_INSTALL, struct.pack("=Q", 1) + rng.randbytes(96))
		status, text = peer.ack()
		check(status < 0 and text, f"a key that is no pair: {status} {text!r}")
		mix.forwards()
		check(peer.open(), "an honest mistake must not cost the connection")


def blobs(mix):
	for fd in (memfd(bytes(60000), CONTROL_SEALS), memfd(bytes(1 << 20), BLOB_SEALS), memfd(b"", BLOB_SEALS),
			os.open("/dev/zero", os.O_RDONLY)):
		with mix.peer() as peer:
			peer.attach()
			peer.message(CONFIG, bytes(8), [fd])
			mix.hangs_up(peer, "a blob that is none")


def broken_rings(mix):
	for i in range(ROUNDS):
		for attack in rng.sample(RINGS_BROKEN, len(RINGS_BROKEN)):
			with mix.peer() as peer:
				peer.attach()
				attack(peer)
				mix.hangs_up(peer, attack.__name__)
		if i % 4 == 0:
			mix.forwards()


def deliver_tail(mix):
	"""Shows when something is delivered."""
	with mix.peer() as peer:
		peer.attach()
		mix.forwards()  # so the worker has made a round since, and serves these rings
		peer.tail(DELIVER_TAIL, impossible(peer.deliver_slots))
		mix.lab["gateway"].rest.post("/v1/messages", {"to": "mix1", "path": ["mix1"], "text": "never seen"})
		mix.hangs_up(peer, "index of the delivery ring")


def packets_of_noise(mix):
	"""As a control plane may: they are dropped by the path, and the connection stays."""
	with mix.peer() as peer:
		peer.attach()
		for i in range(peer.inject_slots):
			prefix = rng.choice([b"", b"\0\0"])
			peer.inject_packet(i, (prefix + rng.randbytes(PACKET_LEN))[:PACKET_LEN],
				rng.choice([UNWRAP, FORWARD]), rng.randbytes(32))
		mix.forwards()
		check(peer.open(), "packets of noise are no fault of the ring")


def traces(mix):
	"""A trace of nonsense is refused, nobody reads one that is none, and it ends with who asked for it."""
	with mix.peer() as peer:
		peer.attach()
		wrong = [(0, 1, 1, 0), (1, 0, 1, 0), (1, 1, 0, 0), (1, 1, 1, 1), (1, 1, 1, 64), (1 << 31,) * 4,
			(1, 10001, 1, 0), (1, 1, 601, 0)]
		for i, arguments in enumerate(wrong):
			peer.commands(i, TRACE_START, i, *arguments)
		peer.commands(len(wrong), LOG_LEVEL, 0, rng.randrange(4, 1 << 32))
		answers = wait_for("refusals", lambda: len(got := peer.events()) >= len(wrong) and got, alive=mix.alive)
		equal([(kind, struct.unpack("=QII", body)) for kind, body in answers],
			[(TRACE_STATE, (i, 0, errno.EINVAL)) for i in range(len(wrong))], "refusals of traces")
		at = len(wrong) + 1
		peer.commands(at, TRACE_START, 77, 1, 10000, 600, ALL_WORKERS)
		peer.commands(at + 1, TRACE_START, 78, 1, 10000, 600, ALL_WORKERS)
		# The ring runs full, but for what is kept free for other events.
		wait_for("a ring full of records", lambda: len(peer.events()) >= peer.evt_slots - 32, alive=mix.alive)
		kinds = [kind for kind, _ in peer.events()]
		equal(kinds[len(wrong):len(wrong) + 2], [TRACE_STATE, TRACE_STATE], "one that begins, and one too many")
		equal(set(kinds[len(wrong) + 2:]), {TRACE}, "what comes behind")
		mix.forwards(50)
		equal(len(peer.events()), peer.evt_slots - 32, "records in a ring that nobody reads")
		check(peer.open(), "a trace that nobody reads is no fault")
	mix.forwards()
	wait_for("the end of the trace in the log", lambda:
		"traced no more" in mix.node.log("data").read_text(), alive=mix.alive)


def fill(fd):
	try:
		while True:
			os.write(fd, bytes(4096))
	except BlockingIOError:
		pass


def bells(mix):
	"""Bells that are full, in both directions, and whose flags we change, stop nobody."""
	with mix.peer() as peer:
		peer.attach()
		doorbell = os.open(f"/proc/self/fd/{peer.doorbell}", os.O_WRONLY | os.O_NONBLOCK)
		peer.fds.append(doorbell)
		for fd in (doorbell, *peer.wakes):
			fill(fd)
		for fd in (doorbell, peer.doorbell, *peer.wakes):
			fcntl.fcntl(fd, fcntl.F_SETFL, 0)
		mix.lab["gateway"].rest.post("/v1/messages", {"to": "mix1", "path": ["mix1"], "text": KEPT})
		mix.forwards(50)
		check(peer.open(), "a bell is no fault of the ring")


with Lab(network=SHORT) as lab:
	three(lab)
	node = lab["mix1"]
	node.kill("control")
	with Steady(lab) as traffic:
		mix = Mix(lab, traffic)
		mix.forwards()
		for attack in (sealed, talks, refusals, blobs, broken_rings, deliver_tail, packets_of_noise, traces, bells):
			attack(mix)
		node.start("control")
		node.wait_ready()
		wait_for("the message that the hostile one left unread", lambda: [KEPT] == [
			message["text"] for message in node.rest.get("/v1/messages")["messages"]])
		faults = node.rest.get("/v1/status")["data_plane"]["control_faults"]
		check(faults >= mix.hung_up, f"{mix.hung_up} times hung up, {faults} faults counted")
		mix.forwards()
		traffic.arrive()
	check(report.rest_of(lab), "traffic doesn't come to rest")
	check(set(drops(node)) <= {*GARBAGE, "deliver_full"}, f"drops {drops(node)}")
	equal(drops(node).get("deliver_full"), 1, "the message for the hostile control plane")
	check(sum(worker["ring_faults"] for worker in report.workers(node)) > 0, "ring faults are counted")
	equal(books(node)["accounting_gap"], 0, "accounting gap")
	for link in report.links(lab):
		equal(link["rx"], link["tx"], f"packets from {link['from']} to {link['to']}")
	node.rest.post("/v1/messages", {"to": "service", "path": ["mix1", "service"], "text": "0 all is well"})
	wait_for("a message from the mix", lambda: len(traffic.arrived(lab["service"])) > traffic.sent)
