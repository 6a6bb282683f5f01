#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Our differences against diff(1) and patch(1): as few lines as `diff --minimal` has, in a form that `patch` takes, and the
very same bytes where there is only one shortest way."""
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import time

PAIRS = 400


def mutate(dice, lines, words):
	"""Some lines less, some more, some others."""
	out = []
	for line in lines:
		roll = dice.random()
		if roll < 0.08:
			continue
		if roll < 0.16:
			out.append(dice.choice(words))
		out.append(line if roll < 0.9 else dice.choice(words))
	return out


def text_of(dice, lines):
	text = "".join(line + "\n" for line in lines)
	return text[:-1] if dice.random() < 0.2 else text


def pair(dice, number):
	words = [f"word{i}" if i % 5 else "" for i in range(dice.choice([2, 5, 400]))]
	old = [dice.choice(words) for _ in range(dice.choice([0, 1, 3, 10, 60, 300]))]
	new = mutate(dice, old, words) if number % 4 else [dice.choice(words) for _ in range(dice.choice([0, 1, 5, 40]))]
	return text_of(dice, old), text_of(dice, new)


def ours(program, pairs):
	data = b"".join(
		f"{len(old)} {len(new)}\n".encode() + old + new for old, new in pairs)
	out = subprocess.run([program], input=data, capture_output=True, check=True).stdout
	answers = []
	while out:
		length, out = out.split(b"\n", 1)
		answers.append(out[:int(length)])
		out = out[int(length):]
	assert len(answers) == len(pairs), f"{len(answers)} answers to {len(pairs)} pairs"
	return answers


def theirs(folder, old, new):
	(folder / "old").write_bytes(old)
	(folder / "new").write_bytes(new)
	return subprocess.run(
		["diff", "--minimal", "-u", "--label", "old", "--label", "new", "old", "new"], cwd=folder, capture_output=True,
		check=False).stdout


def patched(folder, old, difference):
	(folder / "file").write_bytes(old)
	if difference:
		subprocess.run(
			["patch", "--quiet", "--fuzz=0", "file"], cwd=folder, input=difference, capture_output=True, check=True)
	return (folder / "file").read_bytes()


def changed(difference):
	return sum(1 for line in difference.split(b"\n")[2:] if line[:1] in (b"+", b"-"))


def check_random(program, folder):
	dice = random.Random(11)
	pairs = [tuple(text.encode() for text in pair(dice, number)) for number in range(PAIRS)]
	same = 0
	for (old, new), difference in zip(pairs, ours(program, pairs)):
		want = theirs(folder, old, new)
		assert bool(difference) == (old != new), (old, new)
		assert changed(difference) == changed(want), f"{changed(difference)} lines, not {changed(want)}: {old} {new}"
		assert patched(folder, old, difference) == new, f"patch makes another text of {old} {new}"
		same += difference == want
	assert same > PAIRS // 3, same
	print(f"{PAIRS} random pairs, {same} of them with the same bytes as diff")


def check_configuration(program, folder, path):
	"""A real file with one key changed here and there: exactly what diff says."""
	old = path.read_bytes()
	lines = old.decode().split("\n")
	pairs = []
	for step in (1, 7, 50):
		new = list(lines)
		for i in range(10, len(new), len(new) // (step + 1) + 1):
			new[i] = f"# changed {i}"
		pairs.append((old, "\n".join(new).encode()))
	for (_, new), difference in zip(pairs, ours(program, pairs)):
		assert difference == theirs(folder, old, new), "another difference of a configuration"


def check_worst(program):
	"""Texts as long as may be with nothing in common take no time worth speaking of, and less effort gives more lines, not wrong ones."""
	dice = random.Random(5)
	old = "".join(f"{dice.randrange(50)}\n" for _ in range(150000)).encode()
	new = "".join(f"{dice.randrange(50)}\n" for _ in range(150000)).encode()
	began = time.monotonic()
	[difference] = ours(program, [(old, new)])
	with tempfile.TemporaryDirectory() as name:
		assert patched(pathlib.Path(name), old, difference) == new
	heads = re.findall(rb"^@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@$", difference, re.MULTILINE)
	assert heads, "no hunk"
	print(f"the worst pair: {time.monotonic() - began:.2f} s")


def main(program, configuration):
	with tempfile.TemporaryDirectory() as name:
		check_random(program, pathlib.Path(name))
		check_configuration(program, pathlib.Path(name), pathlib.Path(configuration))
	check_worst(program)


if __name__ == "__main__":
	main(*sys.argv[1:])
