#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""The order of random tables of services against graphlib, which knows nothing of ours."""
import graphlib
import random
import subprocess
import sys

TABLES = 3000


def table(dice):
	"""Services and what they depend on; some tables have cycles."""
	names = dice.sample([f"{a}{b}" for a in "abcdef" for b in "xyz_01"], dice.randrange(1, 33))
	cyclic = dice.random() < 0.2
	rows = {}
	for i, name in enumerate(names):
		others = [other for other in (names if cyclic else names[:i]) if other != name]
		picked = dice.sample(others, min(len(others), dice.randrange(0, 4)))
		needs = [other for other in picked if dice.random() < 0.6]
		rows[name] = (needs, [other for other in picked if other not in needs])
	items = list(rows.items())
	dice.shuffle(items)
	return dict(items)


def expected(rows):
	"""The order and layers by graphlib, ties by name; None: a cycle."""
	graph = {name: needs + uses for name, (needs, uses) in rows.items()}
	sorter = graphlib.TopologicalSorter(graph)
	try:
		sorter.prepare()
	except graphlib.CycleError:
		return None
	order, ready, layer = [], list(sorter.get_ready()), {}
	while ready:
		name = min(ready)
		ready.remove(name)
		order.append(name)
		layer[name] = max((layer[other] + 1 for other in graph[name]), default=0)
		sorter.done(name)
		ready += sorter.get_ready()
	return [(name, layer[name]) for name in order]


def is_cycle(rows, text):
	names = text.removeprefix("! services depend on each other: ").split(" -> ")
	return len(names) > 1 and names[0] == names[-1] and all(
		after in rows[name][0] + rows[name][1] for name, after in zip(names, names[1:]))


def main(program):
	dice = random.Random(7)
	tables = [table(dice) for _ in range(TABLES)]
	text = "".join(
		" ".join(f"{name}:{','.join(needs)}:{','.join(uses)}" for name, (needs, uses) in rows.items()) + "\n"
		for rows in tables)
	answers = subprocess.run([program], input=text, capture_output=True, text=True, check=True).stdout.splitlines()
	assert len(answers) == len(tables), f"{len(answers)} answers to {len(tables)} tables"
	cycles = 0
	for rows, answer in zip(tables, answers):
		want = expected(rows)
		if want is None:
			cycles += 1
			assert is_cycle(rows, answer), f"no cycle of {rows}: {answer}"
			continue
		got = [(part.split("=")[0], int(part.split("=")[1])) for part in answer.split()]
		assert got == want, f"{rows}: {got}, should be {want}"
	assert 100 < cycles < TABLES - 100, cycles
	print(f"{len(tables)} tables, {cycles} with a cycle: as graphlib says")


if __name__ == "__main__":
	main(sys.argv[1])
