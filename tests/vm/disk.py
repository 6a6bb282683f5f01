# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""A disk with a volatile cache, as an NBD server for QEMU, whose power can be cut: what was flushed is in its file then; of what was
written later each write is there or not, or some of its sectors, whatever their order.

Protocol: https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md, fixed newstyle, simple replies.
"""
import contextlib
import os
import random
import socket
import struct
import threading

SECTOR = 512
HELLO, FIXED_NEWSTYLE, NO_ZEROES = b"NBDMAGICIHAVEOPT", 1, 2
OPTION_MAGIC, REPLY_MAGIC, REQUEST_MAGIC, ANSWER_MAGIC = b"IHAVEOPT", 0x3E889045565A9, 0x25609513, 0x67446698
OPTION_GO, ACK, INFO, UNSUPPORTED = 7, 1, 3, (1 << 31) + 1
HAS_FLAGS, SEND_FLUSH, SEND_FUA = 1, 4, 8
READ, WRITE, DISCONNECT, FLUSH = range(4)
FUA = 1
EINVAL = 22
BEFORE_FLUSH_S = 5  # under load there are some in each second


class Disk:
	"""lying: it says that it has flushed, and has not."""

	def __init__(self, path, address, lying=False):
		self.file = open(path, "r+b")
		self.size = os.fstat(self.file.fileno()).st_size
		self.lying = lying
		self.lock = threading.Lock()
		self.cache, self.late = {}, []  # sectors that are not in the file; the writes that they came with
		self.before_flush, self.dark = False, threading.Event()
		self.flushes = 0
		self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
		self.listener.bind(os.fspath(address))
		self.listener.listen(1)
		self.thread = threading.Thread(target=self._serve, daemon=True)
		self.thread.start()

	def cut(self):
		"""Now, or before the next flush. Returns (flushes, writes that were not flushed, of these not wholly lost)."""
		self.before_flush = random.random() < 0.75
		if self.before_flush:
			self.dark.wait(BEFORE_FLUSH_S)
		with self.lock:
			self.dark.set()
			share, kept = random.choice([0, 0.5, 0.9]), 0
			for offset, data, sure in self.late:
				pieces = [(offset, data)] if sure else _pieces(offset, data, share)
				kept += bool(pieces)
				for where, piece in pieces:
					self._put(where, piece)
			self.file.flush()
			return self.flushes, len(self.late), kept

	def close(self):
		"""After the machine's end."""
		self.listener.close()
		self.thread.join()
		self.file.close()

	def _put(self, offset, data):
		self.file.seek(offset)
		self.file.write(data)

	def _serve(self):
		with contextlib.suppress(OSError, EOFError):
			connection, _ = self.listener.accept()
			with connection, connection.makefile("rwb") as stream:
				self._handshake(stream)
				while self._request(stream):
					pass

	def _handshake(self, stream):
		stream.write(HELLO + struct.pack(">H", FIXED_NEWSTYLE | NO_ZEROES))
		stream.flush()
		_take(stream, 4)
		option = None
		while option != OPTION_GO:
			magic, option, length = struct.unpack(">8sII", _take(stream, 16))
			_take(stream, length)
			if magic != OPTION_MAGIC:
				raise EOFError
			if option != OPTION_GO:
				stream.write(struct.pack(">QIII", REPLY_MAGIC, option, UNSUPPORTED, 0))
				stream.flush()
		export = struct.pack(">HQH", 0, self.size, HAS_FLAGS | SEND_FLUSH | SEND_FUA)
		stream.write(struct.pack(">QIII", REPLY_MAGIC, option, INFO, len(export)) + export)
		stream.write(struct.pack(">QIII", REPLY_MAGIC, option, ACK, 0))
		stream.flush()

	def _request(self, stream):
		"""Returns whether another one may come."""
		magic, flags, kind, handle, offset, length = struct.unpack(">IHHQQI", _take(stream, 28))
		data = _take(stream, length) if kind == WRITE else b""
		if magic != REQUEST_MAGIC or kind == DISCONNECT:
			return False
		with self.lock:
			if self.before_flush and kind == FLUSH and self.late:
				self.dark.set()
			if self.dark.is_set():
				return False
			error, answer = self._do(kind, flags, offset, length, data)
		stream.write(struct.pack(">IIQ", ANSWER_MAGIC, error, handle) + answer)
		stream.flush()
		return True

	def _do(self, kind, flags, offset, length, data):
		"""Returns (error, data)."""
		if kind not in (READ, WRITE, FLUSH) or offset % SECTOR or length % SECTOR or offset + length > self.size:
			return EINVAL, b""
		if kind == READ:
			self.file.seek(offset)
			under = self.file.read(length)
			return 0, b"".join(
				self.cache.get(offset + at) or under[at:at + SECTOR] for at in range(0, length, SECTOR))
		if kind == WRITE:
			self.late.append((offset, data, bool(flags & FUA) and not self.lying))
			for at in range(0, length, SECTOR):
				self.cache[offset + at] = data[at:at + SECTOR]
		if kind == FLUSH:
			self._flush()
		return 0, b""

	def _flush(self):
		self.flushes += 1
		if self.lying:
			return
		for offset, data, _ in self.late:
			self._put(offset, data)
		self.late, self.cache = [], {}


def _take(stream, length):
	data = stream.read(length)
	if len(data) < length:
		raise EOFError
	return data


def _pieces(offset, data, share):
	"""Of a write that was not flushed: all of it, nothing, or some of its sectors."""
	if random.random() < 0.25:
		return [(offset + at, data[at:at + SECTOR]) for at in range(0, len(data), SECTOR) if random.random() < share]
	return [(offset, data)] if random.random() < share else []
