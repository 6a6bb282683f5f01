#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Builds only what a special run needs: the tests where threads meet under TSan, the fuzz targets.

usage: build_some.py tsan|fuzz
"""
import pathlib
import subprocess
import sys

import plan

ROOT = pathlib.Path(__file__).resolve().parents[1]
TREES = {"tsan": "tsan", "fuzz": "asan"}


def main(kind):
	folder = ROOT / f"build-{TREES[kind]}"
	subprocess.run([ROOT / "fogline", "build", f"--{TREES[kind]}", "--configure"], check=True)
	# Bring meson's view up to date before asking it what there is.
	subprocess.run(["ninja", "-C", folder, "build.ninja"], check=True)
	if kind == "tsan":
		programs = {plan.program(test) for test in plan.introspect(folder, "tests") if plan.races(test)}
	else:
		programs = plan.fuzz_targets(folder)
	names = sorted(str((folder / program).relative_to(folder)) for program in programs)
	if not names:
		sys.exit(f"build_some.py: nothing to build for {kind}")
	return subprocess.run(["ninja", "-C", folder, *names], check=False).returncode


if __name__ == "__main__":
	if sys.argv[1:] not in [[kind] for kind in TREES]:
		sys.exit(__doc__)
	sys.exit(main(sys.argv[1]))
