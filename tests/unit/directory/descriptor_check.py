#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Descriptors read and written by a second implementation, with python3-cryptography's Ed25519.
`descriptor_check.py PROGRAM` compares it with descriptor_answer; `descriptor_check.py -` reads an
answer of GET /v1/descriptor from standard input and prints what it says."""
import hashlib
import json
import random
import struct
import subprocess
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

LABEL = b"fogline descriptor v2\0"
RAW = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)


class Malformed(Exception):
	pass


def need(condition):
	if not condition:
		raise Malformed()


def ascends(entries):
	return all(a < b for (a, _), (b, _) in zip(entries, entries[1:]))


HEAD = struct.Struct(">BBBBB3s" + 6 * "32s" + "32s32s32s8s24sIHHHBB16sQQQBBH")
NUMBERS = ("as_number", "protocol_minor", "mix_port", "directory_port")
TEXTS = ("name", "operator", "family", "region", "software")
MIX_MAX, PROOF_MAX = 5, 4


def text_of(field):
	text = field.rstrip(b"\0")
	need(len(text) < len(field) and all(0x21 <= c <= 0x7e for c in text))
	return text.decode()


def entries(data, at, count, size):
	return [(int.from_bytes(data[k:k + 8], "big"), data[k + 8:k + size])
	        for k in range(at, at + count * size, size)]


def parse(data):
	need(len(data) >= HEAD.size + 64)
	(version, role, wish, bandwidth, flags, zeros, *rest) = HEAD.unpack_from(data)
	need(version == 2 and 1 <= role <= 3 and bandwidth <= 10 and flags <= 1 and zeros == bytes(3))
	d = dict(role=role, layer_wish=wish, bandwidth=bandwidth, flags=flags)
	d.update(zip(("network", "node_id", "identity", "link_key", "vrf_key", "tls_key"), rest))
	d.update(zip(TEXTS, map(text_of, rest[6:11])))
	d.update(zip(NUMBERS, rest[11:15]))
	ip, zero, address, d["time_ms"], d["vrf_from"], d["sequence"], mixes, proofs, last = rest[15:]
	need(d["name"] and ip in (4, 6) and zero == 0 and last == 0 and (ip == 6 or address[4:] == bytes(12)))
	need(mixes <= MIX_MAX and proofs <= PROOF_MAX)
	need(len(data) == HEAD.size + 40 * mixes + 88 * proofs + 64)
	d["address"] = address[:4] if ip == 4 else address
	d["mix"] = entries(data, HEAD.size, mixes, 40)
	d["proof"] = entries(data, HEAD.size + 40 * mixes, proofs, 88)
	need(ascends(d["mix"]) and ascends(d["proof"]))
	need(hashlib.blake2b(d["identity"], digest_size=32).digest() == d["node_id"])
	return d


def verify(data):
	d = parse(data)
	ed25519.Ed25519PublicKey.from_public_bytes(d["identity"]).verify(data[-64:], LABEL + data[:-64])
	return d


def build(seed, d):
	"""Bytes of what `parse` says; node ID and identity follow from the seed."""
	key = ed25519.Ed25519PrivateKey.from_private_bytes(seed)
	identity = key.public_key().public_bytes(*RAW)
	body = HEAD.pack(
		2, d["role"], d["layer_wish"], d["bandwidth"], d["flags"], bytes(3), d["network"],
		hashlib.blake2b(identity, digest_size=32).digest(), identity, d["link_key"], d["vrf_key"],
		d["tls_key"], *(d[name].encode() for name in TEXTS), *(d[name] for name in NUMBERS),
		4 if len(d["address"]) == 4 else 6, 0, d["address"], d["time_ms"], d["vrf_from"], d["sequence"],
		len(d["mix"]), len(d["proof"]), 0)
	for epoch, value in d["mix"] + d["proof"]:
		body += struct.pack(">Q", epoch) + value
	return body + key.sign(LABEL + body)


def random_text(rng, size, least=0):
	return "".join(chr(rng.randrange(0x2e, 0x7f)) for _ in range(rng.randrange(least, size)))


def random_content(rng):
	def listed(most, size):
		epochs = sorted(rng.sample(range(1 << 40), rng.randrange(most + 1)))
		return [(epoch, rng.randbytes(size)) for epoch in epochs]

	d = {name: rng.randbytes(32) for name in ("network", "link_key", "vrf_key", "tls_key")}
	d.update(role=rng.randrange(1, 4), layer_wish=rng.randrange(256), bandwidth=rng.randrange(11),
	         flags=rng.randrange(2), name=random_text(rng, 32, 1), operator=random_text(rng, 32),
	         family=random_text(rng, 32), region=random_text(rng, 8), software=random_text(rng, 24),
	         as_number=rng.getrandbits(32), protocol_minor=rng.getrandbits(16),
	         mix_port=rng.getrandbits(16), directory_port=rng.getrandbits(16),
	         address=rng.randbytes(rng.choice((4, 16))), time_ms=rng.getrandbits(64),
	         vrf_from=rng.getrandbits(64), sequence=rng.getrandbits(64),
	         mix=listed(MIX_MAX, 32), proof=listed(PROOF_MAX, 80))
	return d


def question(seed, d):
	words = ["sign", seed.hex(), *(d[n] for n in ("role", "layer_wish", "bandwidth", "flags")),
	         *(d[n].hex() for n in ("network", "link_key", "vrf_key", "tls_key")),
	         *(d[n] or "-" for n in TEXTS), *(d[n] for n in NUMBERS), 4 if len(d["address"]) == 4 else 6,
	         d["address"].ljust(16, b"\0").hex(), d["time_ms"], d["vrf_from"], d["sequence"],
	         len(d["mix"]), len(d["proof"])]
	words += [f"{epoch} {value.hex()}" for epoch, value in d["mix"] + d["proof"]]
	return " ".join(map(str, words))


def compare(program):
	rng = random.Random(5)
	with subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:

		def ask(line):
			child.stdin.write(line + "\n")
			child.stdin.flush()
			return child.stdout.readline().strip()

		for _ in range(200):
			seed, d = rng.randbytes(32), random_content(rng)
			data = bytes.fromhex(ask(question(seed, d)))
			if data != build(seed, d):
				raise SystemExit("the two write different descriptors")
			read = verify(data)
			if any(read[name] != value for name, value in d.items()):
				raise SystemExit("it reads other things than were written")
			compare_damaged(rng, ask, data)
		child.stdin.close()
		if child.wait(60) != 0:
			raise SystemExit("descriptor_answer failed")


def compare_damaged(rng, ask, data):
	"""Both must agree about what has a form, and no change may keep the signature."""
	for _ in range(10):
		bad = bytearray(data)
		# The head, where the form is decided, as often as the rest.
		at = rng.randrange(HEAD.size) if rng.random() < 0.5 else rng.randrange(len(bad))
		bad[at] ^= 1 << rng.randrange(8)
		if rng.random() < 0.2:
			bad = bad[:rng.randrange(len(bad))]
		try:
			parse(bytes(bad))
			well_formed = True
		except Malformed:
			well_formed = False
		if (ask("open " + (bytes(bad).hex() or "00")) == "0") != well_formed:
			raise SystemExit(f"the two disagree about {bytes(bad).hex()}")
		try:
			verify(bytes(bad))
		except (Malformed, InvalidSignature):
			continue
		raise SystemExit("a damaged descriptor verifies")


def show(text):
	d = verify(bytes.fromhex(json.loads(text)["descriptor"]))
	for name, value in d.items():
		if isinstance(value, bytes):
			value = value.hex()
		elif isinstance(value, list):
			value = " ".join(f"{epoch}:{bytes_.hex()}" for epoch, bytes_ in value)
		print(f"{name} {value}")


if __name__ == "__main__":
	if sys.argv[1] == "-":
		show(sys.stdin.read())
	else:
		compare(sys.argv[1])
		print("ok")
