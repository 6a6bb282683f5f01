#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Loops through simulated networks: quiet epochs raise no alert, blocked nodes do within two epochs, and the
estimates are those of a second implementation that was written from the formulas alone.

usage: losses_check.py LOSSES_ANSWER"""

import collections
import math
import random
import subprocess
import sys

BUDGET, EFFECT, ORDINARY, WINDOWS, KEEP = 1e-6, 0.15, 0.10, (1, 2, 4), 4
WE = 0


class Network:
	"""Layers of mixes, a loop a second from a gateway. 'base': loss of every link; 'links': of some. That loops of the
	last 'late' seconds of an epoch are lost is known in the next one."""

	def __init__(self, seed, width, base, links=None, layers=3, epoch_s=1200, late=0):
		self.random = random.Random(seed)
		self.layers = [[1 + layer * width + i for i in range(width)] for layer in range(layers)]
		self.base, self.links, self.epoch_s = base, links or {}, epoch_s
		self.blocked = {} # node: share of what is kept away from it
		self.lines, self.loops = [], []
		self.late, self.held = late, []

	def loop(self, epoch, late=False):
		hops = [self.random.choice(layer) for layer in self.layers]
		lost = False
		for link in zip([WE, *hops], [*hops, WE]):
			through = (1 - self.links.get(link, self.base)) * (1 - self.blocked.get(link[1], 0))
			if self.random.random() >= through:
				lost = True
				break
		if lost and late:
			self.held.append((epoch, lost, hops))
		else:
			self.tell(epoch, lost, hops)

	def tell(self, epoch, lost, hops):
		self.lines.append(f"loop {epoch} {int(lost)} {' '.join(map(str, hops))}")
		self.loops.append((epoch, lost, hops))

	def epoch(self, epoch, block_at=0.0, blocked=None):
		"""Judged twelve times in it, and once more when it is over."""
		count = sum(1 for _ in iter(lambda e=[0.0]: self.gap(e), False))
		for i in range(count):
			if blocked is not None and i >= block_at * count:
				self.blocked = blocked
			self.loop(epoch, i >= count - self.late)
			if i % max(1, count // 12) == 0:
				self.judge(epoch)
			if i == self.late:
				for held in self.held:
					self.tell(*held)
				self.held = []
		self.judge(epoch + 1)

	def gap(self, passed):
		passed[0] += self.random.expovariate(1.0)
		return passed[0] < self.epoch_s

	def judge(self, epoch):
		self.lines.append(f"judge {epoch}")
		self.loops.append((epoch, None, None))

	def answers(self, program):
		done = subprocess.run([program], input="\n".join(self.lines) + "\n", text=True, capture_output=True,
			timeout=100, check=True)
		rows = [line.split() for line in done.stdout.splitlines()]
		alerts = [(int(e), int(node), int(began), int(sent), int(lost), float(loss), float(p))
			for kind, e, node, began, sent, lost, loss, p in (row for row in rows if row[0] == "alert")]
		links = {(int(a), int(b)): (int(sent), int(lost), float(loss))
			for kind, a, b, sent, lost, loss in (row for row in rows if row[0] == "link")}
		return alerts, links


def divergence(a, p):
	return sum(x * math.log(x / y) for x, y in ((a, p), (1 - a, 1 - p)) if x > 0) if 0 < p < 1 else 0.0


def upper(sent, lost, evidence):
	if lost == sent:
		return 1.0
	low, high = lost / sent, 1 - 1e-15
	for _ in range(60): # as many bits as a number has, and some
		middle = (low + high) / 2
		low, high = (middle, high) if sent * divergence(lost / sent, middle) < evidence else (low, middle)
	return high


class Judge:
	"""The second implementation of the alert."""

	def __init__(self):
		self.kept, self.newest, self.looks, self.next = [], 0, 0, 0
		self.now, self.began = {}, {}

	def advance(self, epoch):
		if epoch > self.newest:
			self.newest, self.looks, self.next = epoch, 0, 0
			self.kept = [loop for loop in self.kept if loop[0] > epoch - KEEP]

	def add(self, epoch, lost, hops):
		self.advance(epoch)
		self.kept.append((epoch, lost, frozenset(hops), len(hops) + 1))

	def judge(self, epoch):
		self.advance(epoch)
		count = sum(loop[0] == epoch for loop in self.kept)
		if count >= self.next:
			self.look(epoch)
			self.next = 16 if count < 16 else 2 * count
		return self.now

	def look(self, epoch):
		self.looks += 1
		nodes = set().union(*(loop[2] for loop in self.kept))
		tests = 2 * max(1, len(nodes)) * len(WINDOWS) * self.looks * (self.looks + 1)
		evidence = math.log(tests / BUDGET)
		self.now, found = {}, set()
		for width in WINDOWS:
			loops = [loop for loop in self.kept if loop[0] > epoch - width]
			while True:
				loops = [loop for loop in loops if not loop[2] & found]
				verdicts = self.verdicts(loops, evidence)
				if not verdicts:
					break
				worst = min(verdicts)
				through = [loop for loop in loops if worst[1] in loop[2]]
				same = frozenset.intersection(*(loop[2] for loop in through))
				for node in same:
					if sum(node in loop[2] for loop in loops) == len(through):
						found.add(node)
						began = min(self.began.get(node, epoch), max(0, epoch + 1 - width))
						self.now[node] = (began, worst[2], worst[3], math.exp(worst[0]))
		self.began = {node: row[0] for node, row in self.now.items()}

	@staticmethod
	def verdicts(loops, evidence):
		if not loops:
			return []
		sent, lost = collections.defaultdict(int), collections.defaultdict(int)
		for _, gone, hops, _ in loops:
			for node in hops:
				sent[node] += 1
				lost[node] += gone
		all_sent, all_lost = len(loops), sum(loop[1] for loop in loops)
		ordinary = 1 - (1 - ORDINARY) ** (sum(loop[3] for loop in loops) / len(loops))
		out = []
		for node, n in sent.items():
			others, gone = all_sent - n, all_lost - lost[node]
			base = min(ordinary, upper(others, gone, evidence) if others else 1.0)
			null = 1 - (1 - base) * (1 - EFFECT)
			if lost[node] / n > null and n * divergence(lost[node] / n, null) > evidence:
				out.append((-n * divergence(lost[node] / n, null), node, n, lost[node]))
		return out


def same_alerts(network, alerts):
	"""Every judgement of the program is that of the second implementation."""
	judge, told = Judge(), collections.defaultdict(list)
	expected = collections.defaultdict(list)
	for row in alerts:
		told[row[0]].append(row)
	for epoch, lost, hops in network.loops:
		if hops is not None:
			judge.add(epoch, lost, hops)
			continue
		for node, (began, sent, gone, p) in sorted(judge.judge(epoch).items()):
			expected[epoch].append((epoch, node, began, sent, gone, p))
	assert told.keys() == expected.keys(), (sorted(told), sorted(expected))
	for epoch, rows in expected.items():
		# Each judgement of an epoch lists its alerts once.
		left, right = sorted(rows), sorted(told[epoch])
		assert [r[:5] for r in left] == [r[:5] for r in right], (epoch, left, right)
		for a, b in zip(left, right):
			assert math.isclose(a[5], b[6], rel_tol=1e-6, abs_tol=1e-300), (a, b)


def quiet(program):
	kinds = [
		dict(width=1, base=0.0), dict(width=1, base=0.05), dict(width=3, base=0.01), dict(width=3, base=0.05),
		dict(width=20, base=0.03), dict(width=3, base=0.01, links={(1, 4): 0.05, (WE, 2): 0.05}),
	]
	for seed, kind in enumerate(kinds):
		for epoch_s in (60, 1200):
			network = Network(seed, epoch_s=epoch_s, **kind)
			for epoch in range(1000, 1100):
				network.epoch(epoch)
			alerts, _ = network.answers(program)
			assert not alerts, (kind, epoch_s, alerts[:3])
			print(f"100 quiet epochs of {epoch_s} s, {kind}: no alert")


def attack(program, name, blocked, width=3, base=0.01, epoch_s=1200, block_at=0.0, others=(), late=0):
	network = Network(name, width, base, epoch_s=epoch_s, late=late)
	for epoch in range(100, 106):
		network.epoch(epoch)
	network.epoch(106, block_at, blocked)
	network.epoch(107)
	network.blocked = {}
	for epoch in range(108, 113):
		network.epoch(epoch)
	alerts, _ = network.answers(program)
	same_alerts(network, alerts)
	assert not [row for row in alerts if row[0] < 106], alerts[:3]
	assert {row[1] for row in alerts if row[0] <= 108} == set(blocked) | set(others), (name, alerts[:9])
	assert {row[1] for row in alerts} == set(blocked) | set(others), (name, alerts)
	assert not [row for row in alerts if row[0] >= 112], "the attack is over, and out of all windows"
	first = min(row[0] for row in alerts)
	print(f"{name}: alert in epoch {first - 106 + 1} of the attack")


def attacks(program):
	attack(program, "all is kept away", {5: 1.0})
	attack(program, "in the middle of an epoch", {5: 1.0}, block_at=0.5)
	attack(program, "in the last 8 s of an epoch", {5: 1.0}, block_at=1 - 8 / 1200, late=9)
	attack(program, "of the first layer", {1: 1.0})
	attack(program, "of the last layer, losses of 5 % on each link", {9: 1.0}, base=0.05)
	attack(program, "half is kept away", {5: 0.5})
	attack(program, "two of a layer", {4: 1.0, 5: 1.0})
	attack(program, "two of two layers", {2: 1.0, 9: 1.0})
	attack(program, "20 mixes a layer", {30: 1.0}, width=20)
	attack(program, "epochs of a minute", {5: 1.0}, epoch_s=60)
	attack(program, "epochs of a minute, one mix a layer", {2: 1.0}, width=1, epoch_s=60, others=(1, 3))


def estimate(loops):
	"""The second implementation of the links' losses: expectation-maximization from an even start."""
	ways = [(lost, list(zip([WE, *hops], [*hops, WE]))) for _, lost, hops in loops if hops is not None]
	per_loop = sum(len(way) for _, way in ways) / len(ways)
	gone = sum(lost for lost, _ in ways)
	start = 1 - (1 - (gone + 0.5) / (len(ways) + 1)) ** (1 / per_loop)
	loss = {link: start for _, way in ways for link in way}
	groups = collections.Counter((lost, tuple(way)) for lost, way in ways)
	for _ in range(200):
		here, came = collections.defaultdict(float), collections.defaultdict(float)
		for (lost, way), times in groups.items():
			reach = [math.prod(1 - loss[link] for link in way[:i]) for i in range(len(way) + 1)]
			for i, link in enumerate(way):
				if not lost:
					came[link] += times
				elif reach[-1] < 1:
					here[link] += times * reach[i] * loss[link] / (1 - reach[-1])
					came[link] += times * (reach[i] - reach[-1]) / (1 - reach[-1])
		new = {link: here[link] / came[link] if came[link] > 0 else loss[link] for link in loss}
		change = max(abs(new[link] - loss[link]) for link in loss)
		loss = new
		if change <= 1e-6:
			break
	return loss


