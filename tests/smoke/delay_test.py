#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Delays as an observer at the wire sees them. With a fixed seed anybody can compute from a packet's tag
what it is owed: the appliance owes just that, never sends early, and mixes up what leaves together."""
import hashlib
import math
import os
import random
import re
import signal
import time

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from _init import Lab, check, equal, wait_for
from peer import FORWARDED, GEO, Books, counters, hop, played, sphinx, taken_apart

SEED = 20261122
MEAN_US, MAX_US, CAP_MS = 5_000, 40_000, 30
LAW = {"delay": {"mean": "5ms", "max": "40ms", "cap": "30ms"}}
COUNT = 500
ROUNDS, TOGETHER = 4, 24  # packets that leave together

delay_key = hashlib.blake2b(SEED.to_bytes(8, "little"), digest_size=32).digest()


def owed_us(tag, node_delay_ms):
	"""The law from its definition, in real numbers."""
	block = Cipher(algorithms.AES(delay_key), modes.ECB()).encryptor().update(tag[:16])
	uniform = int.from_bytes(block[:8], "big") / 2**64
	exponential = -MEAN_US * math.log1p(uniform * math.expm1(-MAX_US / MEAN_US))
	return exponential + 1000 * min(node_delay_ms, CAP_MS)


def ephemeral(mix, node_delay_ms):
	"""(us owed, key of a packet's sender, wish) of a packet that isn't made yet."""
	key = os.urandom(32)
	tag = sphinx.Keys(sphinx.x25519(key, bytes.fromhex(mix.mix_key))).replay_tag
	return owed_us(tag, node_delay_ms), key, node_delay_ms


def make(mix, peer, owed, key, node_delay_ms):
	"""(us owed, packet, element that it comes with, element that it leaves with). Mixes don't look into
	a payload, so any bytes do."""
	path = [hop(mix, delay_ms=node_delay_ms), peer.way(mix)[1]]
	header, keys = sphinx.make_header(GEO, path, lambda n: key if n == len(key) else os.urandom(n))
	packet = header + os.urandom(GEO.packet - GEO.header)
	return owed, packet, header[2:34], sphinx.x25519(keys[0].blind, header[2:34])


def owes_by_the_law(mix, peer, books):
	"""Packets with all kinds of wishes of their senders; returns them."""
	wishes = [random.choice([0, 0, 10, 25, 1000]) for _ in range(COUNT)]
	made = [make(mix, peer, *ephemeral(mix, wish)) for wish in wishes]
	for _, packet, _, _ in made:
		peer.send(peer.frame(mix, packet))
		time.sleep(0.002)  # without a queue in front of it, what is left is the appliance's own lateness
	books.moves("packets forwarded", FORWARDED, times=COUNT, delay_clamped=wishes.count(1000))

	owed = [one[0] for one in made]
	greatest = counters(mix)["sum"]["owed_us"]["max"]
	check(abs(greatest - max(owed)) <= 1, f"greatest delay {greatest} us, owed {max(owed)} us")
	metrics = mix.rest.get("/metrics").decode()
	total = 1e6 * float(re.search(r"fog_delay_owed_seconds_sum\{.*\} (\S+)", metrics).group(1))
	check(abs(total - sum(owed)) <= COUNT, f"all delays {total} us, owed {sum(owed)} us")
	return made


def never_early(peer, made):
	"""By the clock of the wire: a packet is seen there before it arrives and after it is released."""
	def seen():
		frames = [(ns, taken_apart(data)) for ns, _, data in list(peer.wire.frames)]
		return {parts[3][2:34]: ns for ns, parts in frames if parts}
	at = wait_for("all packets", lambda: len(found := seen()) >= 2 * COUNT and found)
	late = sorted((at[leaves] - at[comes]) / 1000 - owed for owed, _, comes, leaves in made)
	print(f"{COUNT} packets, lateness with the way there and back: p50 {late[COUNT // 2]:.0f}, "
		f"p99 {late[COUNT * 99 // 100]:.0f}, max {late[-1]:.0f} us")
	check(late[0] >= -1, f"a packet left {-late[0]:.0f} us early")


def mixed_up(mix, peer, books, group):
	"""Packets that arrive in one burst and are owed the same to a few microseconds share a slot."""
	group = [make(mix, peer, *one) for one in group]
	random.shuffle(group)
	mix.processes["data"].send_signal(signal.SIGSTOP)
	for _, packet, _, _ in group:
		peer.send(peer.frame(mix, packet))
	mix.processes["data"].send_signal(signal.SIGCONT)
	books.moves("packets that leave together", FORWARDED, times=len(group))
	place = {leaves: number for number, (_, _, _, leaves) in enumerate(group)}

	def order():
		return [place[packet[2:34]] for packet in peer.packets() if packet[2:34] in place]
	wait_for("the group", lambda: len(order()) == len(group))
	print(f"owed within {max(group)[0] - min(group)[0]:.0f} us, left in the order {order()}")
	rises = sum(a < b for a, b in zip(order(), order()[1:]))
	# Of 23 neighbours in a random order 11.5 rise, 1.4 more or less.
	check(3 < rises < len(group) - 4, "they left in the order of arrival, or in its reverse")


with Lab(network=LAW) as lab:
	mix, peer = played(lab, config={"test": {"delay_seed": SEED}})
	with peer:
		books = Books(mix)
		never_early(peer, owes_by_the_law(mix, peer, books))
		pool = sorted(ephemeral(mix, CAP_MS) for _ in range(2000 * ROUNDS))
		for number in range(ROUNDS):
			mixed_up(mix, peer, books, pool[number * TOGETHER:(number + 1) * TOGETHER])
		books.close()
		equal(len(peer.packets()), COUNT + ROUNDS * TOGETHER, "packets on the wire")
