#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""The closed forms of controlplane/timing/law.c against sums and simulations that know none of them.
Usage: timing_check.py TIMING_PRINT"""
import math
import random
import subprocess
import sys

LAWS = [  # mean, max, tick in seconds
	(0.05, 0.5, 80e-6), (0.05, 0.05, 64e-6), (0.2, 0.3, 90e-6), (1.0, 100.0, 1e-3), (0.01, 0.02, 50e-6),
]
RATES = (0.2, 2, 20, 150, 900)  # packets per second
BIN_S = 0.05
DEPARTURES = 6000  # simulated for each
SIGMAS = 4.5  # of the simulation's own spread: wrong once in 150,000

results = {"passed": 0, "failed": 0}


def check(what, condition):
	results["passed" if condition else "failed"] += 1
	if not condition:
		print(f"FAILED: {what}", flush=True)


class Law:
	"""The exponential, truncated; by its distribution function only."""

	def __init__(self, mean, longest):
		self.mean, self.longest = mean, longest
		self.kept = 1 - math.exp(-longest / mean)

	def below(self, x):
		return 0 if x <= 0 else 1 if x >= self.longest else (1 - math.exp(-x / self.mean)) / self.kept

	def density(self, x):
		return math.exp(-x / self.mean) / self.mean / self.kept if 0 <= x <= self.longest else 0

	def draw(self, rng):
		return -self.mean * math.log(1 - rng.random() * self.kept)


def entropy_by_ticks(law, tick):
	"""Shannon entropy of the tick that a release falls into."""
	total, below = 0, 0
	for i in range(math.ceil(law.longest / tick)):
		above = law.below((i + 1) * tick)
		if above > below:
			total -= (above - below) * math.log2(above - below)
		below = above
	return total


def mean_by_ticks(law, steps=200_000):
	"""Integral of what is still to come, by the midpoint rule."""
	width = law.longest / steps
	return sum(1 - law.below((i + 0.5) * width) for i in range(steps)) * width


def anonymity_by_simulation(law, rate, rng):
	"""(mean, its standard error) of the entropy of which arrival a departure is: the true one, as old as its
	delay, among all others that came at random."""
	values = []
	for _ in range(DEPARTURES):
		weights = [law.density(law.draw(rng))]
		age = rng.expovariate(rate)
		while age <= law.longest and age < 40 * law.mean:  # older ones weigh less than 1e-17
			weights.append(law.density(age))
			age += rng.expovariate(rate)
		whole = sum(weights)
		values.append(-sum(w / whole * math.log2(w / whole) for w in weights if w))
	mean = sum(values) / len(values)
	spread = sum((v - mean) ** 2 for v in values) / (len(values) - 1)
	return mean, math.sqrt(spread / len(values))


def correlation_by_simulation(law, rng, packets=200_000):
	"""Share of packets that leave 0, 1, .. bins after the one that they came in."""
	lags = [0] * 5
	for _ in range(packets):
		lag = int((rng.random() * BIN_S + law.draw(rng)) / BIN_S)
		if lag < 5:
			lags[lag] += 1
	return [count / packets for count in lags]


def main():
	rng = random.Random(20261125)
	cases = [(*law, rate) for law in LAWS for rate in RATES]
	text = "".join(f"{mean!r} {longest!r} {tick!r} {rate!r} {BIN_S}\n" for mean, longest, tick, rate in cases)
	said = subprocess.run([sys.argv[1]], input=text, capture_output=True, text=True, check=True).stdout
	lines = [[float(word) for word in line.split()] for line in said.splitlines()]
	check("a line for each case", len(lines) == len(cases))
	for (mean, longest, tick, rate), (law_mean, entropy, anonymity, *lags) in zip(cases, lines):
		law, name = Law(mean, longest), f"mean {mean}, max {longest}, rate {rate}"
		if rate == RATES[0]:
			check(f"{name}: mean {law_mean}", abs(law_mean - mean_by_ticks(law)) < 1e-6 * law_mean)
			wanted = entropy_by_ticks(law, tick)
			check(f"{name}: entropy {entropy}, by ticks {wanted}", abs(entropy - wanted) < 0.003)
			for lag, (one, other) in enumerate(zip(lags, correlation_by_simulation(law, rng))):
				check(f"{name}: correlation {one} at lag {lag}, simulated {other}", abs(one - other) < 0.005)
		if rate * mean < 50:
			wanted, error = anonymity_by_simulation(law, rate, rng)
			check(f"{name}: anonymity {anonymity}, simulated {wanted} +- {error}",
				abs(anonymity - wanted) < SIGMAS * error + 1e-6)
	print(f"{results['passed']} passed, {results['failed']} failed")
	return 1 if results["failed"] or results["passed"] < 40 else 0


if __name__ == "__main__":
	sys.exit(main())
