# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""The control plane's end of dp.sock and of the rings (dataplane/api/msg.h), for tests that abuse it."""
import array
import fcntl
import mmap
import os
import random
import select
import socket
import struct

MAGIC, ABI, WORKERS_MAX = 0x31454E494C474F46, 5, 64
HELLO, WELCOME, RINGS, ATTACHED, CONFIG, CONFIG_ACK, KEY_INSTALL, _, KEY_ACK = range(1, 10)
RING_DELIVER, RING_INJECT, RING_CMD, RING_EVT = range(1, 5)
UNWRAP, FORWARD = 1, 2
EPOCH = 1  # of the one mix key of a network without links
LINE = 128  # FOG_CACHE_LINE
HALF = 2 * LINE  # struct fog_ring_producer
CONTROL_PAGE = (2 + WORKERS_MAX) * LINE
EVT_TAIL, DELIVER_TAIL = LINE, 2 * LINE  # in the control page
WELCOME_FORMAT = "=IIQII64s16sQ32s128sQ8I"
ACK_FORMAT = "=IIQ32si204s"
CONTROL_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
BLOB_SEALS = CONTROL_SEALS | fcntl.F_SEAL_WRITE
PATIENCE_S = 60


def memfd(data, seals=CONTROL_SEALS):
	fd = os.memfd_create("hostile", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
	os.truncate(fd, len(data))
	os.pwrite(fd, data, 0)
	fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)
	return fd


def half(kind, slots, slot_size):
	"""An empty producer's half with its slots."""
	return struct.pack("=QIIII", MAGIC, ABI, kind, slots, slot_size).ljust(HALF + slots * slot_size, b"\0")


class Gone(Exception):
	"""The data plane has closed the connection."""


class Peer:
	"""One connection; closes what it holds by 'with'."""

	def __init__(self, path):
		self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
		self.sock.settimeout(PATIENCE_S)
		self.sock.connect(str(path))
		self.fds, self.maps = [], []

	def __enter__(self):
		return self

	def __exit__(self, *_):
		self.sock.close()
		for mapping in self.maps:
			mapping.close()
		for fd in self.fds:
			os.close(fd)

	def send(self, data, fds=()):
		"""One datagram; the descriptors go with it and are closed here."""
		rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
		try:
			self.sock.sendmsg([data], rights)
		except (BrokenPipeError, ConnectionResetError) as error:
			raise Gone from error
		finally:
			for fd in fds:
				os.close(fd)

	def message(self, kind, body=b"", fds=()):
		self.send(struct.pack("=II", kind, 8 + len(body)) + body, fds)

	def receive(self):
		try:
			data, fds, _, _ = socket.recv_fds(self.sock, 4096, 200)
		except ConnectionResetError as error:
			raise Gone from error
		self.fds += fds
		if not data:
			raise Gone
		return data, fds

	def closed(self):
		"""Waits until the data plane hangs up, whatever it says before."""
		try:
			while True:
				self.receive()
		except Gone:
			return True
		except TimeoutError:
			return False

	def open(self):
		"""Whether the data plane has not hung up so far."""
		return not select.select([self.sock], [], [], 0)[0]

	def hello(self):
		self.message(HELLO, struct.pack("=QII64s", MAGIC, ABI, 0, b"hostile"))
		data, fds = self.receive()
		fields = struct.unpack(WELCOME_FORMAT, data)
		self.workers, self.generation = fields[4], fields[7]
		self.deliver_slots, self.deliver_size, self.inject_slots, self.inject_size = fields[11:15]
		self.cmd_slots, self.cmd_size, self.evt_slots, self.evt_size = fields[15:]
		self.stats_fd, self.evt_fd, self.doorbell = fds[:3]
		self.deliver_fds, self.wakes = fds[3:3 + self.workers], fds[3 + self.workers:]

	def rings(self, change=lambda fds: None):
		"""Our half: cmd and inject, after 'change' had a go at the descriptors."""
		cmd = bytes(CONTROL_PAGE) + half(RING_CMD, self.cmd_slots, self.cmd_size)
		inject = half(RING_INJECT, self.inject_slots, self.inject_size)
		fds = [memfd(cmd), *(memfd(inject) for _ in range(self.workers))]
		self.maps = [mmap.mmap(fd, 0) for fd in fds]
		self.cmd, *self.inject = self.maps
		change(fds)
		self.message(RINGS, b"", fds)

	def attach(self):
		self.hello()
		self.rings()
		data, _ = self.receive()
		if struct.unpack("=II", data) != (ATTACHED, 8):
			raise AssertionError(f"ATTACHED expected, got {data!r}")
		return self

	def ack(self):
		"""Status and sentence of an answer."""
		while True:
			data, _ = self.receive()
			if data[0] in (CONFIG_ACK, KEY_ACK):
				fields = struct.unpack(ACK_FORMAT, data)
				return fields[4], fields[5].rstrip(b"\0").decode()

	def wake(self):
		for fd in self.wakes:
			try:
				os.write(fd, bytes(8))
			except BlockingIOError:
				pass

	def inject_head(self, value, worker=0):
		struct.pack_into("=I", self.inject[worker], LINE, value & 0xFFFFFFFF)
		self.wake()

	def inject_slot(self, index, header, body, worker=0):
		at = HALF + index % self.inject_slots * self.inject_size
		struct.pack_into("=QII", self.inject[worker], at, *header)
		self.inject[worker][at + 16:at + 16 + len(body)] = body

	def inject_packet(self, index, packet, kind=UNWRAP, next_hop=bytes(32)):
		"""A slot as it has to be."""
		body = struct.pack("=32sII", next_hop, EPOCH, len(packet)) + packet
		self.inject_slot(index, (index + 1, kind, len(body)), body)
		self.inject_head(index + 1)

	def command(self, header, body=b"", head=1):
		at = CONTROL_PAGE + HALF
		struct.pack_into("=QII", self.cmd, at, *header)
		self.cmd[at + 16:at + 16 + len(body)] = body
		struct.pack_into("=I", self.cmd, CONTROL_PAGE + LINE, head)

	def commands(self, index, kind, token, *arguments):
		"""Command number 'index', as it has to be."""
		body = struct.pack("=Q4I", token, *(*arguments, 0, 0, 0, 0)[:4])
		at = CONTROL_PAGE + HALF + index % self.cmd_slots * self.cmd_size
		struct.pack_into("=QII", self.cmd, at, index + 1, kind, len(body))
		self.cmd[at + 16:at + 16 + len(body)] = body
		struct.pack_into("=I", self.cmd, CONTROL_PAGE + LINE, index + 1)

	def events(self):
		"""(type, body) of everything in the event ring, of which we never move the index."""
		with mmap.mmap(self.evt_fd, 0, mmap.MAP_SHARED, mmap.PROT_READ) as evt:
			head = struct.unpack_from("=I", evt, LINE + LINE)[0]
			found = []
			for i in range(min(head, self.evt_slots)):
				at = LINE + HALF + i * self.evt_size
				_, kind, size = struct.unpack_from("=QII", evt, at)
				found.append((kind, evt[at + 16:at + 16 + size]))
			return found

	def tail(self, at, value):
		struct.pack_into("=I", self.cmd, at, value & 0xFFFFFFFF)


def noise(rng: random.Random, least=0, most=400):
	return rng.randbytes(rng.randint(least, most))
