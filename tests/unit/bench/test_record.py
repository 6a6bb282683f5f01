#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""bench/record keeps what benches print, names those that fail, and mixes no revisions. The benches
are a script that prints a result of the revision it is told.

usage: test_record.py RECORD
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

RECORD = sys.argv.pop(1)
FOGLINE = """#!/bin/sh
[ "$2" != "$FAILS" ] || { echo "bench: no memory" >&2; exit 1; }
printf '{\\n "bench": "%s",\\n "git": "%s",\\n "result": []\\n}\\n' "$2" "$REVISION"
"""


def script(path, text):
	path.write_text(text)
	path.chmod(0o755)


class Record(unittest.TestCase):
	def setUp(self):
		folder = tempfile.TemporaryDirectory()
		self.addCleanup(folder.cleanup)
		self.root = pathlib.Path(folder.name)
		(self.root / "bench").mkdir()
		shutil.copy(RECORD, self.root / "bench" / "record")
		script(self.root / "fogline", FOGLINE)
		script(self.root / "bench" / "plot", "#!/bin/sh\necho plots $#\n")

	def record(self, *words, revision="one", fails=""):
		return subprocess.run(["sh", self.root / "bench" / "record", *words], capture_output=True, text=True,
			env={**os.environ, "REVISION": revision, "FAILS": fails})

	def kept(self):
		return {path.name: json.loads(path.read_text())["git"] for path in self.root.glob("bench/results/*/*")}

	def test_all(self):
		done = self.record("--runs", "2", "delay", "wrap")
		self.assertEqual((done.returncode, done.stdout), (0, "plots 2\n"), done.stderr)
		self.assertEqual(self.kept(), {f"{name}-{run}.json": "one" for name in ("delay", "wrap") for run in (1, 2)})

	def test_failing(self):
		done = self.record("--runs", "1", "delay", "wrap", "scale", fails="wrap")
		self.assertEqual(done.returncode, 1)
		self.assertIn("bench: no memory", done.stderr)
		self.assertIn("record: failed: wrap-1", done.stderr)
		self.assertEqual(set(self.kept()), {"delay-1.json", "scale-1.json"})

	def test_all_failing(self):
		done = self.record("--runs", "1", "wrap", fails="wrap")
		self.assertEqual((done.returncode, done.stdout, self.kept()), (1, "", {}))

	def test_again(self):
		self.record("--runs", "1", "delay")
		self.assertEqual(self.record("--runs", "1", "delay", "wrap").returncode, 0)

	def test_other_revision(self):
		self.record("--runs", "1", "delay", "wrap")
		done = self.record("--runs", "1", "delay", revision="two")
		self.assertEqual(done.returncode, 1)
		self.assertIn("is of one, delay-1 would be of two", done.stderr)
		self.assertEqual(self.kept(), {"delay-1.json": "one", "wrap-1.json": "one"})


if __name__ == "__main__":
	unittest.main()
