#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Draws of paths against the exact law: every path of a small network is written down here, those that break
a rule are struck out, and what is left must come as often as the product of its weights says (chi-square).

usage: path_check.py PATH_ANSWER"""

import collections
import itertools
import math
import pathlib
import subprocess
import sys
import tempfile

# layer, operator, family, as, class
Mix = collections.namedtuple("Mix", "layer operator family number bandwidth")

MIXED = {
	"a1": Mix(1, "a", "", 0, 1), "b1": Mix(1, "b", "", 7, 3), "c1": Mix(1, "", "f", 0, 0),
	"a2": Mix(2, "a", "", 0, 2), "d2": Mix(2, "d", "", 7, 1), "e2": Mix(2, "", "", 0, 4),
	"g2": Mix(2, "gate", "", 0, 10), # of the gateway's operator: on no path of it
	"a3": Mix(3, "a", "f", 0, 1), "h3": Mix(3, "h", "", 9, 5), "i3": Mix(3, "i", "", 7, 2),
}
# Nearly all of the bandwidth is one operator's: hardly a draw in 10,000 obeys the rules, and these few have the
# law, too.
RARE = {
	**{f"x{layer}{i}": Mix(layer, "x", "", 0, 10) for layer in (1, 2, 3) for i in range(4)},
	**{f"y{layer}{i}": Mix(layer, "", f"y{i}", 0, 1 + i) for layer in (1, 2, 3) for i in range(3)},
}
FEW = {"k1": Mix(1, "", "", 0, 0), "k2": Mix(2, "", "", 0, 1), "l2": Mix(2, "", "", 0, 10), "k3": Mix(3, "", "", 0, 0)}
NONE = {"m1": Mix(1, "m", "", 0, 0), "m2": Mix(2, "", "", 3, 0), "n2": Mix(2, "m", "", 0, 0), "m3": Mix(3, "", "", 3, 0)}


def topology(mixes):
	nodes = [("gateway", "gateway", Mix(0, "gate", "", 0, 0)), ("service", "service", Mix(0, "", "", 0, 0))]
	nodes += [(name, "mix", mix) for name, mix in mixes.items()]
	return "network: {name: t, links: none}\nnodes:\n" + "".join(
		f"  - {{name: {name}, id: {i + 1:064x}, mix_key: {i + 1:064x}, address: 10.0.0.{i + 1}, role: {role}, "
		f"layer: {mix.layer}, operator: \"{mix.operator}\", family: \"{mix.family}\", as: {mix.number}, "
		f"bandwidth: {mix.bandwidth}}}\n"
		for i, (name, role, mix) in enumerate(nodes)
	)


def related(a, b):
	return any(x and x == y for x, y in zip(a[1:4], b[1:4]))


def law(mixes):
	"""Probability of each path, by its names."""
	ends = [Mix(0, "gate", "", 0, 0)]
	weight = {}
	for names in itertools.product(*([n for n, mix in mixes.items() if mix.layer == layer] for layer in (1, 2, 3))):
		path = [mixes[name] for name in names]
		if not any(related(a, b) for a, b in itertools.combinations(ends + path, 2)):
			weight[names] = math.prod(2 ** max(0, mix.bandwidth - 1) for mix in path)
	total = sum(weight.values())
	return {names: w / total for names, w in weight.items()}


def draw(program, mixes, count, memory):
	with tempfile.TemporaryDirectory() as folder:
		file = pathlib.Path(folder) / "topology.yaml"
		file.write_text(topology(mixes))
		done = subprocess.run([program, file, "gateway", "service", str(count), str(int(memory))],
			text=True, capture_output=True, timeout=100, check=True)
	return [tuple(line.split()) for line in done.stdout.splitlines()]


def distribution(program, name, mixes, count):
	expected = law(mixes)
	paths = draw(program, mixes, count, False)
	assert all(path[0] == "gateway" and path[4:] == ("service",) for path in paths)
	seen = collections.Counter(path[1:4] for path in paths)
	assert seen.keys() <= expected.keys(), seen.keys() - expected.keys()
	# Paths that are expected less than 8 times are counted as one.
	rare = {names for names, p in expected.items() if p * count < 8}
	cells = [(seen[names], p * count) for names, p in expected.items() if names not in rare]
	if rare:
		cells.append((sum(seen[n] for n in rare), sum(expected[n] for n in rare) * count))
	chi2, free = sum((got - want) ** 2 / want for got, want in cells), len(cells) - 1
	# Wilson and Hilferty 1931: its cube root is nearly normal. Six sigma: once in a billion runs.
	z = ((chi2 / free) ** (1 / 3) - (1 - 2 / (9 * free))) / math.sqrt(2 / (9 * free))
	assert z < 6, (name, chi2, free, cells)
	print(f"{name}: {len(expected)} paths, chi-square {chi2:.1f} of {free}")


def reuse(program, name, mixes, least):
	"""Between two uses of a set there are at least 'least' others."""
	last, between = {}, []
	for i, path in enumerate(draw(program, mixes, 3000, True)):
		if path[1:4] in last:
			between.append(i - last[path[1:4]] - 1)
		last[path[1:4]] = i
	assert min(between) >= least, (name, min(between))
	assert set(last) <= set(law(mixes))
	if len(law(mixes)) <= 8:
		assert set(between) == {least}, (name, set(between))
	print(f"{name}: {min(between)} other sets, or more, before one comes again")


def main(program):
	distribution(program, "mixed", MIXED, 200000)
	distribution(program, "rare", RARE, 4000)
	distribution(program, "few", FEW, 20000)
	assert not law(NONE) and set(draw(program, NONE, 10, False)) == {("-18",)}
	reuse(program, "mixed", MIXED, 8)
	reuse(program, "rare", RARE, 8)
	reuse(program, "few", FEW, 1)
	eight = {**FEW, "l1": FEW["k1"], "l3": FEW["k3"]}
	assert len(law(eight)) == 8
	reuse(program, "eight", eight, 7)
	nine = {"k1": FEW["k1"], **{f"n{layer}{i}": Mix(layer, "", "", 0, 9 * (i == 0)) for layer in (2, 3) for i in range(3)}}
	assert len(law(nine)) == 9
	reuse(program, "nine", nine, 8)


if __name__ == "__main__":
	if len(sys.argv) != 2:
		sys.exit(__doc__)
	main(sys.argv[1])
