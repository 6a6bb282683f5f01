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

LABEL = b"fogline descriptor v1\0"
RAW = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)


class Malformed(Exception):
	pass


def need(condition):
	if not condition:
		raise Malformed()


def ascends(entries):
	return all(a < b for (a, _), (b, _) in zip(entries, entries[1:]))


def parse(data):
	need(len(data) >= 248 and data[:4] == b"\1\0\0\0")
	network, node, identity, link, vrf = (data[at:at + 32] for at in range(4, 164, 32))
	vrf_from, sequence, mixes, proofs, zero = struct.unpack_from(">QQBBH", data, 164)
	need(mixes <= 4 and proofs <= 4 and zero == 0 and len(data) == 248 + 40 * mixes + 88 * proofs)
	at, mix, proof = 184, [], []
	for _ in range(mixes):
		mix.append((int.from_bytes(data[at:at + 8], "big"), data[at + 8:at + 40]))
		at += 40
	for _ in range(proofs):
		proof.append((int.from_bytes(data[at:at + 8], "big"), data[at + 8:at + 88]))
		at += 88
	need(ascends(mix) and ascends(proof))
	need(hashlib.blake2b(identity, digest_size=32).digest() == node)
	return dict(network=network, node_id=node, identity=identity, link_key=link, vrf_key=vrf,
	            vrf_from=vrf_from, sequence=sequence, mix=mix, proof=proof)


def verify(data):
	d = parse(data)
	ed25519.Ed25519PublicKey.from_public_bytes(d["identity"]).verify(data[-64:], LABEL + data[:-64])
	return d


def build(seed, network, link, vrf, vrf_from, sequence, mix, proof):
	key = ed25519.Ed25519PrivateKey.from_private_bytes(seed)
	identity = key.public_key().public_bytes(*RAW)
	body = b"\1\0\0\0" + network + hashlib.blake2b(identity, digest_size=32).digest() + identity + link + vrf
	body += struct.pack(">QQBBH", vrf_from, sequence, len(mix), len(proof), 0)
	for epoch, value in mix + proof:
		body += struct.pack(">Q", epoch) + value
	return body + key.sign(LABEL + body)


def compare(program):
	rng = random.Random(5)
	child = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

	def ask(line):
		child.stdin.write(line + "\n")
		child.stdin.flush()
		return child.stdout.readline().strip()

	for _ in range(200):
		seed, network, link, vrf = (rng.randbytes(32) for _ in range(4))
		counts = rng.getrandbits(64), rng.getrandbits(64)
		mix = [(e, rng.randbytes(32)) for e in sorted(rng.sample(range(1 << 40), rng.randrange(5)))]
		proof = [(e, rng.randbytes(80)) for e in sorted(rng.sample(range(1 << 40), rng.randrange(5)))]
		words = ["sign", seed.hex(), network.hex(), link.hex(), vrf.hex(), *map(str, counts),
		         str(len(mix)), str(len(proof))]
		words += [f"{epoch} {value.hex()}" for epoch, value in mix + proof]
		data = bytes.fromhex(ask(" ".join(words)))
		if data != build(seed, network, link, vrf, *counts, mix, proof):
			raise SystemExit("the two write different descriptors")
		verify(data)
		compare_damaged(rng, ask, data)
	child.stdin.close()
	if child.wait(60) != 0:
		raise SystemExit("descriptor_answer failed")


def compare_damaged(rng, ask, data):
	"""Both must agree about what has a form, and no change may keep the signature."""
	for _ in range(10):
		bad = bytearray(data)
		# The head, where the form is decided, as often as the rest.
		at = rng.randrange(184) if rng.random() < 0.5 else rng.randrange(len(bad))
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


if sys.argv[1] == "-":
	show(sys.stdin.read())
else:
	compare(sys.argv[1])
	print("ok")
