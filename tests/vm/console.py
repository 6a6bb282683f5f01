# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""What a machine has said on its serial port: steps, each "vm: begin NAME", output, "vm: end NAME CODE"."""
import json
import re
import time


def collect(lines):
	"""All lines as one text; shows each when it comes, with the seconds since the start."""
	start, output = time.monotonic(), []
	for line in lines:
		if line:
			print(f"{time.monotonic() - start:6.1f} {line}", flush=True)
		output.append(line)
	return "\n".join(output)


def step(output, name):
	"""Output and exit code of a step; None when it did not come to its end."""
	match = re.search(rf"^vm: begin {name}$\n(.*?)^vm: end {name} (\d+)$", output, re.MULTILINE | re.DOTALL)
	return (match[1], int(match[2])) if match else None


def unfinished(output, names):
	"""A line for each step that did not end with 0."""
	found = {name: step(output, name) for name in names}
	return [f"{name}: did not come to its end" for name in names if found[name] is None] + [
		f"{name}: exit code {found[name][1]}" for name in names if found[name] and found[name][1]]


def json_of(output, name):
	"""The JSON object that a finished step has printed; {} when there is none."""
	text = step(output, name)[0]
	try:
		return json.JSONDecoder().raw_decode(text, text.index("{"))[0]
	except ValueError:
		return {}


def differing(what, got, wanted):
	"""A line for each value that is not the wanted one."""
	return [
		f"{what}: {key} is {got.get(key)}, not {value}" for key, value in wanted.items() if got.get(key) != value]
