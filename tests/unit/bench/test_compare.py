#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""bench/compare finds regressions that were made up, and no others.

usage: test_compare.py COMPARE
"""
import copy
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

COMPARE = sys.argv.pop(1)
RESULT = {
	"schema": 1, "bench": "made-up", "quick": False, "cpu": "none", "key": ["isa", "n"],
	"result": [
		{
			"isa": isa, "n": n, "cycles": 1000.0, "cycles_min": 970.0, "cycles_q1": 990.0, "cycles_q3": 1010.0,
			"pps": 500.0, "pps_min": 480.0, "pps_q1": 495.0, "pps_q3": 505.0,
			"stages": {"key": {"cycles": 700.0, "cycles_q1": 690.0, "cycles_q3": 710.0}},
		}
		for isa in ("one", "two") for n in (1, 8)
	],
}


def scaled(factor, figure="cycles", row=0, stage=None):
	"""RESULT with one figure and its spread multiplied."""
	result = copy.deepcopy(RESULT)
	target = result["result"][row]
	if stage:
		target = target["stages"][stage]
	for name in (figure, f"{figure}_q1", f"{figure}_q3"):
		target[name] *= factor
	return result


class Compare(unittest.TestCase):
	def setUp(self):
		folder = tempfile.TemporaryDirectory()
		self.addCleanup(folder.cleanup)
		self.folder = pathlib.Path(folder.name)

	def side(self, name, *results):
		"""A folder with one file per result."""
		folder = self.folder / name
		folder.mkdir()
		for i, result in enumerate(results):
			(folder / f"{i}.json").write_text(json.dumps(result))
		return folder

	def run_on(self, a, b, *options):
		done = subprocess.run([sys.executable, COMPARE, *options, a, b], capture_output=True, text=True)
		return done.returncode, done.stdout + done.stderr

	def check(self, code, a, b, *texts):
		got, output = self.run_on(self.side("a", *a), self.side("b", *b))
		self.assertEqual(got, code, output)
		for text in texts:
			self.assertIn(text, output)

	def test_same(self):
		self.check(0, [RESULT], [RESULT], "0 worse, 0 better, 12 the same")

	def test_slower(self):
		self.check(1, [RESULT], [scaled(1.15, row=3)], "worse", "isa two, n 8: cycles", "1 worse")

	def test_faster(self):
		self.check(0, [RESULT], [scaled(0.8)], "better", "0 worse, 1 better")

	def test_less_packets(self):
		self.check(1, [RESULT], [scaled(0.85, "pps")], "isa one, n 1: pps", "1 worse")

	def test_stage(self):
		self.check(1, [RESULT], [scaled(1.2, stage="key")], "stages.key.cycles", "1 worse")

	def test_ranges_meet(self):
		noisy = scaled(1.15)
		noisy["result"][0]["cycles_q1"] = 1005.0
		self.check(0, [RESULT], [noisy], "0 worse")

	def test_few_runs(self):
		self.check(0, [RESULT] * 2, [scaled(1.08)] * 3, "threshold 10 %", "0 worse")

	def test_below_threshold(self):
		quiet, slower = copy.deepcopy(RESULT), scaled(1.02)
		for result in (quiet, slower):
			row = result["result"][0]
			row["cycles_q1"] = row["cycles_q3"] = row["cycles"]
		self.check(0, [quiet] * 3, [slower] * 3, "threshold 3 %", "0 worse")

	def test_runs_differ_among_themselves(self):
		self.check(0, [scaled(0.9), RESULT, scaled(1.1)], [scaled(1.08)] * 3, "3 and 3 runs", "0 worse")

	def test_runs_differ_downwards(self):
		runs = [scaled(factor, "pps") for factor in (0.9, 1, 1.1)]
		self.check(0, runs, [scaled(0.92, "pps")] * 3, "0 worse")

	def test_runs_agree(self):
		self.check(1, [scaled(0.99), RESULT, scaled(1.01)], [scaled(1.08), scaled(1.09), scaled(1.1)], "1 worse")

	def test_row_gone(self):
		less = copy.deepcopy(RESULT)
		del less["result"][2]
		self.check(0, [RESULT], [less], "isa two, n 1: cycles is in A only")

	def test_other_cpu(self):
		self.check(0, [RESULT], [{**RESULT, "cpu": "other"}], "not the same CPU: none; other")

	def test_misuse(self):
		self.check(2, [RESULT], [{**RESULT, "bench": "other"}], "no bench is on both sides")
		for name, text in (("empty", ""), ("list", "[]"), ("quick", json.dumps({**RESULT, "quick": True}))):
			file = self.folder / name
			file.write_text(text)
			self.assertEqual(self.run_on(file, file)[0], 2, name)

	def test_threshold(self):
		a, b = self.side("a", RESULT), self.side("b", scaled(1.08))
		self.assertEqual(self.run_on(a, b, "--threshold", "7")[0], 1)
		self.assertEqual(self.run_on(a, b, "--threshold", "9")[0], 0)


if __name__ == "__main__":
	unittest.main()