def estimates(program):
	network = Network("estimates", 3, 0.02, links={(2, 5): 0.3})
	for epoch in (1, 2, 3, 4):
		for _ in range(5000):
			network.loop(epoch)
	_, links = network.answers(program)
	second = estimate(network.loops)
	assert links.keys() == second.keys(), (links.keys(), second.keys())
	for link, (_, _, loss) in links.items():
		assert abs(loss - second[link]) < 1e-4, (link, loss, second[link])
	# 2,222 loops pass the bad link: a standard deviation of 0.01 for it; the others lose 0.02 each, shared
	# among neighbours in whatever way.
	assert 0.25 < links[(2, 5)][2] < 0.35, links[(2, 5)]
	assert max(loss for link, (_, _, loss) in links.items() if link != (2, 5)) < 0.08, links
	ways = collections.defaultdict(lambda: [0, 0])
	for _, lost, hops in network.loops:
		ways[tuple(hops)][0] += 1
		ways[tuple(hops)][1] += lost
	for hops, (sent, lost) in ways.items():
		expected = 1 - math.prod(1 - links[link][2] for link in zip([WE, *hops], [*hops, WE]))
		sigma = math.sqrt(sent * expected * (1 - expected))
		assert abs(lost - sent * expected) < 5 * sigma, (hops, sent, lost, expected)
	for link, (sent, lost, _) in links.items():
		through = [lost for _, lost, hops in network.loops if link in zip([WE, *hops], [*hops, WE])]
		assert (sent, lost) == (len(through), sum(through)), link
	print(f"estimates of {len(links)} links: as the second implementation has them")


if __name__ == "__main__":
	if len(sys.argv) != 2:
		sys.exit(__doc__)
	estimates(sys.argv[1])
	attacks(sys.argv[1])
	quiet(sys.argv[1])
