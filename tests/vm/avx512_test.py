#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""The unit tests of the "avx512" crypto on an emulated CPU that has AVX-512, wherever this runs.

usage: avx512_test.py [BUILD_FOLDER]

With $FOGLINE_LONG the programs run all their cases, without it fewer random ones.
"""
import os
import pathlib
import re
import sys
import time

import bochs
import image

ROOT = pathlib.Path(__file__).resolve().parents[2]
LONG = bool(os.environ.get("FOGLINE_LONG"))
LIMIT_S = 4 * 3600 if LONG else 840
DONE = "vm: done"

# Program -> the one suite to run (None: all), and the lines in its output that only a run of the
# "avx512" table leaves behind.
PROGRAMS = {
	"x25519": ("avx512", ["Suite: avx512"]),
	"crypto": ("avx512", ["Suite: avx512", "AES of avx512: 512 bits"]),
	"gcm": ("avx512", ["Suite: avx512"]),
	"self_test": (None, ["avx512: checked"]),
	"vectors": (None, ["crypto ops: avx512"]),
	"sphinx": (None, ["crypto ops: avx512"]),
}
VECTORS = ["aez-v5.json", "katzenpost.json", "sphinx-geometries.json"]
ARGUMENTS = {"crypto": "/vectors", "vectors": "/vectors"}


def command(name):
	words, suite = [name], PROGRAMS[name][0]
	if suite:
		words.append(f"FOGLINE_SUITE={suite}")
	if not LONG:
		words.append("FOGLINE_FEW=1")
	return " ".join([*words, f"/tests/test_{name}", ARGUMENTS.get(name, "")])


def cd(build):
	cache = build / "vm"
	cache.mkdir(parents=True, exist_ok=True)
	unit = build / "tests" / "unit" / "sphinx"
	files = image.contents(
		build / "tests" / "vm" / "vm_init",
		{f"tests/test_{name}": unit / f"test_{name}" for name in PROGRAMS},
		{f"vectors/{name}": ROOT / "tests" / "vectors" / name for name in VECTORS},
		[command(name) for name in PROGRAMS],
	)
	return image.build(cache, "avx512", files,
		f"console=ttyS0 loglevel=1 mitigations=off random.trust_cpu=on panic=0 {bochs.ARGUMENTS}")


def judge(text):
	"""What is wrong with the output of the machine; empty when all is well."""
	wrong = []
	for name, (_, proofs) in PROGRAMS.items():
		match = re.search(rf"^vm: begin {name}$(.*?)^vm: end {name} (\d+)$", text, re.MULTILINE | re.DOTALL)
		if not match:
			wrong.append(f"{name}: did not come to an end")
			continue
		if match[2] != "0":
			wrong.append(f"{name}: exit code {match[2]}")
		for proof in proofs:
			if proof not in match[1].split("\n"):
				wrong.append(f"{name}: no line '{proof}', so avx512 was not what it tested")
	return wrong


def main(build):
	disc, start, text = cd(build), time.monotonic(), []
	for line in bochs.lines(disc, DONE, LIMIT_S):
		if line:
			print(f"{time.monotonic() - start:6.1f} {line}", flush=True)
		text.append(line)
	wrong = judge("\n".join(text))
	print(*wrong, sep="\n")
	return 1 if wrong else 0


if __name__ == "__main__":
	sys.exit(main(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build").resolve()))
