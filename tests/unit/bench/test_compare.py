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


def plain(bench, key, **row):
	"""A result with one row."""
	return {"schema": 1, "bench": bench, "quick": False, "cpu": "none", "key": list(key), "result": [row]}


def worker(**changes):
	"""As bench worker prints it, with what compare reads."""
	return plain("worker", ("isa", "geometry"), **{
		"isa": "avx2", "geometry": "mtu", "pps": 42000.0, "pps_min": 41000.0, "pps_q1": 41900.0, "pps_q3": 42100.0,
		"share_of_sphinx": 0.92, "share_of_sphinx_q1": 0.91, "share_of_sphinx_q3": 0.93,
		"replay_capacity": 60000000, "loop_p99_us": 400.0, "loop_p999_us": 500.0, "windows_on_cpu": 50,
		"load": 0.8, "paced_pps": 33600.0, "tick_us": 2.0, "lateness_p50_us": 150.0, "lateness_p99_us": 700.0,
		"lateness_max_us": 1500.0, **changes,
	})


def e2e(**changes):
	"""As bench/e2e prints it."""
	return plain("e2e", ("isa",), **{
		"isa": "avx2", "label": "not wire rate", "asked_pps": None, "pps": 30000, "sphinx_pps": 45000.0,
		"share_of_sphinx": 0.67, "lost": 0, "over_p50_us": 200.0, "over_p99_us": 900.0, "early": 0, "seconds": 4,
		"confirmed": 3, "tried": 3, "trials": [], **changes,
	})


def replay(**changes):
	return plain("replay", ("table_bytes", "fill"), **{
		"table_bytes": 1 << 24, "fill": 0.5, "page_bytes": 4096, "batch": 16,
		"cycles": 190.0, "cycles_min": 180.0, "cycles_q1": 185.0, "cycles_q3": 195.0, **changes,
	})


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
		self.check(1, [RESULT], [less], "  isa two, n 1 is in A only", "0 worse", "3 gone")

	def test_figure_gone(self):
		less = copy.deepcopy(RESULT)
		del less["result"][2]["pps_q1"], less["result"][2]["pps"]
		self.check(1, [RESULT], [less], "isa two, n 1: pps is in A only", "1 gone")

	def test_bench_gone(self):
		self.check(1, [RESULT, worker()], [RESULT], "worker is in A only")

	def test_more_in_b(self):
		less = copy.deepcopy(RESULT)
		del less["result"][2]
		self.check(0, [less], [RESULT, worker()], "isa two, n 1 is in B only", "worker is in B only")

	def test_nothing_compared(self):
		none = {**RESULT, "result": []}
		self.check(2, [none], [none], "no figure in common")

	def test_worker(self):
		self.check(0, [worker()], [worker()], "0 worse, 0 better, 7 the same, 0 gone")

	def test_worker_figures_without_quartiles(self):
		for name in ("loop_p99_us", "loop_p999_us", "lateness_p50_us", "lateness_p99_us", "lateness_max_us"):
			with self.subTest(name):
				value = worker()["result"][0][name]
				a, b = self.side(f"{name}-a", worker()), self.side(f"{name}-b", worker(**{name: 1.2 * value}))
				self.assertEqual(self.run_on(a, b)[0], 1)
				code, output = self.run_on(b, a)
				self.assertEqual((code, "better" in output and name in output), (0, True), output)

	def test_range_of_runs_without_quartiles(self):
		runs = [worker(lateness_p99_us=us) for us in (600.0, 700.0, 800.0)]
		self.check(0, runs, [worker(lateness_p99_us=780.0)] * 3, "0 worse")

	def test_above_range_of_runs(self):
		runs = [worker(lateness_p99_us=us) for us in (690.0, 700.0, 710.0)]
		self.check(1, runs, [worker(lateness_p99_us=780.0)] * 3, "lateness_p99_us", "1 worse")

	def test_e2e(self):
		self.check(1, [e2e()], [e2e(pps=25000, over_p99_us=700.0)], "worse", "isa avx2: pps", "1 worse, 1 better, 1 the")

	def test_e2e_confirmed_nothing(self):
		self.check(1, [e2e()], [e2e(pps=None, share_of_sphinx=None)], "isa avx2: pps is in A only")

	def test_conditions(self):
		for i, (a, b, text) in enumerate((
			(replay(), replay(page_bytes=2 << 20), "page_bytes is 4096 and 2097152"),
			(replay(), replay(batch=8), "batch"), (worker(), worker(load=0.5), "load is 0.8 and 0.5"),
			(worker(), worker(replay_capacity=1 << 17), "replay_capacity"),
			(e2e(), e2e(asked_pps=30000), "asked_pps"), (e2e(), e2e(seconds=1), "seconds"),
		)):
			with self.subTest(text):
				code, output = self.run_on(self.side(f"{i}a", a), self.side(f"{i}b", b))
				self.assertEqual((code, text in output), (2, True), output)

	def test_capacity_within_a_factor(self):
		self.check(0, [worker()], [worker(replay_capacity=66000000)], "0 worse")

	def test_other_cpu(self):
		self.check(0, [RESULT], [{**RESULT, "cpu": "other"}], "not the same CPU: none; other")

	def test_misuse(self):
		self.check(2, [RESULT], [{**RESULT, "bench": "other"}], "made-up is in A only", "no figure in common")
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
