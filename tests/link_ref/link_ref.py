#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Encrypted links written from their description alone (dataplane/api/link.h, dataplane/crypto/link.h; the
Noise Protocol Framework, revision 34): Noise IK, the hello, MACs, cookies, frames. Shares no line with the
C code. Keys and messages are bytes; nothing here does I/O or looks at a clock."""
import hashlib
import hmac
import os
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

INITIATION, RESPONSE, COOKIE, DATA = 1, 2, 3, 4
NOTHING, SPHINX, NOTICE = 0, 1, 2
HEADER = struct.Struct(">B3xIQ")
HELLO = struct.Struct(">24s16sQIIH22x")
OVERHEAD = 32
NAME = b"Noise_IK_25519_AESGCM_SHA256"


class Refused(Exception):
	"""A message that is not what it should be."""


def public_of(private):
	return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw() if hasattr(
		X25519PublicKey, "public_bytes_raw") else _raw(X25519PrivateKey.from_private_bytes(private).public_key())


def _raw(key):
	from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
	return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def _dh(private, public):
	try:
		return X25519PrivateKey.from_private_bytes(private).exchange(X25519PublicKey.from_public_bytes(public))
	except ValueError as e:
		raise Refused("shared secret is zero") from e


def _mac(key, data):
	return hmac.new(key, data, hashlib.sha256).digest()


def _hkdf(ck, material):
	temp = _mac(ck, material)
	first = _mac(temp, b"\x01")
	return first, _mac(temp, first + b"\x02")


class Handshake:
	"""One Noise IK handshake; the initiator knows 'remote'."""

	def __init__(self, initiator, prologue, static, remote=None, ephemeral=None):
		self.initiator, self.static, self.remote = initiator, static, remote
		self.ephemeral = ephemeral or os.urandom(32)
		self.remote_ephemeral = None
		self.h = self.ck = NAME + bytes(32 - len(NAME))
		self.key, self.nonce = None, 0
		self._hash(prologue)
		self._hash(remote if initiator else public_of(static))

	def _hash(self, data):
		self.h = hashlib.sha256(self.h + data).digest()

	def _mix(self, secret):
		self.ck, self.key = _hkdf(self.ck, secret)
		self.nonce = 0

	def _seal(self, data):
		sealed = AESGCM(self.key).encrypt(bytes(4) + self.nonce.to_bytes(8, "big"), data, self.h)
		self.nonce += 1
		self._hash(sealed)
		return sealed

	def _open(self, data):
		try:
			plain = AESGCM(self.key).decrypt(bytes(4) + self.nonce.to_bytes(8, "big"), data, self.h)
		except InvalidTag as e:
			raise Refused("does not decrypt") from e
		self.nonce += 1
		self._hash(data)
		return plain

	def write_first(self, payload):
		e = public_of(self.ephemeral)
		self._hash(e)
		self._mix(_dh(self.ephemeral, self.remote))
		s = self._seal(public_of(self.static))
		self._mix(_dh(self.static, self.remote))
		return e + s + self._seal(payload)

	def read_first(self, message):
		self.remote_ephemeral = message[:32]
		self._hash(self.remote_ephemeral)
		self._mix(_dh(self.static, self.remote_ephemeral))
		self.remote = self._open(message[32:80])
		self._mix(_dh(self.static, self.remote))
		return self._open(message[80:])

	def write_second(self, payload):
		e = public_of(self.ephemeral)
		self._hash(e)
		self._mix(_dh(self.ephemeral, self.remote_ephemeral))
		self._mix(_dh(self.ephemeral, self.remote))
		return e + self._seal(payload)

	def read_second(self, message):
		self.remote_ephemeral = message[:32]
		self._hash(self.remote_ephemeral)
		self._mix(_dh(self.ephemeral, self.remote_ephemeral))
		self._mix(_dh(self.static, self.remote_ephemeral))
		return self._open(message[32:])

	def split(self):
		"""Keys to send and to receive with."""
		first, second = _hkdf(self.ck, b"")
		return (first, second) if self.initiator else (second, first)


class Hello:
	def __init__(self, network, time_ns, index, senders=1, features=3, protocol="/betanet/mix/1.2.0"):
		self.network, self.time_ns, self.index = network, time_ns, index
		self.senders, self.features, self.protocol = senders, features, protocol

	def pack(self):
		return HELLO.pack(self.protocol.encode(), self.network[:16], self.time_ns, self.features, self.index, self.senders)

	@staticmethod
	def unpack(data):
		if len(data) != 80 or any(data[58:]):
			raise Refused("hello with reserved bytes that are not zero")
		protocol, network, time_ns, features, index, senders = HELLO.unpack(data)
		return Hello(network, time_ns, index, senders, features, protocol.rstrip(b"\0").decode())


def prologue(network, major=1):
	return b"/betanet/mix/%d\0" % major + network


def mac(key, data):
	return _mac(key, data)[:16]


def mac1_key(static_public):
	return hashlib.sha256(b"fogline mac1" + static_public).digest()


def cookie_key(static_public):
	return hashlib.sha256(b"fogline cookie" + static_public).digest()


def macs(message, receiver_public, cookie=None):
	"""The message with MAC1 and MAC2 behind it."""
	message += mac(mac1_key(receiver_public), message)
	return message + (mac(cookie, message) if cookie else bytes(16))


def _quarter(x, a, b, c, d):
	def step(p, q, r, n):
		x[p] = (x[p] + x[q]) & 0xffffffff
		v = x[r] ^ x[p]
		x[r] = (v << n | v >> 32 - n) & 0xffffffff
	step(a, b, d, 16)
	step(c, d, b, 12)
	step(a, b, d, 8)
	step(c, d, b, 7)


def _hchacha20(key, nonce):
	x = list(struct.unpack("<16I", b"expand 32-byte k" + key + nonce))
	for _ in range(10):
		for row in ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15), (0, 5, 10, 15), (1, 6, 11, 12),
				(2, 7, 8, 13), (3, 4, 9, 14)):
			_quarter(x, *row)
	return struct.pack("<8I", *x[:4], *x[12:])


def cookie_seal(receiver_public, nonce, cookie, mac1):
	"""Body of a COOKIE: XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha)."""
	key = _hchacha20(cookie_key(receiver_public), nonce[:16])
	return nonce + ChaCha20Poly1305(key).encrypt(bytes(4) + nonce[16:], cookie, mac1)


def cookie_open(receiver_public, body, mac1):
	key = _hchacha20(cookie_key(receiver_public), body[:16])
	try:
		return ChaCha20Poly1305(key).decrypt(bytes(4) + body[16:24], body[24:56], mac1)
	except InvalidTag as e:
		raise Refused("cookie does not decrypt") from e


def sub_key(direction_key, number):
	return _mac(direction_key, b"fogline sub-session" + number.to_bytes(4, "big"))


class Session:
	"""What a finished handshake leaves: frames of one sub-session out, of any sub-session in."""

	def __init__(self, tx_key, rx_key, tx_index, rx_index, packet_len):
		self.tx_key, self.rx_key, self.tx_index, self.rx_index = tx_key, rx_key, tx_index, rx_index
		self.packet_len = packet_len
		self.counter = {}

	def seal(self, packet, sub=0, counter=None):
		if len(packet) != self.packet_len:
			raise ValueError(f"a packet has {self.packet_len} bytes")
		if counter is None:
			counter = self.counter.get(sub, 0)
			self.counter[sub] = counter + 1
		head = HEADER.pack(DATA, self.tx_index + sub, counter)
		return head + AESGCM(sub_key(self.tx_key, sub)).encrypt(bytes(4) + counter.to_bytes(8, "big"), packet, head)

	def nothing(self, sub=0):
		return self.seal(bytes(self.packet_len), sub)

	def sphinx(self, packet, epoch, sub=0):
		return self.seal(bytes((SPHINX, epoch & 255)) + packet[2:], sub)

	def notice(self, data, sub=0):
		whole = bytes((NOTICE, 0)) + len(data).to_bytes(2, "big") + data
		return self.seal(whole + bytes(self.packet_len - len(whole)), sub)

	def open(self, frame):
		kind, index, counter = HEADER.unpack(frame[:16])
		if kind != DATA or index & ~63 != self.rx_index or len(frame) != self.packet_len + OVERHEAD:
			raise Refused("frame of another session")
		try:
			return AESGCM(sub_key(self.rx_key, index & 63)).decrypt(
				bytes(4) + counter.to_bytes(8, "big"), frame[16:], frame[:16])
		except InvalidTag as e:
			raise Refused("frame does not decrypt") from e


class Initiator:
	"""One try of an initiator: initiation(), then answer() with what comes."""

	def __init__(self, network, static, remote, packet_len, index=None, major=1, **hello):
		self.network, self.static, self.remote, self.packet_len = network, static, remote, packet_len
		self.index = index if index is not None else int.from_bytes(os.urandom(4), "big") & ~63
		self.major, self.hello = major, hello
		self.handshake = self.mac1 = self.theirs = None

	def initiation(self, time_ns, cookie=None):
		self.handshake = Handshake(True, prologue(self.network, self.major), self.static, self.remote)
		hello = Hello(self.network, time_ns, self.index, **self.hello)
		message = macs(HEADER.pack(INITIATION, self.index, 0) + self.handshake.write_first(hello.pack()), self.remote, cookie)
		self.mac1 = message[-32:-16]
		return message

	def padded(self, time_ns, cookie=None):
		"""The same as it goes over the wire."""
		message = self.initiation(time_ns, cookie)
		return message + os.urandom(self.packet_len + OVERHEAD - len(message))

	def answer(self, message):
		"""A Session, or bytes: a cookie to try again with. Refused with the responder's reason and time."""
		kind, index, counter = HEADER.unpack(message[:16])
		if index != self.index or counter != 0:
			raise Refused("answer to another initiation")
		if kind == COOKIE:
			return cookie_open(self.remote, message[16:72], self.mac1)
		if kind != RESPONSE:
			raise Refused("neither a response nor a cookie")
		if mac(mac1_key(public_of(self.static)), message[:144]) != message[144:160]:
			raise Refused("MAC1 of the response is wrong")
		self.theirs = Hello.unpack(self.handshake.read_second(message[16:144]))
		if self.theirs.senders == 0:
			raise Refused(f"refused for reason {self.theirs.index}")
		tx, rx = self.handshake.split()
		return Session(tx, rx, self.theirs.index, self.index, self.packet_len)


class Responder:
	"""The other side: read() an initiation, then response()."""

	def __init__(self, network, static, packet_len):
		self.network, self.static, self.packet_len = network, static, packet_len
		self.handshake = self.theirs = None

	def read(self, message):
		kind, index, counter = HEADER.unpack(message[:16])
		if kind != INITIATION or counter != 0 or any(message[1:4]):
			raise Refused("no initiation")
		if mac(mac1_key(public_of(self.static)), message[:192]) != message[192:208]:
			raise Refused("MAC1 of the initiation is wrong")
		self.handshake = Handshake(False, prologue(self.network), self.static)
		self.theirs = Hello.unpack(self.handshake.read_first(message[16:192]))
		if self.theirs.index != index:
			raise Refused("two indices")
		return self.theirs

	def response(self, time_ns, index, **hello):
		ours = Hello(self.network, time_ns, index, **hello)
		message = HEADER.pack(RESPONSE, self.theirs.index, 0) + self.handshake.write_second(ours.pack())
		tx, rx = self.handshake.split()
		return macs(message, self.handshake.remote), Session(tx, rx, self.theirs.index, index, self.packet_len)
