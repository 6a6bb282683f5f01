#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Every bench runs and prints what is promised; the figures are not judged.

usage: test_output.py FOG_BENCH
"""
import json
import numbers
import os
import re
import subprocess
import sys
import unittest

BENCH = sys.argv.pop(1)
HEAD = {
	"schema": int, "bench": str, "git": str, "time": str, "cpu": str, "core": int, "clock_mhz": float,
	"tsc_mhz": float, "windows": int, "quick": bool, "repeated": int, "key": list, "notes": list, "result": list,
}
SPREAD = ("", "_min", "_q1", "_q3")
# Of each bench: the fields of a row that name it, figures with a spread, and other figures.
PROMISED = {
	"sphinx": (("isa", "geometry"), ("cycles_per_packet",), ("pps", "speedup", "packet_bytes")),
	"wrap": (("isa", "geometry", "hops", "batch"), ("cycles_per_packet",), ("pps",)),
	"x25519": (("isa", "n"), ("cycles",), ("per_second",)),
	"flood": (
		("isa",), ("ticks", "flood_ticks", "times_alone"),
		("forged_per_packet", "forged", "wrong_mac"),
	),
	"link": (("isa", "burst", "bytes"), ("cycles", "seal_cycles", "open_cycles"), ()),
	"symmetric": (("isa", "op", "n", "bytes"), ("cycles",), ("cycles_per_byte",)),
	"replay": (("table_bytes", "fill"), ("cycles", "cycles_unprefetched"), ("fill_mean", "page_bytes", "batch")),
	"calendar": (("parked",), ("cycles",), ("rate_pps", "depth")),
	"delay": (("law",), ("cycles",), ()),
	"directory": (("work", "nodes"), ("ms",), ()),
	"dudect": (("isa", "function"), ("cycles",), ("t", "samples", "crop")),
	"worker": (
		("isa", "geometry"), ("pps", "sphinx_pps", "share_of_sphinx"),
		("loop_p99_us", "loop_p999_us", "lateness_p99_us", "tick_us", "load", "load_reached"),
	),
	"scale": (
		("workers", "isa"), ("speedup", "machine_speedup", "share_of_machine", "pps", "x25519_per_s"), (),
	),
}
STAGES = {"key", "kdf", "mac", "open", "payload", "blind"}


def run(*arguments):
	return subprocess.run([BENCH, *arguments], capture_output=True, text=True)


def result(name, *arguments):
	done = run(name, "--quick", "--json", *arguments)
	if done.returncode:
		raise AssertionError(f"{name}: exit code {done.returncode}: {done.stderr}")
	return json.loads(done.stdout)  # one object and nothing else, or this fails


class Output(unittest.TestCase):
	def check_spread(self, row, figure):
		low, q1, median, q3 = (row[figure + suffix] for suffix in ("_min", "_q1", "", "_q3"))
		self.assertTrue(0 < low <= q1 <= median <= q3, f"{figure}: {low} {q1} {median} {q3}")

	def check(self, name, *arguments):
		found = result(name, *arguments)
		self.assertEqual({key: type(value) for key, value in found.items()}, HEAD)
		self.assertEqual((found["bench"], found["schema"], found["quick"]), (name, 1, True))
		key, spread, plain = PROMISED[name]
		self.assertEqual(tuple(found["key"]), key)
		self.assertTrue(found["result"])
		for row in found["result"]:
			for figure in spread:
				self.check_spread(row, figure)
			for figure in plain:
				self.assertIsInstance(row[figure], numbers.Real)
				self.assertGreater(row[figure], 0)
		rows = [tuple(row[field] for field in key) for row in found["result"]]
		self.assertEqual(len(set(rows)), len(rows), "rows that can't be told apart")
		return found["result"]

	def test_all_are_known(self):
		names = re.findall(r"^(\w+) ", run().stdout, re.MULTILINE)
		self.assertEqual(set(names), set(PROMISED))

	def test_sphinx(self):
		rows = self.check("sphinx")
		self.assertEqual({row["geometry"] for row in rows}, {"mtu", "mtu3", "jumbo"})
		self.assertIn("ref", {row["isa"] for row in rows})
		for row in rows:
			self.assertEqual(set(row["stages"]), STAGES)
			for stage in row["stages"].values():
				self.check_spread(stage, "cycles")
			self.assertEqual(row["speedup"] == 1, row["isa"] == "ref")

	def test_sphinx_geometry(self):
		rows = self.check("sphinx", "--geometry", "jumbo,5x2000")
		sizes = {row["geometry"]: row["packet_bytes"] for row in rows}
		self.assertEqual(sizes, {"jumbo": 3082, "5x2000": 2508})

	def test_x25519(self):
		for row in self.check("x25519"):
			limit = row["limit_cycles"], row["share_of_limit"]
			if row["isa"] == "ref":
				self.assertEqual(limit, (None, None))
			else:
				self.assertTrue(limit[0] > 0 and limit[1] > 0, limit)

	def test_link(self):
		self.check("link")

	def test_flood(self):
		if os.geteuid() != 0:
			self.skipTest("EAL needs root")
		for row in self.check("flood"):
			self.assertAlmostEqual(row["growth_percent"], (row["times_alone"] - 1) * 100, delta=0.01)
			self.assertEqual(row["wrong_mac"] * 2, row["forged"])  # the other half is right
			self.assertLessEqual(row["punted"] + row["wrong_mac"], row["forged"])

	def test_symmetric(self):
		self.check("symmetric")

	def test_replay(self):
		rows = self.check("replay", "--size", "2")
		self.assertEqual({row["table_bytes"] for row in rows}, {2 << 20})
		for row in rows:
			self.assertAlmostEqual(row["fill_mean"], row["fill"], delta=0.02)

	def test_replay_one_fill(self):
		rows = self.check("replay", "--size", "2", "--fill", "50")
		self.assertEqual([row["fill"] for row in rows], [0.5])

	def test_replay_too_large(self):
		found = result("replay", "--size", "1048576")
		self.assertEqual(found["result"], [])
		self.assertIn("not enough memory", " ".join(found["notes"]))

	def test_calendar(self):
		for row in self.check("calendar"):
			self.assertAlmostEqual(row["depth"] / row["parked"], 1, delta=0.25)
			self.assertAlmostEqual(row["rate_pps"] * 0.05 / row["parked"], 1)

	def test_others(self):
		self.check("wrap")
		self.check("delay")
		self.check("directory")
		self.check("dudect")

	def test_whole_workers(self):
		if os.geteuid() != 0:
			self.skipTest("EAL needs root")
		if len(os.sched_getaffinity(0)) < 2:
			self.skipTest("worker needs two CPUs")
		for row in self.check("worker"):
			self.assertAlmostEqual(row["load_reached"], row["paced_pps"] / row["pps"], places=3)
			self.assertGreaterEqual(row["refused"], 0)
			self.assertNotIn("links_share", row)
		for row in self.check("worker", "--links", "yes"):
			self.assertGreater(row["links_pps"], 0)
			self.assertGreater(row["links_share"], 0)
		self.check("scale")

	def test_table(self):
		done = run("delay", "--quick")
		self.assertEqual(done.returncode, 0, done.stderr)
		self.assertIn("cycles", done.stdout)
		self.assertIn("figures mean nothing", done.stdout)

	def test_misuse(self):
		for arguments in (
			("nothing",), ("delay", "--windows", "14"), ("delay", "--cpu"), ("delay", "--cpu", "x"),
			("delay", "--geometry", "mtu"), ("sphinx", "--geometry", "none"), ("sphinx", "--geometry", "0x10"),
			("replay", "--fill", "50,10"), ("replay", "--fill", "1,"), ("calendar", "--parked", "1"),
		):
			done = run(*arguments)
			self.assertEqual((done.returncode, done.stdout), (2, ""), arguments)
			self.assertTrue(done.stderr, arguments)


if __name__ == "__main__":
	unittest.main()
