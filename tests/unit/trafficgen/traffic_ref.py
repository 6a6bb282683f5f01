# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""What fog-trafficgen writes, judged from the descriptions of its formats alone: the file, the headers of
every frame, the keys of the test network, packets by the second implementation, and payloads."""
import hashlib
import pathlib
import socket
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "sphinx_ref"))
import sphinx_ref as sphinx  # noqa: E402

MIX_PORT = 9001
FIRST_SOURCE_PORT = 49152


def check(condition, sentence):
	if not condition:
		raise AssertionError(sentence)


def equal(got, wanted, what):
	if got != wanted:
		raise AssertionError(f"{what}: {got!r}, should be {wanted!r}")


def mix_key(seed):
	"""Private mix key of the node with this test.key_seed."""
	return hashlib.blake2b(b"fogline test mix key" + seed.to_bytes(8, "little"), digest_size=32).digest()


def records(path):
	"""(seconds, frame) of a classic pcap file in this host's byte order, one after the other."""
	with open(path, "rb") as file:
		magic, major, minor, zone, accuracy, snap, link = struct.unpack("=IHHiIII", file.read(24))
		equal((magic, major, minor, zone, accuracy, link), (0xA1B2C3D4, 2, 4, 0, 0, 1), "head of the file")
		while head := file.read(16):
			seconds, microseconds, stored, length = struct.unpack("=IIII", head)
			equal(stored, length, "stored bytes of a frame")
			check(length <= snap and microseconds < 10**6, "limits of a record")
			frame = file.read(length)
			equal(len(frame), length, "bytes of the last frame")
			yield seconds + microseconds / 10**6, frame


def ones_sum(data):
	"""One's complement sum of 16-bit words (RFC 1071)."""
	data += bytes(len(data) % 2)
	total = sum(struct.unpack(f"!{len(data) // 2}H", data))
	while total >> 16:
		total = (total & 0xFFFF) + (total >> 16)
	return total


def taken_apart(frame, port=MIX_PORT):
	"""{"to", "from" (MAC, IP), "vlan", "source_port", "packet"} of a frame; raises when a length or a
	checksum is wrong."""
	vlan, at = 0, 12
	if frame[at:at + 2] == b"\x81\x00":
		vlan, at = struct.unpack("!H", frame[14:16])[0], 16
	datagram, family = frame[at + 2:], {b"\x08\x00": 4, b"\x86\xdd": 6}[frame[at:at + 2]]
	if family == 4:
		head, datagram = datagram[:20], datagram[20:]
		equal((head[0], head[9], head[6] & 0x3F, head[7]), (0x45, 17, 0, 0), "IPv4: version, protocol, fragment")
		equal(struct.unpack("!H", head[2:4])[0], 20 + len(datagram), "total length of IPv4")
		equal(ones_sum(head), 0xFFFF, "sum of the IPv4 header")
		addresses, kind = head[12:], socket.AF_INET
	else:
		head, datagram = datagram[:40], datagram[40:]
		equal((head[0] >> 4, head[6]), (6, 17), "IPv6: version, next header")
		equal(struct.unpack("!H", head[4:6])[0], len(datagram), "payload length of IPv6")
		addresses, kind = head[8:], socket.AF_INET6
	source_port, to_port, length, checksum = struct.unpack("!HHHH", datagram[:8])
	equal((to_port, length), (port, len(datagram)), "UDP port and length")
	check(checksum != 0, "no UDP checksum")
	equal(ones_sum(addresses + struct.pack("!HH", length, 17) + datagram), 0xFFFF, "sum of the datagram")
	half = len(addresses) // 2
	return {
		"to": (frame[:6].hex(":"), socket.inet_ntop(kind, addresses[half:])),
		"from": (frame[6:12].hex(":"), socket.inet_ntop(kind, addresses[:half])),
		"vlan": vlan, "source_port": source_port, "packet": datagram[8:],
	}


def unwrapped(geo, keys, packet, way=None):
	"""Payload at the end of a packet's path; 'keys' are the private keys along it, 'way' the nodes' IDs."""
	for place, private in enumerate(keys):
		result = sphinx.unwrap(geo, private, packet)
		last = place + 1 == len(keys)
		equal(result.action, "deliver" if last else "forward", f"hop {place}")
		if way and not last:
			equal(result.next_hop.hex(), way[place + 1], f"next hop of hop {place}")
		if way and last:
			equal(result.recipient.hex(), way[place], "recipient")
		packet = result.packet
	return result.payload


def siphash(data, key):
	"""SipHash-2-4 (Aumasson, Bernstein 2012)."""
	mask = 2**64 - 1
	k0, k1 = struct.unpack("<QQ", key)
	v0, v1, v2, v3 = (
		k ^ c for k, c in zip((k0, k1) * 2, struct.unpack(">4Q", b"somepseudorandomlygeneratedbytes")))

	def rotl(x, n):
		return (x << n | x >> 64 - n) & mask

	def rounds(n):
		nonlocal v0, v1, v2, v3
		for _ in range(n):
			v0, v2 = (v0 + v1) & mask, (v2 + v3) & mask
			v1, v3 = rotl(v1, 13) ^ v0, rotl(v3, 16) ^ v2
			v0 = rotl(v0, 32)
			v2, v0 = (v2 + v1) & mask, (v0 + v3) & mask
			v1, v3 = rotl(v1, 17) ^ v2, rotl(v3, 21) ^ v0
			v2 = rotl(v2, 32)

	data += bytes(7 - len(data) % 8) + bytes([len(data) & 0xFF])
	for (word,) in struct.iter_unpack("<Q", data):
		v3 ^= word
		rounds(2)
		v0 ^= word
	v2 ^= 0xFF
	rounds(4)
	return struct.pack("<Q", v0 ^ v1 ^ v2 ^ v3)


def payload_numbers(payload):
	"""(run, sequence number) of a generator's payload; raises when its checksum is wrong."""
	key = b"fog-trafficgen".ljust(16, b"\0")
	equal(payload[:8], b"fogline?", "magic of the payload")
	both = siphash(payload[:24], key) + siphash(payload[32:], key)
	equal(payload[24:32], siphash(both, key), "checksum of the payload")
	return struct.unpack("!QQ", payload[8:24])
