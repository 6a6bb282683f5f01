# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""ECVRF-EDWARDS25519-SHA512-TAI (RFC 9381 section 5) in plain integers, and what a node's delays
follow from. Shares nothing with the C code. For tests only: slow, and not constant time."""
import hashlib

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT = pow(2, (P - 1) // 4, P)  # of -1
SUITE = b"\x03"
IDENTITY = (0, 1)


def sha512(*parts):
	return hashlib.sha512(b"".join(parts)).digest()


def add(a, b):
	"""The complete addition of the twisted Edwards curve -x^2 + y^2 = 1 + d x^2 y^2, affine."""
	(x1, y1), (x2, y2) = a, b
	product = D * x1 * x2 * y1 * y2 % P
	x = (x1 * y2 + x2 * y1) * pow(1 + product, -1, P)
	y = (y1 * y2 + x1 * x2) * pow(1 - product, -1, P)
	return x % P, y % P


def negate(a):
	return -a[0] % P, a[1]


def multiply(n, a):
	"""n a, in projective coordinates so that it takes one inversion."""

	def project(p, q):
		(x1, y1, z1), (x2, y2, z2) = p, q
		z, x, y = z1 * z2 % P, x1 * x2 % P, y1 * y2 % P
		e, zz = D * x * y % P, z * z % P
		f, g = zz - e, zz + e
		return (
			z * f * ((x1 + y1) * (x2 + y2) - x - y) % P,
			z * g * (y + x) % P,
			f * g % P,
		)

	total, power = (0, 1, 1), (*a, 1)
	while n:
		if n & 1:
			total = project(total, power)
		power = project(power, power)
		n >>= 1
	inverse = pow(total[2], -1, P)
	return total[0] * inverse % P, total[1] * inverse % P


def encode(a):
	return (a[1] | (a[0] & 1) << 255).to_bytes(32, "little")


def decode(data):
	"""RFC 8032 section 5.1.3; None for what isn't a point."""
	number = int.from_bytes(data, "little")
	sign, y = number >> 255, number & ((1 << 255) - 1)
	if y >= P:
		return None
	square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
	x = pow(square, (P + 3) // 8, P)
	if x * x % P != square:
		x = x * ROOT % P
	if x * x % P != square or (x == 0 and sign):
		return None
	return (x if x & 1 == sign else P - x), y


BASE = decode((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


def in_prime_subgroup(a):
	return a != IDENTITY and multiply(L, a) == IDENTITY


def secret(seed):
	digest = bytearray(sha512(seed))
	digest[0] &= 248
	digest[31] = digest[31] & 127 | 64
	return int.from_bytes(digest[:32], "little"), bytes(digest[32:])


def public(seed):
	return encode(multiply(secret(seed)[0], BASE))


def encode_to_curve(public_key, alpha):
	"""The point H, and the counter with which it was found."""
	for counter in range(256):
		point = decode(sha512(SUITE, b"\x01", public_key, alpha, bytes([counter]), b"\x00")[:32])
		if point is not None and (cleared := multiply(8, point)) != IDENTITY:
			return cleared, counter
	raise ValueError("no point")


def challenge(*points):
	return int.from_bytes(sha512(SUITE, b"\x02", *points, b"\x00")[:16], "little")


def prove(seed, alpha):
	"""Everything that the RFC's examples show."""
	x, upper = secret(seed)
	key = public(seed)
	h, counter = encode_to_curve(key, alpha)
	wide = sha512(upper, encode(h))
	k = int.from_bytes(wide, "little") % L
	gamma, u, v = multiply(x, h), multiply(k, BASE), multiply(k, h)
	c = challenge(key, encode(h), encode(gamma), encode(u), encode(v))
	proof = encode(gamma) + c.to_bytes(16, "little") + ((k + c * x) % L).to_bytes(32, "little")
	return {
		"sk": seed, "pk": key, "alpha": alpha, "ctr": counter, "x": x.to_bytes(32, "little"),
		"h": encode(h), "k": wide, "u": encode(u), "v": encode(v), "pi": proof,
		"beta": beta_of(proof),
	}


def beta_of(proof):
	return sha512(SUITE, b"\x03", encode(multiply(8, decode(proof[:32]))), b"\x00")


def verify(public_key, alpha, proof):
	"""beta, or None. As strict as the C code: prime order, c and s not 0."""
	y, gamma = decode(public_key), decode(proof[:32])
	c, s = (int.from_bytes(part, "little") for part in (proof[32:48], proof[48:]))
	if y is None or gamma is None or not 0 < s < L or c == 0:
		return None
	if not in_prime_subgroup(y) or not in_prime_subgroup(gamma):
		return None
	h = encode_to_curve(public_key, alpha)[0]
	u = add(multiply(s, BASE), negate(multiply(c, y)))
	v = add(multiply(s, h), negate(multiply(c, gamma)))
	if challenge(public_key, encode(h), proof[:32], encode(u), encode(v)) != c:
		return None
	return beta_of(proof)


def network_hash(name, slots, payload, epoch_s, mean_us, max_us, cap_ms):
	fields = ((slots, 2), (payload, 2), (epoch_s, 4), (mean_us, 4), (max_us, 4), (cap_ms, 4))
	data = name.encode().ljust(32, b"\x00")
	data += b"".join(value.to_bytes(size, "big") for value, size in fields)
	return hashlib.blake2b(data, digest_size=32).digest()


def static_beacon(network, epoch):
	return hashlib.sha256(b"fogline static beacon v1" + network + epoch.to_bytes(8, "big")).digest()


def delay_alpha(network, epoch, beacon):
	return b"fogline delay v1" + network + epoch.to_bytes(8, "big") + beacon


def delay_key(beta):
	return sha512(b"fogline delay", beta)[:32]
