#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""PostgreSQL dies under 32 threads that append, and comes back: what was acknowledged is there, in one chain.

usage: server_check.py WRITER FOGCTL
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
import postgres  # noqa: E402

WRITER, FOGCTL = sys.argv[1:]
LONG = "FOGLINE_LONG" in os.environ
PATIENCE_S, KILLS, ACKS = 120, 20 if LONG else 4, 300


class Acks:
	"""What the writer has said so far."""

	def __init__(self, pipe):
		self.number = {}
		self.more = threading.Condition()
		self.thread = threading.Thread(target=self._follow, args=(pipe,))
		self.thread.start()

	def _follow(self, pipe):
		for line in pipe:
			if line.endswith("\n"):
				sequence, correlation = line.split()
				with self.more:
					self.number[correlation] = int(sequence)
					self.more.notify()

	def wait(self, count):
		with self.more:
			goal = len(self.number) + count
			return self.more.wait_for(lambda: len(self.number) >= goal, PATIENCE_S)


def fogctl(store, *words):
	argv = [FOGCTL, "audit", *words, "--store", store]
	return subprocess.run(argv, capture_output=True, text=True, timeout=PATIENCE_S, check=False)


def main(folder):
	with postgres.server() as server:
		store, heads = server.database("platform"), folder / "audit-head.jsonl"
		writer = subprocess.Popen(
			[WRITER, heads, "32", "0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
			env={**os.environ, "FOGLINE_STORE": store})
		acks = Acks(writer.stdout)
		good = acks.wait(ACKS)
		for number in range(KILLS):
			server.end()
			server.start()
			came = acks.wait(ACKS)
			good = good and came
			print(f"kill {number}: {'rows again' if came else 'no rows afterwards'}")
		writer.kill()
		writer.wait(PATIENCE_S)
		acks.thread.join()
		said = json.loads(fogctl(store, "verify", "--heads", str(heads), "-j").stdout)
		rows = [json.loads(line) for line in fogctl(store, "export").stdout.splitlines()]
	stored = {row["correlation_id"]: row["sequence"] for row in rows}
	missing = [key for key, number in acks.number.items() if stored.get(key) != number]
	foreign = [row for row in rows if row["action"] == "audit.foreign"]
	print(f"{len(acks.number)} acknowledged, {len(missing)} of them missing, {len(foreign)} taken for foreign, "
		f"{said['count']} findings in {said['rows']} rows")
	return 0 if good and not missing and not foreign and said["ok"] and writer.returncode == -9 else 1


with tempfile.TemporaryDirectory(prefix="fogline-audit-") as name:
	sys.exit(main(pathlib.Path(name)))
