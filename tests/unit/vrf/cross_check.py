#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
# The C code against the reference on random keys and alphas: same proofs, same beta, and the same
# verdict on keys and proofs that somebody spoiled.
#   cross_check.py VRF_ANSWER     last line "N passed, N failed"
import pathlib
import random
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "vrf_ref"))
import vrf_ref  # noqa: E402
from vrf_ref import L, P, add, decode, encode, multiply  # noqa: E402

ROUNDS = 60
SEED = 9381


def small_order():
	"""A point of order 8: L times any point that has one."""
	for y in range(2, 100):
		point = decode(y.to_bytes(32, "little"))
		if point is not None and multiply(4, multiply(L, point)) != vrf_ref.IDENTITY:
			return multiply(L, point)
	raise ValueError("no point of order 8")


TORSION = [multiply(n, small_order()) for n in range(1, 8)]


def with_gamma(seed, alpha, gamma):
	"""A proof made around another Gamma: right for the RFC, which lets a small order pass when c is
	a multiple of it."""
	x, _ = vrf_ref.secret(seed)
	key = vrf_ref.public(seed)
	h = vrf_ref.encode_to_curve(key, alpha)[0]
	for k in range(1, 200):
		u, v = multiply(k, vrf_ref.BASE), multiply(k, h)
		c = vrf_ref.challenge(key, encode(h), encode(gamma), encode(u), encode(v))
		if c % 8 == 0:
			return encode(gamma) + c.to_bytes(16, "little") + ((k + c * x) % L).to_bytes(32, "little")
	raise ValueError("no such challenge")


def spoiled(rng, seed, alpha, proof):
	"""(what, key, alpha, proof) that nobody may accept."""
	key = vrf_ref.public(seed)
	gamma = decode(proof[:32])
	other = rng.randbytes(32)
	torsion = rng.choice(TORSION)
	s = int.from_bytes(proof[48:], "little")
	yield "another key", vrf_ref.public(other), alpha, proof
	yield "another alpha", key, alpha + b"\x00", proof
	yield "another's proof", key, alpha, vrf_ref.prove(other, alpha)["pi"]
	yield "key of mixed order", encode(add(decode(key), torsion)), alpha, proof
	yield "Gamma of mixed order", key, alpha, encode(add(gamma, torsion)) + proof[32:]
	yield "Gamma of mixed order, made to fit", key, alpha, with_gamma(seed, alpha, add(gamma, torsion))
	yield "Gamma negated", key, alpha, encode(vrf_ref.negate(gamma)) + proof[32:]
	yield "s not reduced", key, alpha, proof[:48] + (s + L).to_bytes(32, "little")
	yield "s negated", key, alpha, proof[:48] + (L - s).to_bytes(32, "little")
	yield "Gamma not reduced", key, alpha, (P + rng.randrange(19)).to_bytes(32, "little") + proof[32:]
	yield "random bytes", rng.randbytes(32), alpha, rng.randbytes(80)
	at = rng.randrange(640)
	flipped = int.from_bytes(proof, "little") ^ 1 << at
	yield f"bit {at} flipped", key, alpha, flipped.to_bytes(80, "little")


def main():
	rng = random.Random(SEED)
	failed = passed = 0
	with subprocess.Popen(
		sys.argv[1:2], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
	) as answer:

		def ask(verb, *parts):
			answer.stdin.write(" ".join([verb, *(part.hex() or "-" for part in parts)]) + "\n")
			return answer.stdout.readline().strip()

		def check(what, got, want):
			nonlocal failed, passed
			passed += got == want
			failed += got != want
			if got != want:
				print(f"FAILED: {what}: {got}, not {want}")

		for number in range(ROUNDS):
			seed, alpha = rng.randbytes(32), rng.randbytes(rng.choice((0, 1, 88, 88, 1000)))
			want = vrf_ref.prove(seed, alpha)
			where = f"round {number}, {len(alpha)} bytes"
			check(f"{where}: proof", ask("prove", seed, alpha), want["pi"].hex())
			check(f"{where}: beta", ask("verify", want["pk"], alpha, want["pi"]), want["beta"].hex())
			check(f"{where}: reference", vrf_ref.verify(want["pk"], alpha, want["pi"]), want["beta"])
			for what, key, text, proof in spoiled(rng, seed, alpha, want["pi"]):
				check(f"{where}: {what}", ask("verify", key, text, proof), "refused")
				check(f"{where}: {what}, reference", vrf_ref.verify(key, text, proof), None)
	print(f"{passed} passed, {failed} failed")
	return 1 if failed or answer.returncode else 0


if __name__ == "__main__":
	sys.exit(main())
