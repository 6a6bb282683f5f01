#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""bench/plot draws well-formed pictures of what fog-bench prints, and what it draws is in the data.

usage: test_plot.py PLOT FOG_BENCH
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

PLOT, BENCH = sys.argv[1:3]
del sys.argv[1:3]
SVG = "{http://www.w3.org/2000/svg}"


class Plot(unittest.TestCase):
	def setUp(self):
		folder = tempfile.TemporaryDirectory()
		self.addCleanup(folder.cleanup)
		self.folder = pathlib.Path(folder.name)

	def draw(self, name, *arguments):
		"""The result of one bench, and {file name: root element} of its pictures."""
		out = subprocess.run([BENCH, name, "--quick", "--json", *arguments], capture_output=True, check=True)
		file = self.folder / "it.json"
		file.write_bytes(out.stdout)
		done = subprocess.run([sys.executable, PLOT, file], capture_output=True, text=True)
		self.assertEqual(done.returncode, 0, done.stderr)
		pictures = {path.name: ElementTree.parse(path).getroot() for path in self.folder.glob("*.svg")}
		self.assertEqual({str(self.folder / name) for name in pictures}, set(done.stdout.split()))
		for root in pictures.values():
			self.inside(root)
		return json.loads(out.stdout), pictures

	def inside(self, root):
		"""Nothing is drawn outside of the picture."""
		width, height = float(root.get("width")), float(root.get("height"))
		for element in root.iter():
			for name in ("x", "x1", "x2", "cx"):
				self.assertTrue(0 <= float(element.get(name, 0)) <= width, ElementTree.tostring(element))
			for name in ("y", "y1", "y2", "cy"):
				self.assertTrue(0 <= float(element.get(name, 0)) <= height, ElementTree.tostring(element))

	def test_sphinx(self):
		result, pictures = self.draw("sphinx", "--geometry", "5x500,mtu,jumbo")
		self.assertEqual(set(pictures), {"it-stages.svg", "it-rate.svg"})
		bars = [float(box.get("width")) for box in pictures["it-stages.svg"].iter(f"{SVG}rect")
			if box.find(f"{SVG}title") is not None and box.find(f"{SVG}title").text]
		first = [row for row in result["result"] if row["geometry"] == "5x500"]
		cycles = [stage["cycles"] for row in first for stage in row["stages"].values()]
		self.assertEqual(len(bars), len(cycles))
		for bar, value in zip(bars, cycles):
			self.assertAlmostEqual(bar / max(bars), value / max(cycles), delta=0.01)
		self.assertEqual(len(list(pictures["it-rate.svg"].iter(f"{SVG}circle"))), len(result["result"]))

	def test_lines(self):
		for name, arguments in (("replay", ("--size", "2")), ("calendar", ())):
			result, pictures = self.draw(name, *arguments)
			dots = list(pictures["it.svg"].iter(f"{SVG}circle"))
			heights = [-float(dot.get("cy")) for dot in dots]
			cycles = [row["cycles"] for row in result["result"]]
			self.assertEqual(len(dots), len(cycles))
			self.assertAlmostEqual(heights[cycles.index(max(cycles))], max(heights), delta=0.2)

	def test_nothing_to_draw(self):
		self.assertEqual(self.draw("delay")[1], {})

	def test_misuse(self):
		for text in ("", "[]", "{}"):
			file = self.folder / "bad.json"
			file.write_text(text)
			done = subprocess.run([sys.executable, PLOT, file], capture_output=True, text=True)
			self.assertEqual(done.returncode, 2, text)
			self.assertIn("bad.json", done.stderr)


if __name__ == "__main__":
	unittest.main()
