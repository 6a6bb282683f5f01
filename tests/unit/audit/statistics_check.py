#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
# The judge's statistics against their definitions: tails in exact fractions, permutations one by one,
# borders of the slope by how often they hold.
#   statistics_check.py STATISTICS_ANSWER     last line "N passed, N failed"
import itertools
import math
import random
import subprocess
import sys
from fractions import Fraction


def binomial(n, k, p):
	p = Fraction(p)
	return sum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k, n + 1))


def hypergeometric(everything, marked, drawn, k):
	ways = sum(
		math.comb(marked, i) * math.comb(everything - marked, drawn - i)
		for i in range(k, min(marked, drawn) + 1)
	)
	return Fraction(ways, math.comb(everything, drawn))


def log(fraction):
	"""Of fractions too small for a float, too."""
	if fraction == 0:
		return -math.inf
	shift = max(0, fraction.denominator.bit_length() - fraction.numerator.bit_length())
	return math.log(fraction * 2**shift) - shift * math.log(2)


def permutation_z(a, b):
	sums = [sum(x * y for x, y in zip(a, order)) for order in itertools.permutations(b)]
	mean = sum(sums) / len(sums)
	deviation = math.sqrt(sum((s - mean) ** 2 for s in sums) / len(sums))
	return (sum(x * y for x, y in zip(a, b)) - mean) / deviation


class Answers:
	def __init__(self, process):
		self.process = process
		self.passed = self.failed = 0

	def ask(self, verb, *values):
		self.process.stdin.write(" ".join([verb, *(repr(v) for v in values)]) + "\n")
		return [float(word) for word in self.process.stdout.readline().split()]

	def check(self, what, good):
		self.passed += good
		self.failed += not good
		if not good:
			print("FAILED:", what)

	def near(self, want, verb, *values):
		got = self.ask(verb, *values)[0]
		self.check(f"{verb} {values}: {got}, not {want}", got == want or abs(got - want) < 1e-6 * max(1, -want))


def tails(answers, rng):
	for z in (-5, -1, 0, 0.5, 1, 2.326, 4.9, 10, 25):
		answers.near(math.log(math.erfc(z / math.sqrt(2)) / 2), "normal", z)
	# Mills' ratio, to three terms.
	for z in (30, 40, 100):
		series = 1 - 1 / z**2 + 3 / z**4
		want = -z * z / 2 - math.log(z * math.sqrt(2 * math.pi)) + math.log(series)
		got = answers.ask("normal", z)[0]
		answers.check(f"normal {z}: {got}, not {want}", abs(got - want) < 0.01)
	for _ in range(60):
		n, p = rng.randrange(1, 400), rng.choice((0.01, 0.05, 0.113, 0.5, 0.9))
		k = rng.randrange(n + 1)
		answers.near(log(binomial(n, k, p)), "binomial", n, k, p)
		everything = rng.randrange(2, 600)
		marked, drawn = rng.randrange(everything + 1), rng.randrange(everything + 1)
		k = rng.randrange(min(marked, drawn) + 1)
		want = log(hypergeometric(everything, marked, drawn, k))
		answers.near(want, "hypergeometric", everything, marked, drawn, k)
	answers.near(-math.inf, "binomial", 5, 6, 0.5)
	answers.near(0.0, "binomial", 5, 0, 0.5)


def orders(answers, rng):
	for _ in range(10):
		a = [rng.choice((0.0, 1.0, 2.5, 7.0)) for _ in range(7)]
		b = [float(rng.randrange(5)) for _ in range(7)]
		if len(set(a)) > 1 and len(set(b)) > 1:
			answers.near(permutation_z(a, b), "permutation", 7, *a, *b)
	values = [3.0, 1.0, 3.0, 2.0]
	got = answers.ask("ranks", 4, *values)
	want = [(sum(w < v for w in values) + values.count(v) / 2) / 4 for v in values]
	answers.check(f"ranks: {got}, not {want}", got == want)


def slopes(answers, rng):
	"""Noise with heavy tails: the true slope lies beyond a border about once in a hundred times."""
	rounds, n, below, above, middles = 400, 120, 0, 0, []
	for _ in range(rounds):
		x = [rng.expovariate(1 / 50) for _ in range(n)]
		y = [-0.5 * value + 10 / max(rng.random(), 1e-3) for value in x]
		pairs, low, middle, high = answers.ask("slope", n, *x, *y)
		below += high < -0.5
		above += low > -0.5
		middles.append(middle)
		answers.check(f"{pairs} pairs", pairs == n // 2 and low <= middle <= high)
	mean = sum(middles) / rounds
	answers.check(f"borders missed {below}, {above} times", below <= 12 and above <= 12 and below + above > 0)
	answers.check(f"mean slope {mean}", abs(mean + 0.5) < 0.02)


def main():
	with subprocess.Popen(
		sys.argv[1:2], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
	) as process:
		answers, rng = Answers(process), random.Random(5)
		tails(answers, rng)
		orders(answers, rng)
		slopes(answers, rng)
	print(f"{answers.passed} passed, {answers.failed} failed")
	return 1 if answers.failed or process.returncode else 0


if __name__ == "__main__":
	sys.exit(main())
