#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Sealed fragments against an implementation written from their description alone
(controlplane/client/sealed.h and fragments.h), both ways. Argument: seal_answer."""
import hashlib
import os
import random
import subprocess
import sys

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def public_of(private):
	return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def key_of(private, other, ephemeral, receiver):
	shared = X25519PrivateKey.from_private_bytes(private).exchange(X25519PublicKey.from_public_bytes(other))
	return hashlib.blake2b(b"fogline sealed mail v1" + shared + ephemeral + receiver, digest_size=32).digest()


def seal(receiver, data):
	private = os.urandom(32)
	ephemeral = public_of(private)
	key = key_of(private, receiver, ephemeral, receiver)
	return ephemeral + ChaCha20Poly1305(key).encrypt(bytes(12), data, None)


def unseal(private, sealed):
	ephemeral = sealed[:32]
	key = key_of(private, ephemeral, ephemeral, public_of(private))
	return ChaCha20Poly1305(key).decrypt(bytes(12), sealed[32:], None)


def cut(room, ident, message):
	count = -(-len(message) // room)
	for index in range(count):
		head = bytes((1, 0)) + count.to_bytes(2, "big") + index.to_bytes(2, "big") + len(message).to_bytes(4, "big")
		yield head + ident + message[index * room:(index + 1) * room].ljust(room, b"\0")


class Program:
	def __init__(self, path):
		self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

	def ask(self, *words):
		self.process.stdin.write(" ".join(map(str, words)) + "\n")
		self.process.stdin.flush()

	def line(self):
		return self.process.stdout.readline().rstrip("\n")


def main():
	program = Program(sys.argv[1])
	checked = 0
	for length in [1, 249, 250, 251, 500, 4096, 65536, *(random.randrange(1, 8000) for _ in range(40))]:
		room = random.choice((250, 100, 33))
		if -(-length // room) > 4096:
			room = 250
		private, ident, message = os.urandom(32), os.urandom(16), os.urandom(length)
		ours = list(cut(room, ident, message))

		program.ask("cut", room, ident.hex(), public_of(private).hex(), message.hex())
		theirs = []
		while line := program.line():
			theirs.append(unseal(private, bytes.fromhex(line)))
		assert theirs == ours, f"cut of {length} bytes differs"

		for index in {0, len(ours) // 2, len(ours) - 1}:
			sealed = seal(public_of(private), ours[index])
			program.ask("open", room, private.hex(), sealed.hex())
			share = message[index * room:(index + 1) * room]
			want = f"1 {len(ours)} {index} {length} {ident.hex()} {share.hex()}"
			got = program.line()
			assert got == want, f"{got} is not {want}"
			spoilt = bytearray(sealed)
			spoilt[random.randrange(len(spoilt))] ^= 1 << random.randrange(7)  # bit 255 of a key says nothing
			program.ask("open", room, private.hex(), bytes(spoilt).hex())
			assert program.line() == "no", "a forged one was opened"
			try:
				unseal(private, bytes(spoilt))
				raise AssertionError("this check opens forged ones")
			except InvalidTag:
				pass
			checked += 1
	print(f"{checked} fragments read by both, forged ones by neither")


main()
